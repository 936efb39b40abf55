"""Floating-point quantisers: FloatQuant and CustomFloat, against the QONNX executor.

Invariant: what the executor computes is what the golden model computes, bit for bit, or the model
is refused with the reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto

from bitmason.frontend import import_model
from bitmason.frontend.agreement import compare
from bitmason.frontend.samples import sample_inputs
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.interp import run
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.passes.pipelines import LOWER, run_passes
from bitmason.ir.rounding import ROUNDINGS
from bitmason.ir.types import Array
from tests.frontend.onnx_models import (
    Net,
    assert_equal_to_executor,
    diagnostic,
    executor,
    f32,
    imported,
    names_of,
)

SHARED = Path(__file__).parents[2].parent / "shared" / "models" / "floatquant"
FORMATS: dict[str, tuple[float, float, float, float]] = {
    "e4m3": (4, 3, 7, 448),
    "e5m2": (5, 2, 15, 57344),
    "e3m2": (3, 2, 3, 28),
    "e2m3": (2, 3, 1, 7.5),
    "e2m1": (2, 1, 1, 6),
    "e3m0": (3, 0, 3, 16),
    "e4m3fnuz": (4, 3, 8, 240),
    "e2m4b-1": (2, 4, -1, 31),
    "e4m2b12": (4, 2, 12, 14),
    "cut": (3, 3, 3, 11),
}
BY_NAME = pytest.mark.parametrize("format_", FORMATS)
WIDE_HELP = "\n  help: use fewer bits of exponent or mantissa"


def spread(format_: CustomFloat, scale: float = 1.0) -> Array:
    """Return all numbers of a format and all ties, floats beside these, and extremes."""
    at = np.concatenate([format_.turns("ROUND"), format_.turns("DOWN")]) * scale
    at = at.astype(np.float32)
    x = np.concatenate([at, np.nextafter(at, f32(np.inf)), np.nextafter(at, f32(-np.inf))])
    far = f32([0.0, -0.0, 1e-45, -1e-45, 1e-30, 3e38 * scale, -3e38 * scale, 3 * x[-1]])
    return np.concatenate([x, far])[np.newaxis]


def alone(format_: str, scale: Any = 1.0, size: int = 0, **attributes: Any) -> ModelProto:
    net = Net(1, size)
    net.float_quant("x", *FORMATS[format_], scale, **attributes)
    return net.model()


def format_in(model: ModelProto) -> CustomFloat:
    (op,) = [n.op for n in imported(model).graph.nodes if isinstance(n.op, QuantiseFloat)]
    return op.format


@BY_NAME
@pytest.mark.parametrize("scale", [1.0, 0.0123, 2.0**-5])
def test_numbers_and_ties_and_what_is_beside_them(format_: str, scale: float) -> None:
    x = spread(format_in(alone(format_, size=1)), scale)
    assert_equal_to_executor(alone(format_, scale, x.shape[1]), x)


@pytest.mark.parametrize("mode", [*ROUNDINGS, "HALF_EVEN", "half_even", "Floor"])
@pytest.mark.parametrize("format_", ["e4m3", "e2m1", "e4m2b12"])
def test_rounding_modes(format_: str, mode: str) -> None:
    x = spread(format_in(alone(format_, size=1)), 0.3)
    assert_equal_to_executor(alone(format_, 0.3, x.shape[1], rounding_mode=mode), x)


@pytest.mark.parametrize("attributes", [{"has_nan": 0}, {"has_inf": 1}, {"has_subnormal": 0}])
def test_what_no_saturating_number_depends_on(attributes: dict[str, int]) -> None:
    """The executor has subnormals whatever the file says; it clips before anything is infinite."""
    x = spread(format_in(alone("e4m3", size=1)))
    assert_equal_to_executor(alone("e4m3", 1.0, x.shape[1], **attributes), x)


@pytest.mark.parametrize("scale", [[[0.5, 0.3, 2.0]], [0.5, 0.3, 2.0], [0.7]])
def test_scale_per_channel_of_an_activation(scale: Any) -> None:
    net = Net(1, 3)
    net.float_quant("x", scale=scale)
    x = np.random.default_rng(0).normal(0, 90, (20, 3)).astype(np.float32)
    assert_equal_to_executor(net.model(), x)
    assert names_of(imported(net.model()).graph) == ["quantise_float", "expand", "dequantise"]


@pytest.mark.parametrize(
    ("format_", "found"),
    [
        ("e4m3", CustomFloat(4, 3, 7, subnormals=True, largest=0x7E)),
        ("e5m2", CustomFloat(5, 2, 15, subnormals=True, largest=0x7B)),
        ("e2m1", CustomFloat(2, 1, 1, full=True, subnormals=True)),
        ("cut", CustomFloat(3, 3, 3, subnormals=True, largest=0x33)),
    ],
)
def test_format_of_the_file(format_: str, found: CustomFloat) -> None:
    assert format_in(alone(format_, size=1)) == found


def test_a_largest_number_beyond_the_format_is_that_of_the_format() -> None:
    net = Net(1, 4)
    net.float_quant("x", 2.0, 1.0, 1.0, 1e30)
    assert format_in(net.model()) == CustomFloat(2, 1, 1, full=True, subnormals=True)
    assert_equal_to_executor(net.model(), f32([[5, 5.1, 7, -90]]))


CUSTOM: dict[str, dict[str, Any]] = {
    "e4m3b7": {"e_bits": 4, "m_bits": 3, "bias": 7},
    "e4m2b15": {"e_bits": 4, "m_bits": 2, "bias": 15, "rounding": "DOWN"},
    "e3m3b2full": {"e_bits": 3, "m_bits": 3, "bias": 2, "full": 1, "rounding": "ROUND"},
    "e5m0b20": {"e_bits": 5, "m_bits": 0, "bias": 20, "rounding": "ROUND"},
    "e2m5b-4": {"e_bits": 2, "m_bits": 5, "bias": -4, "rounding": "ROUND"},
}


def custom(size: int, attributes: dict[str, Any]) -> ModelProto:
    net = Net(1, size)
    net.node("CustomFloat", "x", **attributes)
    return net.model()


@pytest.mark.parametrize("name", CUSTOM)
def test_custom_float_equals_its_executor(name: str) -> None:
    format_ = format_in(custom(1, CUSTOM[name]))
    assert str(format_).replace(", to 63", "full") == f"float<{name}>"
    x = spread(format_)
    assert_equal_to_executor(custom(x.shape[1], CUSTOM[name]), x)


@pytest.mark.parametrize("rounding", ["half_even", "HALF_EVEN", "round", "Down"])
def test_roundings_by_other_names(rounding: str) -> None:
    model = custom(40, {"e_bits": 4, "m_bits": 3, "bias": 7, "rounding": rounding})
    assert_equal_to_executor(model, sample_inputs(imported(model), 8, 0))


def perceptron(quantise: Any) -> ModelProto:
    rng = np.random.default_rng(5)
    net = Net(1, 6)
    x = quantise(net, "x")
    x = net.node("MatMul", x, quantise(net, net.const(f32(rng.normal(0, 0.4, (6, 5))))))
    x = net.node("Add", x, net.const(f32(rng.normal(0, 0.2, 5))))
    x = quantise(net, net.node("Relu", x))
    net.node("MatMul", x, quantise(net, net.const(f32(rng.normal(0, 0.4, (5, 3))))))
    return net.model()


@pytest.mark.parametrize("name", [*FORMATS, *CUSTOM, "scaled", "per channel"])
def test_networks_agree_with_the_executor(name: str) -> None:
    scale: Any = {"scaled": 0.0123, "per channel": 0.07}.get(name, 1.0)

    def quantise(net: Net, x: str) -> str:
        if name in CUSTOM:
            return net.node("CustomFloat", x, **CUSTOM[name])
        own = f32([0.1, 0.02, 0.3, 0.04, 0.5])
        weights = x.startswith("c") and name == "per channel" and len(net.nodes) < 3
        return net.float_quant(x, *FORMATS.get(name, FORMATS["e4m3"]), own if weights else scale)

    found = imported(perceptron(quantise))
    x = sample_inputs(found, 40, 1)
    compared = compare(found, x)
    assert compared.mismatched == 0, compared.mismatches
    assert compared.ambiguous_count < 4
    lowered = run_passes(found.graph, LOWER, check=True)
    products = [node.op for node in lowered.nodes if isinstance(node.op, Dense)]
    assert [op.ranks is not None for op in products] == [True, True]
    for before, after in zip(*(run(g, {"x": x}) for g in (found.graph, lowered)), strict=True):
        np.testing.assert_array_equal(before, after)


def test_samples_reach_every_number_of_a_format() -> None:
    net = Net(1, 500)
    net.float_quant("x", *FORMATS["e3m2"], 0.0123)
    found = imported(net.model())
    x = sample_inputs(found, 8, 0)
    (quantiser,) = [n.op for n in found.graph.nodes if isinstance(n.op, QuantiseFloat)]
    assert {*quantiser.evaluate(x).ravel().tolist()} == {*range(-31, 32)}


def test_samples_are_float32_whatever_the_scale_is() -> None:
    net = Net(1, 500)
    net.float_quant("x", *FORMATS["e4m3"], 3e38)
    with np.errstate(all="raise"):
        assert np.isfinite(sample_inputs(imported(net.model()), 8, 0)).all()


def test_a_wrong_number_does_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself can fail."""
    found = imported(perceptron(lambda net, x: net.float_quant(x, scale=0.3)))
    x = sample_inputs(found, 20, 1)
    genuine = QuantiseFloat.evaluate
    monkeypatch.setattr(QuantiseFloat, "evaluate", lambda op, x: np.minimum(genuine(op, x), 0x40))
    assert compare(found, x).mismatched > 0


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no folder {SHARED}")
def test_network_of_the_zoo_gives_the_recorded_answers() -> None:
    path = SHARED / "qonnx_act_weight_fp8.onnx"
    x, y = (np.load(SHARED / "test_data" / f"{name}.npy") for name in ("input", "output"))
    found = import_model(path)
    frames = x.reshape(-1, *found.graph.inputs[0].type.shape).astype(np.float32)
    (ours,) = run(found.graph, {found.graph.inputs[0].name: frames})
    np.testing.assert_allclose(ours.reshape(y.shape), y, rtol=1e-6)
    model = onnx.load(path)
    (theirs,) = executor(model, frames, model.graph.input[0].name)
    np.testing.assert_allclose(ours.reshape(theirs.shape), theirs, rtol=1e-6)
    more = sample_inputs(found, 200, 3)
    assert compare(found, more).mismatched == 0


