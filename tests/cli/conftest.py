"""One small network, compiled once for all tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.command import BIPOLAR, run, write_model


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    model = write_model(folder / "net.onnx")
    assert run("compile", model, "-o", folder / "p", "--max-cycles", "12").status == 0
    return folder / "p"


@pytest.fixture
def project(compiled: Path, tmp_path: Path) -> Path:
    """Return a fresh copy, for tests that change it."""
    shutil.copytree(compiled, tmp_path / "p", ignore=shutil.ignore_patterns("build"))
    return tmp_path / "p"


@pytest.fixture(scope="session")
def bipolar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bipolar")
    assert run("compile", write_model(folder / "b.onnx", BIPOLAR), "-o", folder / "p").status == 0
    return folder / "p"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "net.onnx")
