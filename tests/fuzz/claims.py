"""What must hold for every random network of images.

Invariant: a network may be refused with a diagnostic where the compiler says that it cannot be
built, and with the codes listed here alone; everything else that goes wrong is a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import reject

from bitmason.backends.layers.memory import STYLES
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import CompileError
from bitmason.frontend.agreement import compare
from bitmason.frontend.samples import sample_inputs
from bitmason.ir import Graph
from bitmason.ir.interp import run
from bitmason.pipeline import Compiled, compile_model
from bitmason.verification import verify_project
from hw_tests.bench.networks import Images, make_images
from tests.fuzz.foldings import random_foldings

# A table or a layout that the compiler does not have: rare, and told to the user.
_REFUSALS = {"F014", "F016", "P001", "P005"}
_SAMPLES, _RTL_SAMPLES = 32, 12


@contextmanager
def refusals_skipped() -> Iterator[None]:
    """Let hypothesis draw another network in place of one that is refused."""
    try:
        yield
    except CompileError as error:
        if not _REFUSALS.issuperset(found.code for found in error.diagnostics):
            raise
        reject()


@dataclass(frozen=True)
class Choice:
    """How to compile a network: for a target, if any, or with random foldings where it is a seed.

    With `adjustable` precision changes from frame to frame.
    """

    max_cycles: int
    folding: int | None
    adjustable: bool = False


def compiled_of(network: Images, choice: Choice) -> Compiled:
    """Compile a network."""
    model, folding = make_images(network).model, choice.folding
    plain = Config(run_time_precision=choice.adjustable)
    config = plain.model_copy(update={"max_cycles": choice.max_cycles or None})
    try:
        compiled = compile_model(model, config, name="fuzz.onnx", check=True)
    except CompileError as error:
        if {found.code for found in error.diagnostics} != {"B002"}:
            raise
        compiled = compile_model(model, plain, name="fuzz.onnx", check=True)
    return compiled if folding is None else refolded(model, compiled.design.graph, plain, folding)


def refolded(model: bytes, graph: Graph, plain: Config, seed: int) -> Compiled:
    """Compile a network with random foldings; `graph` is its lowered form."""
    layers = random_foldings(graph, np.random.default_rng(seed))
    try:
        config = plain.model_copy(update={"layers": layers})
        return compile_model(model, config, name="fuzz.onnx")
    except CompileError as error:
        if "memory" not in str(error):
            raise
    # A line buffer of a single line has no memory, which depends on who reads it.
    layers = {name: _anywhere(layer) for name, layer in layers.items()}
    config = plain.model_copy(update={"layers": layers})
    return compile_model(model, config, name="fuzz.onnx")


def _anywhere(layer: LayerConfig) -> LayerConfig:
    """Return `layer` without a place for its memory; a memory that is a form stays."""
    return layer.model_copy(update={"memory": ""}) if layer.memory in STYLES else layer


def executor_equals_golden(network: Images, choice: Choice) -> None:
    """Claim: executor == imported == lowered and folded."""
    made = make_images(network)
    compiled = compiled_of(network, choice)
    imported = compiled.imported
    x = sample_inputs(imported, _SAMPLES, network.seed)
    found = compare(imported, x)
    assert found.agrees, found.mismatches
    if made.exact:
        assert not found.ambiguous_count, found.ambiguous
        assert found.identical_outputs == found.outputs, found
    before = run(imported.graph, {imported.graph.inputs[0].name: x})
    after = compiled.simulate(x).outputs
    if before[-1].shape == after[-1].shape:
        for ours, theirs in zip(after, before, strict=True):
            np.testing.assert_array_equal(ours, theirs.astype(ours.dtype))


def all_engines_agree(network: Images, choice: Choice) -> None:
    """Claim: all engines agree, stalled or not, and the hardware moves as the model of it."""
    with TemporaryDirectory() as scratch:
        compiled = compiled_of(network, choice).write(Path(scratch) / "project", "all")
        for claim in verify_project(compiled, samples=_RTL_SAMPLES):
            assert claim.holds, (claim, compiled.config.layers)
