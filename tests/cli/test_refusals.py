"""Networks that cannot be built as asked: what is said, word by word."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.command import refused, run
from tests.frontend.onnx_models import Net, f32

MODELS = Path(__file__).resolve().parents[2] / "examples" / "models"
CNV, MOBILENET = MODELS / "cnv_w1a1.onnx", MODELS / "mobilenet_w4a4.onnx"
RNG = np.random.default_rng(0)


class Images(Net):
    """A net of convolutions whose input is already quantised."""

    def __init__(self, *shape: int) -> None:
        super().__init__(1, *shape)
        self.image = self.quant("x")

    def conv(self, x: str, *shape: int, **form: Any) -> str:
        """Add a convolution with weights of `shape`."""
        weights = self.const(f32(RNG.integers(-7, 8, shape) * 0.25))
        return self.node("Conv", x, self.quant(weights, 0.25), **form)

    def branch(self, kernel: int, scale: float, bits: float = 4.0) -> str:
        """Add a quantised convolution of the input."""
        made = self.conv(self.image, 2, 2, kernel, kernel)
        return self.quant(made, np.float32(scale), bits=bits)

    def refusal(self, folder: Path, *options: str) -> str:
        """Return what `compile` says of the net."""
        (folder / "net.onnx").write_bytes(self.model().SerializeToString())
        shown = refused("compile", folder / "net.onnx", "-o", folder / "p", *options)
        assert not (folder / "p").exists()
        return shown


@pytest.mark.parametrize(
    ("kernel", "form", "covered", "padded"),
    [
        (7, {}, "7 x 7", "5 x 6"),
        (7, {"pads": [0, 1, 0, 0]}, "7 x 7", "5 x 7"),
        (3, {"dilations": [3, 2]}, "7 x 5", "5 x 6"),
    ],
)
def test_kernel_larger_than_the_padded_image(
    tmp_path: Path, kernel: int, form: dict[str, Any], covered: str, padded: str
) -> None:
    net = Images(2, 5, 6)
    net.conv(net.image, 2, 2, kernel, kernel, **form)
    assert net.refusal(tmp_path) == (
        f"net.onnx#n2: error[F018]: the kernel covers {covered} pixels, the padded image has "
        f"{padded}\n  help: use a smaller kernel or dilation, more padding, or larger inputs\n"
    )


@pytest.mark.parametrize(("inputs", "outputs"), [(6, 4), (4, 6)])
def test_groups_that_do_not_divide_channels(tmp_path: Path, inputs: int, outputs: int) -> None:
    net = Images(inputs, 5, 5)
    net.conv(net.image, outputs, 1, 3, 3, group=4)
    assert net.refusal(tmp_path) == (
        f"net.onnx#n2: error[F018]: 4 groups do not divide {inputs} input and {outputs} output "
        "channels\n  help: choose a number of groups that divides both\n"
    )


def test_branches_of_different_shapes(tmp_path: Path) -> None:
    net = Images(2, 5, 5)
    net.quant(net.node("Add", net.branch(3, 0.25), net.branch(1, 0.25)))
    assert net.refusal(tmp_path) == (
        "net.onnx#n7: error[F019]: Add cannot join activations of shapes [1, 2, 3, 3] and "
        "[1, 2, 5, 5]\n  help: give both branches the same channels, rows and columns\n"
    )
    net = Images(2, 5, 5)
    net.quant(net.node("Concat", net.branch(3, 0.25), net.branch(5, 0.25), axis=1))
    assert net.refusal(tmp_path) == (
        "net.onnx#n7: error[F019]: Concat along axis 1 cannot join activations of shapes "
        "[1, 2, 3, 3], [1, 2, 1, 1]\n"
        "  help: give all branches the same sizes along the other axes\n"
    )


def test_branches_whose_scales_have_no_common_step(tmp_path: Path) -> None:
    net = Images(2, 5, 5)
    total = net.node("Add", net.branch(3, 0.1, 12.0), net.branch(3, 1e-7, 12.0))
    net.conv(net.quant(total), 2, 2, 1, 1)
    assert net.refusal(tmp_path) == (
        "net.onnx#n8: error[P005]: 2 branches meet before this quantiser, with no sum or product "
        "of their integers that is exact\n"
        "  note: 'n3' is int12 at scale 0.1\n"
        "  note: 'n6' is int12 at scale 1e-07\n"
        "  help: quantise each branch right before they meet, both at the same scale\n"
    )


def test_impossible_target(tmp_path: Path) -> None:
    said = (
        "cnv_w1a1.onnx#/conv1/Conv: error[B002]: {} cycles per frame cannot be reached; the best "
        "is 512 cycles per frame\n"
        "  note: layer 'conv1_conv_windows' needs 512 cycles with pe = 3, simd = 9, mmv = 2\n"
        "  note: at 200 MHz that is 390,625 frames per second\n"
        "  help: use --max-cycles 512\n"
    )
    output = ("compile", CNV, "-o", tmp_path / "p")
    assert refused(*output, "--max-cycles", "511") == said.format(511)
    assert refused(*output, "--target-fps", "1e6") == said.format(200)
    assert refused(*output, "--max-cycles", "8", "--device", "xc7z020") == said.format(8)


def test_budget_too_small(tmp_path: Path) -> None:
    compile_ = ("compile", MOBILENET, "-o", tmp_path / "p", "--device", "xc7z010", "--max-cycles")
    said = refused(*compile_, "900")
    found = re.fullmatch(
        r"mobilenet_w4a4\.onnx#image: error\[B004\]: the design does not fit xc7z010\n"
        r"  note: it needs ([\d,]+) LUT, ([\d,]+) more than the 16,720 to be had "
        r"\(95% of 17,600\)\n"
        r"(?:  note: it needs [\d,]+ [\w -]+, [\d,]+ more than the .*\n)*"
        r"  note: its largest layer is '\w+'\n"
        r"  help: use --max-cycles (\d+), the fastest that fits, or a larger device\n",
        said,
    )
    assert found is not None, said
    needed, missing, fastest = (int(text.replace(",", "")) for text in found.groups())
    assert needed - missing == 16_720
    assert run(*compile_, str(fastest)).status == 0
    used = json.loads((tmp_path / "p" / "report.json").read_text())["resources"]
    assert used["lut"] <= 17_600
    assert "[B004]" in refused(*compile_, str(fastest * 9 // 10))


def test_device_without_a_target_gets_the_fastest_that_fits(tmp_path: Path) -> None:
    assert run("compile", CNV, "-o", tmp_path / "p", "--device", "xc7z020").status == 0
    report = json.loads((tmp_path / "p" / "report.json").read_text())
    used = report["resources"]
    assert used["lut"] <= 53_200
    assert used["bram18"] <= 280
    assert report["ii_cycles"] <= 8192


def test_unknown_device(tmp_path: Path) -> None:
    output = ("compile", CNV, "-o", tmp_path / "p")
    assert refused(*output, "--device", "xc7z02") == (
        "error[C001]: there is no device called 'xc7z02'\n  help: did you mean 'xc7z020'?\n"
    )
    assert refused(*output, "--device", "virtex") == (
        "error[C001]: there is no device called 'virtex'\n"
        "  help: the devices are ecp5-25k, ecp5-45k, ecp5-85k, xc7z010, xc7z020, xc7z045, "
        "xczu3eg, xczu7ev\n"
    )
