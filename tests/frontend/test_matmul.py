from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bitmason.frontend.agreement import compare
from bitmason.ir import Bipolar, Int, int_type
from bitmason.ir.ops.dense import Dense
from tests.frontend.onnx_models import (
    Net,
    assert_equal_to_executor,
    dense_net,
    diagnostic,
    f32,
    golden,
    imported,
    names_of,
    on_grid,
    weights_of,
)


def _dense(net: Net) -> Dense:
    ops = [node.op for node in imported(net.model()).graph.nodes]
    return next(op for op in ops if isinstance(op, Dense))


def test_dense_layer_is_an_integer_product_between_two_borders() -> None:
    net, _ = dense_net()
    assert names_of(imported(net.model()).graph) == [
        "quantise",
        "dense",
        "dequantise",
    ]
    assert_equal_to_executor(net.model(), on_grid(16, 4))


@pytest.mark.parametrize(
    "quantiser",
    [
        {"zero_point": 3.0, "signed": 0},
        {"zero_point": -2.0, "bits": 6.0},
        {"bits": 1.0},
        {"bits": 1.0, "zero_point": 1.0},
        {"bits": 2.0, "narrow": 1, "rounding_mode": "FLOOR"},
        {"scale": [0.5, 0.25, 0.5, 1.0]},
        {"scale": [0.5, 0.25, 0.5, 1.0], "zero_point": [1.0, 0.0, -2.0, 3.0]},
    ],
)
def test_activation_quantisers(quantiser: dict[str, Any]) -> None:
    net, _ = dense_net(**quantiser)
    assert_equal_to_executor(net.model(), on_grid(16, 4))


@pytest.mark.parametrize(
    "quantiser",
    [
        {"scale": [[0.25, 0.5, 2.0]]},
        {"scale": [[0.25], [0.5], [2.0], [0.25]]},
        {"scale": 0.25, "zero_point": 2.0},
        {"scale": [[0.25, 0.5, 2.0]], "zero_point": [[1.0, 0.0, -1.0]]},
        {"bits": 1.0},
        {"bits": 1.0, "scale": [[0.25, 0.5, 2.0]]},
    ],
)
@pytest.mark.parametrize("x_zero_point", [0.0, 3.0])
def test_weight_quantisers(quantiser: dict[str, Any], x_zero_point: float) -> None:
    net = Net(1, 4)
    weights = net.quant(net.const(weights_of(4, 3)), **{"scale": 0.25, "bits": 4.0, **quantiser})
    net.node("MatMul", net.quant("x", zero_point=x_zero_point, bits=5.0), weights)
    assert_equal_to_executor(net.model(), on_grid(16, 4))


def test_type_of_weights() -> None:
    net, _ = dense_net()
    assert _dense(net).weight == Int(4, -7, 7)
    net = Net(1, 4)
    net.node("MatMul", net.quant("x"), net.quant(net.const(weights_of(4, 3)), bits=1.0))
    assert _dense(net).weight == Bipolar()


def test_scales_along_the_inputs_join_as_whole_multiples() -> None:
    net, _ = dense_net(scale=[0.75, 0.25, 0.5, 1.0])
    dense = _dense(net)
    assert dense.weight == int_type(-14, 24)
    integers = (weights_of(4, 3) / 0.25).T
    np.testing.assert_array_equal(dense.weights.int64(), integers * [3, 1, 2, 4])


def test_scales_along_the_inputs_without_a_common_step() -> None:
    net, _ = dense_net(scale=[0.1, 0.25, 0.5, 1.0])
    assert diagnostic(net.model()).startswith(
        "net.onnx#n2: error[F016]: the scales along the inputs of this matrix product have no "
        "common step that keeps the weights within 16 bits: they would reach "
    )


