"""TFC at FINN's published folding and others: exact cycles, back-to-back frames, real images."""

from pathlib import Path

import numpy as np
import pytest

import bitmason
from bitmason.config import make_config
from bitmason.diagnostics import Loc
from bitmason.pipeline import compile_model
from hw_tests.bench.networks import make_model, mlp
from hw_tests.models.checks import EXAMPLES, check_in_hardware, fashion, images_of

TFC = EXAMPLES / "models" / "tfc_w1a1.onnx"
SHAPE = (1, 28, 28)
# (PE, SIMD) of the four layers as FINN publishes them for TFC w1a1.
PUBLISHED = ((16, 49), (8, 8), (8, 8), (10, 8))


def published_folding() -> dict[str, object]:
    names = [
        layer.name for layer in bitmason.compile(TFC).design.layers if layer.op == "xnor_popcount"
    ]
    folds = zip(names, PUBLISHED, strict=True)
    return {"layers": {name: {"pe": pe, "simd": simd} for name, (pe, simd) in folds}}


def test_tfc_at_published_folding_takes_64_cycles(tmp_path: Path) -> None:
    config = make_config(published_folding(), Loc("published"))
    compiled = compile_model(TFC, config, check=True).write(tmp_path / "tfc", "all")
    x = images_of(SHAPE, 1000)
    check_in_hardware(compiled, x, 64)
    assert np.mean(compiled.simulate(x).output.argmax(axis=-1) == fashion(1000)[1]) >= 0.8


def test_tfc_in_16_cycles(tmp_path: Path) -> None:
    compiled = bitmason.compile(TFC, max_cycles=16).write(tmp_path / "tfc", "all")
    check_in_hardware(compiled, images_of(SHAPE, 200), 16)


@pytest.mark.slow
def test_tfc_in_one_cycle(tmp_path: Path) -> None:
    compiled = bitmason.compile(TFC, max_cycles=1).write(tmp_path / "tfc", "all")
    check_in_hardware(compiled, images_of(SHAPE, 200), 1)


@pytest.mark.parametrize("bits", [1, 3])
def test_small_network_in_one_cycle(tmp_path: Path, bits: int) -> None:
    model = make_model(mlp((33, 15, 17, 5), bits, seed=bits, name="small"))
    compiled = bitmason.compile(model, max_cycles=1).write(tmp_path / "small", "all")
    x = np.random.default_rng(0).uniform(-1.2, 1.2, (300, 33)).astype(np.float32)
    check_in_hardware(compiled, x, 1)