NOT_WHOLE = " has no single whole number as {}\n  help: use one format per tensor"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"e_bits": 0.0}, " has an exponent width of 0\n  help: it may be 1 to 8"),
        ({"e_bits": 9.0}, " has an exponent width of 9\n  help: it may be 1 to 8"),
        ({"e_bits": -3.0}, " has an exponent width of -3\n  help: it may be 1 to 8"),
        ({"e_bits": 1e30}, f" has an exponent width of {int(f32(1e30))}\n  help: it may be 1 to 8"),
        ({"m_bits": -1.0}, " has a mantissa width of -1\n  help: it may be 0 to 23"),
        ({"m_bits": 24.0}, " has a mantissa width of 24\n  help: it may be 0 to 23"),
        ({"bias": 128.0}, " has an exponent bias of 128\n  help: it may be -112 to 127"),
        ({"bias": -113.0}, " has an exponent bias of -113\n  help: it may be -112 to 127"),
        ({"e_bits": 2.5}, NOT_WHOLE.format("the exponent width")),
        ({"m_bits": [3.0, 2.0]}, NOT_WHOLE.format("the mantissa width")),
        ({"bias": 6.5}, NOT_WHOLE.format("the exponent bias")),
        (
            {"largest": [448.0, 240.0]},
            " has no single largest number\n  help: export it with a constant maximum",
        ),
        (
            {"largest": 447.0},
            " has 447 as its largest number, which is none of its format"
            "\n  help: export it with a maximum that the format has",
        ),
        (
            {"largest": -448.0},
            " has -448 as its largest number, which is none of its format"
            "\n  help: export it with a maximum that the format has",
        ),
        (
            {"largest": 0.0},
            " has 0 as its largest number, which is none of its format"
            "\n  help: export it with a maximum that the format has",
        ),
        (
            {"saturation": 0},
            " does not saturate; hardware has no infinities\n  help: export it with saturation",
        ),
    ],
    ids=str,
)
def test_what_is_no_format(given: dict[str, Any], message: str) -> None:
    net = Net(1, 4)
    net.float_quant("x", **given)
    assert diagnostic(net.model()) == f"net.onnx#n0: error[F021]: this FloatQuant{message}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"e_bits": 6.0}, "have exponents of 6 bits, at most 5"),
        ({"e_bits": 8.0, "m_bits": 3.0, "bias": 127.0}, "have exponents of 8 bits, at most 5"),
        ({"m_bits": 8.0}, "have codes of 13 bits, at most 12"),
        ({"e_bits": 5.0, "m_bits": 6.0}, "make fixed-point numbers of 38 bits, at most 36"),
    ],
)
def test_too_wide_activations(given: dict[str, Any], message: str) -> None:
    net = Net(1, 4)
    net.float_quant("x", **given, largest=2.0**127)
    assert diagnostic(net.model()) == (
        f"net.onnx#n0: error[F021]: the numbers of this FloatQuant {message} are supported"
        + WIDE_HELP
    )


