"""Networks of floating-point numbers: executor == golden == RTL == HLS, in every format.

Invariant: compressed weights, ranks on links and layers of expanders all occur among them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bitmason.backends.layers.expand import ExpandView
from bitmason.backends.layers.matvec import MatVecView
from bitmason.config import Config, LayerConfig
from bitmason.ir.types import Array
from bitmason.pipeline import Compiled, compile_model
from bitmason.verification import verify_project
from hw_tests.models.checks import EXAMPLES, images_of
from hw_tests.models.floats import NETWORKS, Floats
from tests.frontend.onnx_models import Net, f32

FORMATS = {
    "e4m3": Floats(4, 3, 7, 448.0, scale=0.02),
    "e3m2": Floats(3, 2, 3, 28.0, scale=0.11),
    "e2m1": Floats(2, 1, 1, 6.0, scale=0.25, rounding="HALF_UP"),
    "e5m2": Floats(5, 2, 15, 57344.0, scale=2.0**-10),
    "e2m3": Floats(2, 3, 1, 7.5, scale=0.3, rounding="FLOOR"),
    "e3m0": Floats(3, 0, 3, 16.0, scale=0.2),
    "e4m3_channels": Floats(4, 3, 7, 448.0, scale=0.0123, per_channel=True),
    "e3m2_channels": Floats(3, 2, 3, 28.0, scale=0.11, per_channel=True, rounding="UP"),
    "custom_e4m3": Floats(4, 3, 10, rounding="DOWN"),
    "custom_e3m2": Floats(3, 2, 5, rounding="ROUND", full=1),
    "custom_e4m1": Floats(4, 1, 12, rounding="ROUND"),
}
QUICK = {
    ("e4m3_channels", "perceptron"), ("e3m2", "pooled"), ("e2m1", "averaged"),
    ("custom_e3m2", "perceptron"),
}  # fmt: skip
TRAINED = (
    "models/cnn_e4m3", "models/cnn_e3m2", "models/cnn_e2m1",
    "float/lenet5_formats", "float/cnv_formats",
)  # fmt: skip
SAMPLES = 10


def check(compiled: Compiled, folder: Path, images: Array | None = None) -> None:
    samples = SAMPLES if images is None else 2
    for claim in verify_project(compiled.write(folder, "all"), samples=samples, given=images):
        assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"


@pytest.mark.parametrize(
    ("format_", "network"),
    [
        pytest.param(f, n, marks=[] if (f, n) in QUICK else [pytest.mark.slow])
        for f in FORMATS
        for n in NETWORKS
    ],
)
def test_all_engines_agree(format_: str, network: str, tmp_path: Path) -> None:
    model = NETWORKS[network](FORMATS[format_], 0)
    compiled = compile_model(model, Config(max_cycles=500), name="float.onnx", check=True)
    views = [layer.view for layer in compiled.design.layers]
    products = [view for view in views if isinstance(view, MatVecView)]
    assert any(view.ranks is not None for view in products)
    assert any(isinstance(view, ExpandView) for view in views) == (network == "averaged")
    check(compiled, tmp_path / "project")


@pytest.mark.parametrize("format_", ["e4m3", pytest.param("custom_e4m3", marks=pytest.mark.slow)])
def test_compressed_weights(format_: str, tmp_path: Path) -> None:
    model = NETWORKS["pooled"](FORMATS[format_], 1)
    usual = compile_model(model, Config(max_cycles=500), name="float.onnx")
    products = [x.name for x in usual.design.layers if isinstance(x.view, MatVecView)]
    layers = dict.fromkeys(products, LayerConfig(engine="minifloat"))
    compiled = compile_model(model, Config(max_cycles=500, layers=layers), name="float.onnx")
    found = [layer.view for layer in compiled.design.layers if layer.name in products]
    assert len(found) == 3
    for view in found:
        assert isinstance(view, MatVecView)
        assert view.codes is not None
        assert view.ranks is not None
        assert view.stored_bits < view.w.bits
    check(compiled, tmp_path / "project")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n == "models/cnn_e4m3" else [pytest.mark.slow]) for n in TRAINED],
)
def test_trained_networks_on_real_images(name: str, tmp_path: Path) -> None:
    compiled = compile_model(EXAMPLES / f"{name}.onnx", Config(max_cycles=8000), check=True)
    check(compiled, tmp_path / "project", images_of((1, 28, 28), SAMPLES))


def test_long_fixed_point_bit_by_bit(tmp_path: Path) -> None:
    """E5M2 has 33 bits of fixed point, more than an `unsigned` of the HLS library."""
    net = Net(1, 6)
    x = net.node("CustomFloat", "x", e_bits=5, m_bits=2, bias=15)
    weights = np.random.default_rng(0).integers(-3, 4, (6, 2))
    net.node("MatMul", x, net.quant(net.const(f32(weights)), 1.0, bits=3.0))
    config = Config(run_time_precision=True)
    compiled = compile_model(net.model().SerializeToString(), config, name="net.onnx")
    assert [x.engine for x in compiled.design.layers if x.op == "dense"] == ["bitserial"]
    check(compiled, tmp_path / "project")
