# Everything a user or contributor runs. `make demo` and `make test` set up what they need.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= 2

# g++, make and perl are the only things that pip cannot bring.
.PHONY: help demo test test-all lint docs clean

help:
	@echo "make demo      compile a trained network, simulate it in RTL, print accuracy and cost"
	@echo "make test      lint, types and all tests that fit into half an hour"
	@echo "make test-all  every test, the long ones too"
	@echo "make lint      style, types, import rules, SystemVerilog lint"
	@echo "make docs      write the generated pages of docs/"

demo: $(VENV)/base
	$(BIN)/python examples/demo.py

# The tests run side by side already; BLAS threads on top only wait for each other.
test test-all: export OPENBLAS_NUM_THREADS = 1

test: lint
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

test-all: export BITMASON_SEEDS = 2
test-all: lint
	$(BIN)/python -m pytest -n $(JOBS)

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python -m hw_tests.lint

docs: $(VENV)/dev
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build

$(VENV)/base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/dev: $(VENV)/base
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev,hls,synth]'
	touch $@
