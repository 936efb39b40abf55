from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.frontend.onnx_models import (
    Net,
    assert_equal_to_executor,
    dense_net,
    diagnostic,
    executor,
    f32,
    golden,
    imported,
    names_of,
    on_grid,
)

X = on_grid(12, 4)
CONSTANTS = [2.0, [0.5, 2.0, -1.0, 4.0], [[0.5, 2.0, -1.0, 4.0]], [[[0.25]]]]


@pytest.mark.parametrize("constant", CONSTANTS[:3])
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("quantised", [False, True])
def test_constant_on_the_right(op: str, constant: Any, quantised: bool) -> None:
    net = Net(1, 4)
    net.node(op, net.quant("x") if quantised else "x", net.const(f32(constant)))
    net.quant(net.nodes[-1].output[0], 0.25, bits=6.0)
    assert_equal_to_executor(net.model(), X)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
def test_constant_on_the_left(op: str) -> None:
    net = Net(1, 4)
    net.quant(net.node(op, net.const(f32(CONSTANTS[1])), "x"), 0.25, bits=6.0)
    assert_equal_to_executor(net.model(), X)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
def test_two_activations(op: str) -> None:
    net = Net(1, 4)
    net.node(op, net.quant("x", 0.5), net.quant("x", 0.25))
    assert_equal_to_executor(net.model(), X)


def test_quantised_constant_beside_an_activation() -> None:
    net = Net(1, 4)
    net.node("Mul", net.quant("x"), net.quant(net.const(f32([0.3, 1.6, -9, 2])), 0.25))
    assert_equal_to_executor(net.model(), X)


def test_real_constants_keep_the_precision_of_the_file() -> None:
    net = Net(1, 4)
    net.quant(net.node("Sub", net.node("Mul", "x", net.const(f32(0.1))), net.const(f32(0.3))))
    assert_equal_to_executor(
        net.model(), np.random.default_rng(0).normal(size=(20, 4)).astype("f4")
    )


def test_arithmetic_on_constants_is_folded() -> None:
    net = Net(1, 4)
    root = net.node("Pow", net.const(f32([16.0])), net.const(f32(0.5)))
    root = net.node("Neg", net.node("Sqrt", net.node("Add", root, net.const(f32([0.0])))))
    net.node("Div", net.quant("x"), root)
    assert_equal_to_executor(net.model(), X)
    assert names_of(imported(net.model()).graph) == ["quantise", "dequantise", "div_const"]


def test_neg() -> None:
    net = Net(1, 4)
    net.node("Neg", net.quant("x"))
    assert_equal_to_executor(net.model(), X)


ACTIVATIONS: list[tuple[str, dict[str, Any]]] = [
    ("Relu", {}),
    ("LeakyRelu", {"alpha": 0.125}),
    ("Sign", {}),
    ("Abs", {}),
    ("Identity", {}),
    ("Clip", {}),
    ("HardSigmoid", {"alpha": 0.25, "beta": 0.5}),
]


@pytest.mark.parametrize(("op", "attributes"), ACTIVATIONS)
def test_exact_activation_functions(op: str, attributes: dict[str, Any]) -> None:
    net = Net(1, 4)
    net.node(op, net.quant("x"), **attributes)
    assert_equal_to_executor(net.model(), X)


@pytest.mark.parametrize("op", ["Sigmoid", "Tanh", "Elu", "Softplus", "Exp"])
def test_transcendental_functions_before_a_quantiser(op: str) -> None:
    net = Net(1, 4)
    net.quant(net.node(op, net.quant("x")), 0.0625, bits=5.0)
    assert_equal_to_executor(net.model(), X)


@pytest.mark.parametrize("slope", [[0.25], [0.25, 0.5, 2.0, -1.0]])
def test_prelu(slope: list[float]) -> None:
    net = Net(1, 4)
    net.node("PRelu", net.quant("x"), net.const(f32(slope)))
    assert_equal_to_executor(net.model(), X)


@pytest.mark.parametrize("bounds", [("lo", "hi"), ("lo", ""), ("", "hi"), ("lo",)])
def test_clip_with_operands(bounds: tuple[str, ...]) -> None:
    net = Net(1, 4)
    net.const(f32(-0.75), "lo")
    net.const(f32(1.25), "hi")
    net.node("Clip", net.quant("x"), *bounds)
    assert_equal_to_executor(net.model(), X)


def test_clip_with_attributes() -> None:
    net = Net(1, 4, opset=9)
    net.node("Clip", net.quant("x"), min=-0.75, max=1.25)
    assert_equal_to_executor(net.model(), X)


