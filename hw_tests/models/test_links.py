"""Designs on a link: dense words or float32 in and out, and one design behind another."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from onnx import ModelProto

from bitmason.config import Config
from bitmason.frontend.samples import sample_inputs
from bitmason.ir.interp import run
from bitmason.ir.partition import between
from bitmason.ir.types import Array, UInt
from bitmason.link import split
from bitmason.pipeline import Compiled, compile_model, load_project
from bitmason.simulation import entering_integers
from bitmason.verification import verify_project
from tests.frontend.onnx_models import Net, f32, imported

Ends = Literal["input", "outputs", "both"]
SAMPLES = 12
E3M2: dict[str, Any] = {"e_bits": 3.0, "m_bits": 2.0, "bias": 3.0, "largest": 28.0}


def network(*, flat: bool = False, **form: Any) -> ModelProto:
    """Two convolutions and a dense layer of floating-point weights and activations.

    The last activations are quantised in front of Flatten, or behind it where `flat` says so.
    """
    rng = np.random.default_rng(0)
    net = Net(1, 2, 8, 8)

    def weights(*shape: int) -> str:
        array = f32(rng.standard_normal(shape) * 0.3)
        return net.float_quant(net.const(array), **form)

    y = net.float_quant("x", **form)
    for channels in (2, 5):
        y = net.node("Conv", y, weights(5, channels, 3, 3), pads=[1, 1, 1, 1])
        y = net.node("MaxPool", net.node("Relu", y), kernel_shape=[2, 2], strides=[2, 2])
        y = net.node("Flatten", y) if flat and channels == 5 else y
        y = net.float_quant(y, **form, name=f"act{channels}")
    net.node("MatMul", y if flat else net.node("Flatten", y), weights(20, 3))
    return net.model()


def assert_proven(compiled: Compiled, folder: Path) -> None:
    written = compiled.write(folder, "all")
    claims = verify_project(written, samples=SAMPLES)
    assert [claim.name for claim in claims if not claim.holds] == []
    assert {"golden == rtl", "golden == hls", "cycles == predicted"} <= {c.name for c in claims}


def custom_network(**form: Any) -> ModelProto:
    """A dense layer whose inputs, weights and results are numbers of a custom format."""
    rng = np.random.default_rng(0)
    net = Net(1, 12)
    weights = net.const(f32(rng.standard_normal((12, 8)) * 0.3))
    x, w = (net.node("CustomFloat", value, **form) for value in ("x", weights))
    net.node("CustomFloat", net.node("Relu", net.node("MatMul", x, w)), **form)
    return net.model()


def cable(**form: Any) -> ModelProto:
    """Nothing but numbers of a custom format."""
    net = Net(1, 24)
    net.node("CustomFloat", "x", **form)
    return net.model()


FLOAT32 = UInt(32)
E4M2: dict[str, Any] = {"e_bits": 4, "m_bits": 2, "bias": 9}
E5M2: dict[str, Any] = {"e_bits": 5, "m_bits": 2, "bias": 16, "rounding": "ROUND", "full": 1}


@pytest.mark.parametrize(
    ("model", "config", "layers"),
    [
        (custom_network(**E4M2), Config(float_ports="both"), ("compress", "decompress")),
        (
            custom_network(**E5M2),
            Config(float_ports="input", bus_bits=64),
            ("unpack", "compress", "pack"),
        ),
        (
            cable(**E5M2),
            Config(float_ports="outputs", bus_bits=24),
            ("unpack", "decompress", "pack"),
        ),
    ],
    ids=["both", "input on a bus", "outputs on a bus"],
)
def test_float32_goes_in_and_comes_out(
    model: ModelProto, config: Config, layers: tuple[str, ...], tmp_path: Path
) -> None:
    data = model.SerializeToString()
    compiled = compile_model(data, config, name="net.onnx")
    design = compiled.design
    found = [layer.op for layer in design.layers]
    assert [op for op in found if op in layers] == [*layers]
    if config.bus_bits is None:
        assert {port.elem for port in (design.source, *design.sinks)} == {FLOAT32}
    x = sample_inputs(imported(model), SAMPLES, 0)
    plain = compile_model(data, name="net.onnx")
    assert np.array_equal(compiled.simulate(x).outputs[0], plain.simulate(x).outputs[0])
    assert_proven(compiled, tmp_path / "net")


def free(ends: Ends, bus_bits: int | None = None) -> Config:
    """Let formats change from frame to frame."""
    return Config(float_ports=ends, bus_bits=bus_bits, run_time_precision=True)


@pytest.mark.parametrize(
    ("form", "ends", "bus_bits", "layer"),
    [(E5M2, "input", 32, "compress"), (E4M2, "outputs", None, "decompress")],
    ids=["input on a bus", "outputs"],
)
def test_formats_change_from_frame_to_frame(
    form: dict[str, Any], ends: Ends, bus_bits: int | None, layer: str, tmp_path: Path
) -> None:
    model = cable(**form)
    compiled = compile_model(model.SerializeToString(), free(ends, bus_bits), name="net.onnx")
    (name,) = (one.name for one in compiled.design.layers if one.op == layer)
    assert [(knob.layer, knob.name) for knob in compiled.design.knobs] == [
        (name, knob) for knob in ("ebits", "sbits", "least")
    ]
    assert_proven(compiled, tmp_path / "net")
    x = sample_inputs(imported(model), SAMPLES, 0)
    given = [{f"{name}.ebits": 2 + i % 3, f"{name}.sbits": 1 + i % 2} for i in range(SAMPLES)]
    written = load_project(tmp_path / "net")
    golden, rtl, hls = (written.simulate(x, e, settings=given) for e in ("golden", "rtl", "hls"))
    plain = written.simulate(x)
    for found in (rtl, hls):
        assert np.array_equal(found.outputs[0], golden.outputs[0])
    assert not np.array_equal(golden.outputs[0], plain.outputs[0])


@pytest.mark.parametrize("bits", [8, 24, 64])
def test_words_of_any_width(bits: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = network(**E3M2).SerializeToString()
    compiled = compile_model(model, Config(bus_bits=bits), name="net.onnx")
    ports = [compiled.design.source, *compiled.design.sinks]
    assert [port.width for port in ports] == [bits] * len(ports)
    assert_proven(compiled, tmp_path / "net")
    assert capfd.readouterr().err == ""  # ap_int warns of operands of two widths


@pytest.mark.parametrize(
    ("at", "flat", "sent"),
    # Six bits a number: 5 channels of 4 x 4 pixels take 60 bytes, those of 2 x 2 take 15.
    [("act2", False, 60), ("act5", False, 16), ("act5", True, 16)],
    ids=["in front of a convolution", "in front of Flatten", "behind Flatten"],
)
def test_two_halves_on_a_bus_are_the_whole(at: str, flat: bool, sent: int, tmp_path: Path) -> None:
    model = network(flat=flat, **E3M2)
    whole = compile_model(model.SerializeToString(), name="net.onnx")
    cut = split(model.SerializeToString(), at, "net.onnx")
    config = Config(bus_bits=32)
    head = compile_model(cut.head, config, name="head.onnx")
    tail = compile_model(cut.tail, config, name="tail.onnx")
    assert "reorder" not in [layer.op for layer in tail.design.layers]
    x = sample_inputs(imported(model), SAMPLES, 0)
    crossing = f32(head.simulate(x).outputs[0])
    leaving = leaving_words(head, x)
    assert leaving.shape == (SAMPLES, sent)
    assert np.array_equal(leaving, entering_words(tail, crossing))
    assert np.array_equal(tail.simulate(crossing).outputs[0], whole.simulate(x).outputs[0])
    for name, half in (("head", head), ("tail", tail)):
        assert_proven(half, tmp_path / name)
    # From RTL to RTL, word by word.
    left, right = (load_project(tmp_path / name) for name in ("head", "tail"))
    assert np.array_equal(left.simulate(x, "rtl").integers[0], entering_words(right, crossing))
    answer = right.simulate(crossing, "rtl").outputs[0]
    assert np.array_equal(answer, whole.simulate(x).outputs[0])


def entering_words(compiled: Compiled, x: Array) -> Array:
    return entering_integers(compiled.design.graph, compiled.design.entry, x)


def leaving_words(compiled: Compiled, x: Array) -> Array:
    design = compiled.design
    core = between(design.graph, design.entry, design.exits)
    (words,) = run(core, {design.entry: entering_words(compiled, x)})
    return words