def weights(values: Any, **given: Any) -> ModelProto:
    net = Net(1, 2)
    net.node("MatMul", net.float_quant("x"), net.float_quant(net.const(f32(values)), **given))
    return net.model()


def test_weights_count_with_the_bits_that_they_have() -> None:
    """A format too wide for activations does, where its numbers lie close together."""
    model = weights([[1.5], [-0.40625]], e_bits=8.0, m_bits=12.0, bias=127.0, largest=2.0**127)
    assert_equal_to_executor(model, f32([[1, 2], [448, -3]]))


def test_weights_too_far_apart() -> None:
    model = weights([[2.0**20], [2.0**-20]], e_bits=8.0, bias=127.0, largest=2.0**127)
    assert diagnostic(model) == (
        "net.onnx#n1: error[F021]: the numbers of this FloatQuant make fixed-point numbers of "
        "45 bits, at most 36 are supported" + WIDE_HELP
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("index", range(6))
def test_hostile_numbers_are_refused(bad: float, index: int) -> None:
    names = ("scale", "e_bits", "m_bits", "bias", "largest")
    net = Net(1, 2)
    given = {} if index == 5 else {names[index]: bad}
    net.float_quant(net.const(f32([[1, bad]])) if index == 5 else "x", **given)
    what = (
        *("scale", "exponent width", "mantissa width", "exponent bias", "largest number"),
        "quantised tensor",
    )[index]
    place = 1 if index == 5 else 0
    assert f"error[F005]: the {what} holds {bad} at index {place}" in diagnostic(net.model())


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_scale_that_is_not_positive(scale: float) -> None:
    assert f"error[F006]: the scale is {scale}" in diagnostic(alone("e4m3", scale, 2))


def test_scale_that_fits_no_tensor() -> None:
    for x in ("x", "weights"):
        net = Net(1, 4)
        operand = net.const(f32([[1, 2, 3, 4]])) if x == "weights" else x
        net.float_quant(operand, scale=[1.0, 2.0])
        assert "error[F014]: a scale of shape [2] does not fit" in diagnostic(net.model())


@pytest.mark.parametrize("index", range(1, 6))
def test_parameters_that_are_computed(index: int) -> None:
    net = Net(1, 1)
    parameters = [net.const(f32(v)) for v in (1.0, 4.0, 3.0, 7.0, 448.0)]
    parameters[index - 1] = "x"
    net.node("FloatQuant", "x", *parameters, saturation=1)
    what = ("scale", "exponent width", "mantissa width", "exponent bias", "largest number")
    assert diagnostic(net.model()).startswith(
        f"net.onnx#n0: error[F014]: the {what[index - 1]} must be a constant"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"e_bits": 0}, "an exponent width of 0\n  help: it may be 1 to 8"),
        ({"m_bits": 99}, "a mantissa width of 99\n  help: it may be 0 to 23"),
        ({"bias": 2**40}, f"an exponent bias of {2**40}\n  help: it may be -112 to 127"),
        ({"e_bits": 8, "bias": 7}, "an exponent bias of 7\n  help: it may be 127 to 127"),
        (
            {"e_bits": 1},
            "an exponent of 1 bit, of which one code is reserved\n  help: use 2 bits",
        ),
    ],
)
def test_what_is_no_custom_float(given: dict[str, Any], message: str) -> None:
    found = diagnostic(custom(4, {"e_bits": 4, "m_bits": 3, "bias": 7, **given}))
    assert found == f"net.onnx#n0: error[F021]: this CustomFloat has {message}"


def test_rounding_that_there_is_not() -> None:
    found = diagnostic(custom(4, {"e_bits": 4, "m_bits": 3, "bias": 7, "rounding": "EVEN"}))
    assert found.startswith("net.onnx#n0: error[F007]: there is no rounding mode 'EVEN'")


@pytest.mark.parametrize("missing", ["e_bits", "m_bits", "bias"])
def test_custom_float_without_an_attribute(missing: str) -> None:
    given = {"e_bits": 4, "m_bits": 3, "bias": 7}
    del given[missing]
    assert diagnostic(custom(4, given)) == (
        f"net.onnx#n0: error[F021]: this CustomFloat has no attribute {missing}\n"
        "  help: a format is e_bits, m_bits and bias"
    )
