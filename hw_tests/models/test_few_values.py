"""Networks that others trained: whatever has few values may be built by Reduce-and-Scale.

Invariant: nothing in a file says so; the weights alone are looked at, and the answers that came
with a file are those of the hardware.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bitmason.backends.layers.engines import engines_of
from bitmason.config import Config, LayerConfig
from bitmason.ir.ops.dense import Dense
from bitmason.pipeline import Compiled, compile_model
from bitmason.verification import verify_project
from hw_tests.models.checks import assert_same_integers

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "models"
# How many layers have few values: all of the perceptrons, all but the first of the CNN.
NETWORKS = {
    "own/tfc_w2a2.onnx": 4,
    "own/tfc_w2a2.dynamo.onnx": 4,
    "own/tfc_w2a2.qcdq-ts.onnx": 4,
    "zoo_tfc/TFC_1W2A.onnx": 4,
    "zoo_tfc/TFC_2W2A.onnx": 4,
    "bench/tfc_w2a2.onnx": 4,
    "own/cnv_w2a2.onnx": 4,
    "own/cnv_w2a2.qcdq-ts.onnx": 4,
    "own/tfc_w4a4.onnx": 0,
}
CYCLES = 20_000


@cache
def in_lists(name: str) -> Compiled:
    """A network with all layers in lists that may be."""
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is among the shared models, which are not here")
    usual = compile_model(SHARED / name, Config(max_cycles=CYCLES))
    few = {
        node.name: node.op
        for node in usual.design.graph.nodes
        if isinstance(node.op, Dense) and len(np.unique(node.op.weights.array)) <= 8
    }
    assert all("ras" in engines_of(op) for op in few.values())
    layers = dict.fromkeys(few, LayerConfig(engine="ras"))
    return compile_model(SHARED / name, Config(max_cycles=CYCLES, layers=layers))


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_of_few_values_are_known(name: str) -> None:
    design = in_lists(name).design
    assert sum(layer.engine == "ras" for layer in design.layers) == NETWORKS[name]


@pytest.mark.parametrize("name", ["own/tfc_w2a2", "own/cnv_w2a2"])
def test_answers_are_those_that_came_with_the_file(name: str) -> None:
    """Which are sums in float32, so they carry its errors."""
    compiled = in_lists(f"{name}.onnx")
    recorded = np.load(SHARED / f"{name}.npz")
    found = compiled.simulate(recorded["input"])
    np.testing.assert_allclose(found.output, recorded["qonnx_out"], atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["own/tfc_w2a2", "own/cnv_w2a2"])
def test_hardware_gives_the_answers(name: str, tmp_path: Path) -> None:
    compiled = in_lists(f"{name}.onnx").write(tmp_path / "project", "all")
    recorded = np.load(SHARED / f"{name}.npz")
    for claim in verify_project(compiled, samples=2, given=recorded["input"]):
        assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"
    golden = compiled.simulate(recorded["input"])
    for engine in compiled.engines:
        found = compiled.simulate(recorded["input"], engine)
        assert_same_integers(found, golden)
        np.testing.assert_allclose(found.output, recorded["qonnx_out"], atol=2e-6)