@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, 2.0), (-2.0, 0.0)])
@pytest.mark.parametrize("bias", ["none", "float", "quantised", "scalar"])
def test_gemm(trans_b: int, alpha: float, beta: float, bias: str) -> None:
    net = Net(1, 4)
    array = weights_of(3, 4) if trans_b else weights_of(4, 3)
    weights = net.quant(net.const(array), 0.25, bits=4.0)
    operands = [net.quant("x", zero_point=3.0, bits=5.0), weights]
    if bias == "float":
        operands.append(net.const(f32([0.5, -0.25, 3.0])))
    elif bias == "quantised":
        operands.append(net.quant(net.const(f32([0.5, -0.26, 3.0])), 0.125, bits=8.0))
    elif bias == "scalar":
        operands.append(net.const(f32([1.5])))
    net.node("Gemm", *operands, alpha=alpha, beta=beta, transB=trans_b)
    assert_equal_to_executor(net.model(), on_grid(12, 4))


def test_scales_of_weights_pass_through_a_transposition() -> None:
    net = Net(1, 4)
    scale = f32([0.25, 0.5, 2.0]).reshape(3, 1)
    weights = net.quant(net.const(weights_of(3, 4)), scale, bits=4.0)
    net.node("MatMul", net.quant("x"), net.node("Transpose", weights, perm=[1, 0]))
    assert_equal_to_executor(net.model(), on_grid(12, 4))


def test_frames_of_several_axes() -> None:
    net = Net(1, 5, 4)
    weights = net.quant(net.const(weights_of(4, 3)), f32([[0.25, 0.5, 1.0]]), bits=4.0)
    net.node("MatMul", net.quant("x", zero_point=1.0), weights)
    assert_equal_to_executor(net.model(), on_grid(6, 5, 4))


@pytest.mark.parametrize("scale", [0.25, [[0.25], [0.5], [1.0]]])
def test_weights_on_the_left(scale: Any) -> None:
    net = Net(1, 4, 5)
    weights = net.quant(net.const(weights_of(3, 4)), scale, bits=4.0)
    net.node("MatMul", weights, net.quant("x", zero_point=1.0))
    assert_equal_to_executor(net.model(), on_grid(6, 4, 5))


def test_two_layers_without_a_quantiser_between() -> None:
    net, hidden = dense_net(zero_point=1.0)
    bias = net.quant(net.const(f32([0.25, -1.0, 2.0])), 0.25, bits=6.0)
    shifted = net.node("Add", hidden, bias)
    net.node("MatMul", shifted, net.quant(net.const(weights_of(3, 2, 1)), 0.25, bits=4.0))
    model = net.model()
    assert_equal_to_executor(model, on_grid(12, 4))
    assert names_of(imported(model).graph) == ["quantise", "dense", "dense", "dequantise"]


def test_one_quantiser_for_two_layers() -> None:
    net = Net(1, 4)
    x = net.quant("x")
    first = net.node("MatMul", x, net.quant(net.const(weights_of(4, 3, 1)), 0.25))
    second = net.node("MatMul", x, net.quant(net.const(weights_of(4, 3, 2)), 0.25))
    net.node("Add", first, second)
    assert_equal_to_executor(net.model(), on_grid(12, 4))


def test_wide_layers_sum_exactly() -> None:
    net = Net(1, 512)
    weights = net.quant(net.const(weights_of(512, 8)), 0.25, bits=4.0)
    net.node("MatMul", net.quant("x", 2.0**-4, bits=8.0), weights)
    assert_equal_to_executor(net.model(), on_grid(4, 512))


def test_offsets_beyond_64_bits_stay_exact() -> None:
    net = Net(1, 4)
    scale = f32([2.0**-60, 2.0**-59, 2.0**-60, 2.0**-58])
    weights = net.quant(net.const(weights_of(4, 3)), 0.25, bits=4.0)
    quantised = net.quant("x", scale, [2.0**30, 0.0, 0.0, 2.0**30], bits=32.0)
    net.node("MatMul", quantised, weights)
    ours = golden(net.model(), np.zeros((1, 4), np.float32))[0]
    np.testing.assert_array_equal(ours, np.zeros((1, 3)))


def test_constant_outputs_of_a_quant_tensor_are_left_out() -> None:
    net, y = dense_net()
    scale = net.const(f32([0.25]))
    found = imported(net.model(y, net.node("Identity", scale), net.node("Identity", scale)))
    assert len(found.graph.outputs) == 1
    x = on_grid(8, 4)
    assert compare(found, x).agrees
