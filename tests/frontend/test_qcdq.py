from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from bitmason.ir import Int, UInt, int_type
from bitmason.ir.types import Array
from tests.frontend.onnx_models import (
    Net,
    assert_equal_to_executor,
    diagnostic,
    f32,
    golden,
    imported,
    names_of,
    on_grid,
    weights_of,
)

X = on_grid(24, 4)


def qdq(
    net: Net,
    x: str,
    scale: Any,
    zero_point: Array,
    clip: tuple[int, int] | None = None,
    **attributes: Any,
) -> str:
    """Add QuantizeLinear, perhaps Clip, DequantizeLinear."""
    scale_name, zero_name = net.const(f32(scale)), net.const(zero_point)
    codes = net.node("QuantizeLinear", x, scale_name, zero_name, **attributes)
    if clip is not None:
        bounds = (net.const(np.array(bound, zero_point.dtype)) for bound in clip)
        codes = net.node("Clip", codes, *bounds)
    return net.node("DequantizeLinear", codes, scale_name, zero_name, **attributes)


def integer_weights(net: Net, scale: Any = 0.25, axis: int = 1, dtype: Any = np.int8) -> str:
    """Add int8 weights of 4 inputs and 3 outputs."""
    integers = (weights_of(4, 3) / 0.25).astype(dtype)
    zero = np.zeros(np.shape(scale), dtype)
    names = (net.const(array) for array in (integers, f32(scale), zero))
    return net.node("DequantizeLinear", *names, axis=axis)


@pytest.mark.parametrize("zero_point", [0, 1, 3, 128, 255])
@pytest.mark.parametrize("scale", [0.5, 0.125, 4.0])
def test_unsigned_with_any_zero_point(scale: float, zero_point: int) -> None:
    net = Net(1, 4)
    qdq(net, "x", scale, np.array(zero_point, np.uint8))
    assert_equal_to_executor(net.model(), X)


@pytest.mark.parametrize("zero_point", [0, 5, -7, -128])
def test_signed_with_clip(zero_point: int) -> None:
    net = Net(1, 4)
    qdq(net, "x", 0.5, np.array(zero_point, np.int8), (-8, 7))
    assert_equal_to_executor(net.model(), X)


def test_odd_zero_point_rounds_before_it_is_added() -> None:
    net = Net(1, 4)
    qdq(net, "x", 1.0, np.array(1, np.uint8))
    ours = golden(net.model(), f32([[0.5, 1.5, 2.5, -0.5]]))[0]
    np.testing.assert_array_equal(ours, [[0, 2, 2, 0]])
    quantise = imported(net.model()).graph.nodes[0]
    assert quantise.type.elem == int_type(-1, 254)


@pytest.mark.parametrize(
    ("dtype", "clip", "elem"),
    [
        (np.uint8, None, UInt(8)),
        (np.uint8, (0, 15), UInt(4)),
        (np.uint8, (0, 1), UInt(1)),
        (np.int8, None, Int(8)),
        (np.int8, (-1, 1), Int(2, -1, 1)),
        (np.int8, (-7, 7), Int(4, -7, 7)),
    ],
)
def test_type_of_the_codes(dtype: Any, clip: tuple[int, int] | None, elem: object) -> None:
    net = Net(1, 4)
    qdq(net, "x", 0.5, np.array(0, dtype), clip)
    assert imported(net.model()).graph.nodes[0].type.elem == elem
    assert_equal_to_executor(net.model(), X)


def test_scales_per_channel() -> None:
    net = Net(1, 4)
    qdq(net, "x", [0.5, 0.25, 1.0, 2.0], np.full(4, 3, np.uint8), axis=1)
    assert_equal_to_executor(net.model(), X)


@pytest.mark.parametrize("scale", [0.25, [0.25, 0.5, 1.0]])
def test_dense_layer_with_integer_weights(scale: Any) -> None:
    net = Net(1, 4)
    x = qdq(net, "x", 0.5, np.array(3, np.uint8), (0, 15))
    net.node("MatMul", x, integer_weights(net, scale))
    assert_equal_to_executor(net.model(), X)


def test_gemm_with_int32_bias_and_clipped_weights() -> None:
    net = Net(1, 4)
    clipped = net.node(
        "Clip",
        net.const((weights_of(3, 4) / 0.25).astype(np.int8)),
        *(net.const(np.array(bound, np.int8)) for bound in (-7, 7)),
    )
    scale, zero = net.const(f32([0.25, 0.5, 1.0])), net.const(np.zeros(3, np.int8))
    weights = net.node("DequantizeLinear", clipped, scale, zero, axis=0)
    bias_scale = net.const(f32([0.125, 0.25, 0.5]))
    bias = net.node(
        "DequantizeLinear", net.const(np.array([100, -2, 7], np.int32)), bias_scale, axis=0
    )
    net.node("Gemm", qdq(net, "x", 0.5, np.array(0, np.int8)), weights, bias, transB=1)
    assert_equal_to_executor(net.model(), X)
    dense = next(node.op for node in imported(net.model()).graph.nodes if node.op.name == "dense")
    assert getattr(dense, "weight", None) == Int(4, -7, 7)