def test_infinite_bounds_are_no_bounds() -> None:
    net = Net(1, 4)
    net.node("Clip", net.quant("x"), net.const(f32(-np.inf)), net.const(f32(np.inf)))
    assert "clip(%n0_real) {lo = none, hi = none}" in _text(net)


def _text(net: Net) -> str:
    from bitmason.ir import print_graph

    return print_graph(imported(net.model()).graph)


@pytest.mark.parametrize("op", ["Min", "Max"])
def test_minimum_and_maximum_with_a_constant(op: str) -> None:
    net = Net(1, 4)
    net.node(op, net.quant("x"), net.const(f32(0.5)))
    assert_equal_to_executor(net.model(), X)


def test_cast_and_dropout_change_nothing() -> None:
    net = Net(1, 4)
    cast = net.node("Cast", net.quant("x"), to=TensorProto.FLOAT)
    net.node("Dropout", cast)
    model = net.model()
    np.testing.assert_array_equal(golden(model, X)[0].astype("f4"), executor(model, X)[0])
    assert names_of(imported(model).graph) == ["quantise", "dequantise"]


def test_batch_normalization() -> None:
    net, hidden = dense_net()
    rows = ([2.0, 1.0, 0.5], [1.0, 0.0, -2.0], [0.5, 3.0, 1.0], [4.0, 0.25, 1.0])
    net.node("BatchNormalization", hidden, *(net.const(f32(row)) for row in rows), epsilon=0.0)
    assert_equal_to_executor(net.model(), X)
    assert names_of(imported(net.model()).graph)[-2:] == ["mul_const", "add_const"]


def test_batch_normalization_of_channels_in_front() -> None:
    net = Net(1, 2, 3)
    rows = ([2.0, 1.0], [1.0, 0.0], [0.5, 3.0], [4.0, 0.25])
    constants = (net.const(f32(row)) for row in rows)
    net.node("BatchNormalization", net.quant("x"), *constants, epsilon=0.0)
    assert_equal_to_executor(net.model(), on_grid(5, 2, 3))


def test_unused_nodes_and_results_vanish() -> None:
    net = Net(1, 4)
    kept = net.quant("x")
    net.node("Relu", kept)
    assert names_of(imported(net.model(kept)).graph) == ["quantise", "dequantise"]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Elu", {"alpha": 2.0}, "Elu has alpha 2, only 1 is supported"),
    (
        "Cast",
        {"to": TensorProto.INT8},
        "Cast of an activation is supported to float32 and float64 only",
    ),
    ("LeakyRelu", {"alpha": "a"}, "attribute 'alpha' of 'LeakyRelu' is not a number"),
]


@pytest.mark.parametrize(("op", "attributes", "message"), REFUSED)
def test_refused_forms(op: str, attributes: dict[str, Any], message: str) -> None:
    net = Net(1, 4)
    net.node(op, "x", **attributes)
    assert diagnostic(net.model()) == f"net.onnx#n0: error[F014]: {message}"


BINARY: list[tuple[str, Any, str]] = [
    ("Div", [1.0, 0.0, 1.0, 1.0], "Div divides by zero"),
    ("Add", [[1.0], [2.0]], "a constant of shape [2, 1] does not fit [1, 4] values"),
    ("Add", [1.0, 2.0], "a constant of shape [2] does not fit [1, 4] values"),
    ("Max", [1.0, 2.0, 3.0, 4.0], "Max needs one number as each bound"),
]


@pytest.mark.parametrize(("op", "constant", "message"), BINARY)
def test_refused_constants(op: str, constant: Any, message: str) -> None:
    net = Net(1, 4)
    net.node(op, "x", net.const(f32(constant)))
    assert diagnostic(net.model()) == f"net.onnx#n0: error[F014]: {message}"


def test_activation_as_divisor() -> None:
    net = Net(1, 4)
    net.node("Div", net.const(f32(1.0)), "x")
    assert diagnostic(net.model()) == "net.onnx#n0: error[F014]: Div needs a constant divisor"


def test_constant_with_an_integer_attribute_instead_of_a_tensor() -> None:
    net = Net(1, 4)
    net.node("Constant", value_float=2.0)
    net.node("Add", net.quant("x"), "t0")
    net.nodes.append(helper.make_node("Constant", [], ["t9"], value_ints=[1, 4], name="shape"))
    net.node("Reshape", net.nodes[-2].output[0], "t9")
    np.testing.assert_array_equal(golden(net.model(), f32([[1, 2, 3, 4]]))[0], [[3, 4, 5, 5.5]])
