"""Every convolutional network at hand: executor == golden == RTL == HLS on real images.

The RTL also runs with stalls; II, latency and the fill of every FIFO are those that were predicted.
"""

from pathlib import Path

import pytest

from bitmason.config import Config, make_config
from bitmason.diagnostics import Loc
from bitmason.pipeline import Compiled, compile_model
from bitmason.verification import verify_project
from hw_tests.models.checks import EXAMPLES, check_in_hardware, images_of, narrowed

MODELS = EXAMPLES / "models"
SHARED = EXAMPLES.parents[1] / "shared" / "models"
QUICK = ("kws_w4a4", "qconv2d_0_fcb96d", "qconv2d_7_7f2e13")
IMAGES = 20
# qkeras feeds raw floats to the first convolution, so the input's type must be declared.
RAW = make_config({"input": {"type": "int8", "scale": 0.0625}}, Loc("raw"))


def networks() -> list[tuple[Path, Config]]:
    """Return the networks and how to compile each."""
    found = [MODELS / f"cnv_{bits}.onnx" for bits in ("w1a1", "w1a2", "w2a2")]
    found += [MODELS / f"{name}_w4a4.onnx" for name in ("kws", "mobilenet", "resnet8", "unet")]
    found += [SHARED / "own" / f"cnv_w2a2{form}.onnx" for form in ("", ".dynamo", ".qcdq-ts")]
    found += [SHARED / "own" / f"res_w4a4{form}.onnx" for form in ("", ".qcdq-ts")]
    found.append(SHARED / "bench" / "cnn.onnx")
    raw = [*SHARED.glob("qkeras/*_qconv2d_*.onnx")] or [SHARED / "qkeras" / "qconv2d.onnx"]
    return [(path, Config()) for path in found] + [(path, RAW) for path in sorted(raw)]


def check_network(compiled: Compiled) -> None:
    """Check all engines on real images and on a few random inputs."""
    shape = compiled.design.graph.inputs[0].type.shape
    for claim in verify_project(compiled, samples=2, given=images_of(shape, IMAGES)):
        assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"


@pytest.mark.parametrize(
    ("model", "config"),
    [
        pytest.param(
            path,
            config,
            id=path.stem[-40:],
            marks=[] if path.stem.endswith(QUICK) else [pytest.mark.slow],
        )
        for path, config in networks()
    ],
)
def test_all_engines_agree(model: Path, config: Config, tmp_path: Path) -> None:
    if not model.exists():
        pytest.skip(f"{model.name} is among the shared models, which are not here")
    check_network(compile_model(model, config, check=True).write(tmp_path / "project", "all"))


@pytest.mark.parametrize("cycles", [16384, pytest.param(2048, marks=pytest.mark.slow)])
@pytest.mark.parametrize("bits", ["w1a1", pytest.param("w2a2", marks=pytest.mark.slow)])
def test_narrow_cnv(bits: str, cycles: int, tmp_path: Path) -> None:
    model = narrowed(MODELS / f"cnv_{bits}.onnx", 8)
    compiled = compile_model(model, Config(max_cycles=cycles), name="narrow.onnx", check=True)
    check_network(compiled.write(tmp_path / "p", "all"))


def test_narrow_cnv_with_pixels_side_by_side(tmp_path: Path) -> None:
    model = narrowed(MODELS / "cnv_w1a1.onnx", 8)
    compiled = compile_model(model, Config(max_cycles=512), name="narrow.onnx")
    assert any(layer.folding.mmv > 1 for layer in compiled.design.layers)
    check_in_hardware(compiled.write(tmp_path / "p", "all"), images_of((3, 32, 32), 20), 512)
