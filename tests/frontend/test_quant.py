from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Int, UInt
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.rounding import ROUNDINGS
from tests.frontend.onnx_models import (
    Net,
    assert_equal_to_executor,
    f32,
    golden,
    imported,
    names_of,
    on_grid,
)

MODES = [*ROUNDINGS, "HALF_EVEN", "half_even", "round", "Floor"]


@st.composite
def quantisers(draw: st.DrawFn) -> dict[str, object]:
    return {
        "scale": draw(
            st.sampled_from([2.0**-e for e in range(-3, 9)]) | st.floats(2**-10, 8, width=32)
        ),
        "zero_point": float(draw(st.integers(-9, 9))),
        "bits": float(draw(st.integers(1, 24))),
        "signed": draw(st.integers(0, 1)),
        "narrow": draw(st.integers(0, 1)),
        "rounding_mode": draw(st.sampled_from(MODES)),
    }


@settings(max_examples=150, deadline=None)
@given(quantisers(), st.integers(0, 2**32 - 1))
def test_quant_equals_executor_on_ties_and_beside_them(
    quantiser: dict[str, object], seed: int
) -> None:
    net = Net(1, 64)
    net.quant("x", **quantiser)
    halves = np.random.default_rng(seed).integers(-70, 70, 48) / 2
    ties = f32(halves) * f32(quantiser["scale"])
    extremes = f32([0.0, -0.0, 1e-45, -1e-45, 3e38, -3e38, np.inf, -np.inf])
    beside = np.concatenate([np.nextafter(ties[:4], f32(np.inf)), np.nextafter(ties[4:8], f32(0))])
    assert_equal_to_executor(net.model(), np.concatenate([ties, extremes, beside])[np.newaxis])


@settings(max_examples=60, deadline=None)
@given(quantisers())
def test_constants_get_the_integers_of_the_executor(quantiser: dict[str, object]) -> None:
    net = Net(1, 6)
    weights = net.quant(net.const(f32(np.linspace(-5, 5, 6))), **quantiser)
    x = net.quant("x", 0.5, bits=8.0)
    net.node("Add", x, weights)
    assert_equal_to_executor(net.model(), np.zeros((1, 6), np.float32))


@pytest.mark.parametrize(
    ("bits", "signed", "narrow", "elem"),
    [
        (1, 1, 0, Bipolar()),
        (1, 1, 1, Bipolar()),
        (1, 0, 0, UInt(1)),
        (2, 1, 1, Int(2, -1, 1)),
        (2, 1, 0, Int(2)),
        (4, 0, 1, UInt(4, 14)),
        (8, 0, 0, UInt(8)),
        (32, 1, 0, Int(32)),
    ],
)
def test_type_of_the_codes(bits: int, signed: int, narrow: int, elem: object) -> None:
    net = Net(1, 2)
    net.quant("x", bits=float(bits), signed=signed, narrow=narrow)
    assert imported(net.model()).graph.nodes[0].type.elem == elem


@pytest.mark.parametrize("scale", [[[0.5, 0.25, 2.0]], [0.5, 0.25, 2.0], 0.5, [0.5]])
def test_scale_per_channel_of_an_activation(scale: object) -> None:
    net = Net(1, 3)
    net.quant("x", scale, bits=5.0)
    model = net.model()
    assert_equal_to_executor(model, on_grid(8, 3))
    assert names_of(imported(model).graph) == ["quantise", "dequantise"]


def test_scale_along_another_axis_than_the_last() -> None:
    net = Net(1, 3, 4)
    net.quant("x", f32([0.5, 0.25, 2.0]).reshape(1, 3, 1), 2.0, bits=5.0, signed=0)
    assert_equal_to_executor(net.model(), on_grid(6, 3, 4))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_parameters_of_any_kind_and_shape(dtype: type, shape: tuple[int, ...]) -> None:
    net = Net(1, 4)
    scale = net.const(np.full(shape, 0.25, np.float64))
    zero_point, bits = (net.const(np.full(shape, value, dtype)) for value in (0, 4))
    net.node("Quant", "x", scale, zero_point, bits, signed=1, narrow=0, rounding_mode="ROUND")
    if dtype == np.float32 and not shape:
        assert_equal_to_executor(net.model(), on_grid(8, 4))
    quantise = imported(net.model()).graph.nodes[0]
    assert quantise.type.elem == Int(4)
    assert isinstance(quantise.op, Quantise)
    assert quantise.op.scale.array.dtype == np.float64


@pytest.mark.parametrize("scale", [1.0, 0.75, 3e30])
def test_bipolar_quant_looks_at_the_sign_alone(scale: float) -> None:
    net = Net(1, 6)
    net.node("BipolarQuant", "x", net.const(f32(scale)))
    model = net.model()
    assert_equal_to_executor(model, f32([[0.0, -0.0, 1e-40, -1e-40, 5, -5]]))
    dequantise = imported(model).graph.nodes[1].op
    assert isinstance(dequantise, Dequantise)
    assert dequantise.scale == (Fraction(float(f32(scale))),)


def test_signed_one_bit_is_bipolar_with_zero_point() -> None:
    net = Net(1, 5)
    net.quant("x", 0.5, 1.0, 1.0)
    assert_equal_to_executor(net.model(), f32([[-0.5, -0.75, 0.0, -0.5000001, 3]]))


def test_quantiser_leads_to_its_onnx_tensor() -> None:
    net = Net(1, 4)
    inner = net.quant("x", bits=4.0)
    net.node("Relu", inner)
    outer = net.quant("t1", 0.25, bits=2.0)
    found = imported(net.model())
    assert dict(found.tensors) == {
        "n0": inner,
        "n2": outer,
        found.graph.outputs[0]: outer,
    }


def test_quantised_twice() -> None:
    net = Net(1, 4)
    net.quant(net.quant("x", 0.25, bits=8.0), 0.5, bits=3.0)
    assert_equal_to_executor(net.model(), on_grid(8, 4))


def test_old_domains_and_missing_opset_import() -> None:
    for domain in ("onnx.brevitas", "finn.custom_op.general", "qonnx.custom_op.channels_last"):
        net = Net(1, 4, opset=9)
        scale = net.const(f32(1.0))
        net.node("BipolarQuant", "x", scale, domain=domain)
        model = net.model()
        del model.opset_import[1:]
        np.testing.assert_array_equal(golden(model, f32([[1, -1, 0, 2]]))[0], [[1, -1, 1, 1]])