def test_float_weights_quantised_in_the_graph() -> None:
    net = Net(1, 4)
    weights = qdq(net, net.const(weights_of(4, 3)), 0.5, np.array(0, np.int8))
    net.node("MatMul", qdq(net, "x", 0.5, np.array(0, np.int8)), weights)
    assert_equal_to_executor(net.model(), X)


def test_float_weights_quantised_and_clipped_in_the_graph() -> None:
    net = Net(1, 4)
    weights = qdq(net, net.const(weights_of(4, 3)), 0.25, np.array(0, np.int8), (-3, 3))
    net.node("MatMul", qdq(net, "x", 0.5, np.array(0, np.int8)), weights)
    assert_equal_to_executor(net.model(), X)


def test_zero_point_of_the_second_half_alone() -> None:
    net = Net(1, 4)
    codes = net.node("QuantizeLinear", "x", net.const(f32(0.5)), net.const(np.uint8(3)))
    net.node("DequantizeLinear", codes, net.const(f32(0.25)), net.const(np.uint8(1)))
    assert_equal_to_executor(net.model(), X)


def test_quantiser_leads_to_the_result_of_its_second_half() -> None:
    net = Net(1, 4)
    result = qdq(net, "x", 0.5, np.array(0, np.int8), (-7, 7))
    found = imported(net.model())
    assert found.tensors[found.graph.nodes[0].name] == result


def test_four_bit_integers() -> None:
    net = Net(1, 4, opset=21)
    packed = helper.make_tensor(
        "w", TensorProto.INT4, [4, 3], [1, -8, 7, 0, 2, 3, -1, 4, 5, 6, -7, 1]
    )
    net.initialisers.append(packed)
    weights = net.node("DequantizeLinear", "w", net.const(f32(0.5)))
    net.node("MatMul", qdq(net, "x", 0.5, np.array(0, np.int8)), weights)
    graph = imported(net.model()).graph
    dense = next(node.op for node in graph.nodes if node.op.name == "dense")
    assert getattr(dense, "weight", None) == Int(4)
    np.testing.assert_array_equal(
        golden(net.model(), f32([[1, 0, 0, 0.5]]))[0], [[0.5 + 1.5, -4 - 1.75, 3.5 + 0.25]]
    )


def test_integer_weights_outside_their_range() -> None:
    net = Net(1, 4)
    bounds = (net.const(np.array(bound, np.int8)) for bound in (-3, 3))
    clipped = net.node("Clip", net.const((weights_of(4, 3) / 0.25).astype(np.int8)), *bounds)
    weights = net.node("DequantizeLinear", clipped, net.const(f32(0.25)), net.const(np.int8(0)))
    net.node("MatMul", qdq(net, "x", 0.5, np.array(0, np.int8)), weights)
    assert diagnostic(net.model()) == (
        "net.onnx#n0: error[F010]: the integer weights hold 5, their quantiser allows -3..3\n"
        "  help: export again from the trained model"
    )


def test_weights_that_are_no_integers() -> None:
    net = Net(1, 4)
    weights = net.node("DequantizeLinear", net.const(weights_of(4, 3)), net.const(f32(0.25)))
    net.node("MatMul", qdq(net, "x", 0.5, np.array(0, np.int8)), weights)
    assert diagnostic(net.model()) == (
        "net.onnx#n0: error[F010]: DequantizeLinear takes integers of at most 32 bits, these are "
        "float32 numbers\n  help: export again from the trained model"
    )


def test_zero_points_that_differ_between_channels() -> None:
    net = Net(1, 4)
    qdq(net, "x", f32([1, 1, 1, 1]), np.array([0, 1, 2, 3], np.uint8), axis=1)
    assert diagnostic(net.model()) == (
        "net.onnx#n0: error[F014]: QuantizeLinear with zero points that differ between channels"
    )


def test_codes_as_output() -> None:
    net = Net(1, 4)
    net.node("QuantizeLinear", "x", net.const(f32(0.5)), net.const(np.uint8(3)))
    assert diagnostic(net.model(elem=TensorProto.UINT8)) == (
        "net.onnx#t0: error[F014]: output 't0' is the result of QuantizeLinear\n"
        "  help: end the model with DequantizeLinear"
    )


def test_arithmetic_on_codes() -> None:
    net = Net(1, 4)
    codes = net.node("QuantizeLinear", "x", net.const(f32(0.5)), net.const(np.uint8(3)))
    net.node("Relu", codes)
    net.node("Flatten", codes)
    text = diagnostic(net.model("t1", "t2"))
    assert text.splitlines() == [
        "net.onnx#n1: error[F014]: operand 0 of Relu must be a real-valued activation",
        "net.onnx#n2: error[F014]: Flatten between QuantizeLinear and DequantizeLinear",
    ]


def test_blocks() -> None:
    net = Net(1, 4, opset=21)
    net.node("QuantizeLinear", "x", net.const(f32([[1, 1]])), block_size=2)
    assert diagnostic(net.model()) == (
        "net.onnx#n0: error[F014]: QuantizeLinear in blocks is not supported"
    )


def test_nothing_but_integer_layers_is_left() -> None:
    net = Net(1, 4)
    net.node("MatMul", qdq(net, "x", 0.5, np.array(0, np.int8)), integer_weights(net))
    assert names_of(imported(net.model()).graph) == ["quantise", "dense", "dequantise"]
