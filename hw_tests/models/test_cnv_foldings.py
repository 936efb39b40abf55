"""CNV at FINN's published folding and others, up to pixels side by side: exact cycles in RTL."""

from pathlib import Path

import pytest

from bitmason.config import Config, load_config
from bitmason.pipeline import compile_model
from hw_tests.models.checks import EXAMPLES, check_in_hardware, images_of

CNV = EXAMPLES / "models" / "cnv_w1a1.onnx"
IMAGES = images_of((3, 32, 32), 20)
PUBLISHED_CYCLES = [32400, 28224, 20736, 28800, 20736, 18432, 32768, 32768, 1024]


def test_cnv_at_published_folding_takes_32768_cycles(tmp_path: Path) -> None:
    config = load_config(EXAMPLES / "foldings" / "cnv_w1a1_finn.toml", {})
    compiled = compile_model(CNV, config).write(tmp_path / "cnv", "all")
    products = [layer for layer in compiled.design.layers if layer.acc_bits and layer.weight_bits]
    assert [layer.cycles for layer in products if layer.op != "thresholds"] == PUBLISHED_CYCLES
    check_in_hardware(compiled, IMAGES, 32768)


@pytest.mark.slow
@pytest.mark.parametrize("cycles", [8192, 899, 512])
def test_cnv_at_a_target(cycles: int, tmp_path: Path) -> None:
    compiled = compile_model(CNV, Config(max_cycles=cycles)).write(tmp_path / "cnv", "all")
    report, layers = compiled.report(), compiled.design.layers
    assert report["ii_cycles"] <= cycles
    assert max(layer.cycles for layer in layers) >= 0.98 * report["ii_cycles"]
    # One pixel a cycle takes the 900 windows of the first layer 900 cycles.
    assert (max(layer.folding.mmv for layer in layers) > 1) == (cycles < 900)
    check_in_hardware(compiled, IMAGES)
