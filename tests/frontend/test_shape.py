from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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

SHAPE = (2, 3, 4)
X = on_grid(4, *SHAPE)


def _ints(*values: int) -> Array:
    return np.array(values, np.int64)


def _net() -> Net:
    return Net(1, *SHAPE)


def _claim(net: Net, x: Array = X) -> None:
    """Claim: bits equal, and the integers were rearranged, below the scale."""
    assert_equal_to_executor(net.model(), x)
    assert names_of(imported(net.model()).graph)[-1] == "dequantise"


@pytest.mark.parametrize("target", [(1, -1), (1, 24), (0, 24), (-1, 24), (1, 3, 8), (0, 0, -1)])
def test_reshape(target: tuple[int, ...]) -> None:
    net = _net()
    net.node("Reshape", net.quant("x"), net.const(_ints(*target)))
    _claim(net)


def test_reshape_to_the_batch_size_of_the_operand() -> None:
    net = _net()
    size = net.node("Gather", net.node("Shape", "x"), net.const(np.array(0)), axis=0)
    target = net.node(
        "Concat", net.node("Unsqueeze", size, net.const(_ints(0))), net.const(_ints(-1)), axis=0
    )
    net.node("Reshape", net.quant("x"), target)
    _claim(net)


def test_reshape_to_a_slice_of_a_shape() -> None:
    net = _net()
    head = net.node("Slice", net.node("Shape", "x"), *(net.const(_ints(n)) for n in (0, 2)))
    net.node("Reshape", net.quant("x"), net.node("Concat", head, net.const(_ints(12)), axis=0))
    _claim(net)


@pytest.mark.parametrize("axis", [0, 1, -3])
def test_flatten(axis: int) -> None:
    net = _net()
    net.node("Flatten", net.quant("x"), axis=axis)
    assert_equal_to_executor(net.model(), X)


@pytest.mark.parametrize("perm", [(0, 2, 3, 1), (0, 1, 3, 2), (0, 1, 2, 3)])
def test_transpose(perm: tuple[int, ...]) -> None:
    net = _net()
    net.node("Transpose", net.quant("x"), perm=perm)
    _claim(net)


def test_squeeze_and_unsqueeze() -> None:
    net = _net()
    wide = net.node("Unsqueeze", net.quant("x"), net.const(_ints(2, -1)))
    net.node("Squeeze", wide, net.const(_ints(2, 5)))
    _claim(net)


def test_squeeze_with_attributes() -> None:
    net = Net(1, 1, 4, opset=11)
    net.node("Unsqueeze", net.node("Squeeze", net.quant("x"), axes=[1]), axes=[1])
    _claim(net, on_grid(4, 1, 4))


@pytest.mark.parametrize("shape", [(4,), (3, 1), (2, 1, 1), (2, 3, 4), ()])
@pytest.mark.parametrize("op", ["Flatten", "Transpose"])
def test_scales_and_constants_move_along(shape: tuple[int, ...], op: str) -> None:
    net = _net()
    constant = f32(2.0 ** np.random.default_rng(3).integers(-2, 3, shape))
    real = net.node("Relu", net.node("Mul", net.quant("x", constant, 1.0), net.const(constant)))
    real = net.node("PRelu", net.node("Sub", real, net.const(constant)), net.const(constant))
    if op == "Transpose":
        net.node(op, real, perm=[0, 2, 3, 1])
    else:
        net.node(op, real)
    net.quant(net.nodes[-1].output[0], 0.25, bits=6.0)
    assert_equal_to_executor(net.model(), X)
    names = names_of(imported(net.model()).graph)
    assert names.index("reshape" if op == "Flatten" else "transpose") == 1


def test_flatten_before_the_first_quantiser() -> None:
    net = _net()
    flat = net.node("Flatten", net.node("Mul", "x", net.const(f32(2.0))))
    weights = net.quant(net.const(weights_of(24, 3)), 0.25)
    net.node("MatMul", net.quant(flat), weights)
    _claim(net)


def test_reshaped_weights() -> None:
    net = Net(1, 4)
    weights = net.quant(net.const(weights_of(6, 2).reshape(1, 3, 4)), f32([[[1], [2], [4]]]))
    flat = net.node("Transpose", net.node("Squeeze", weights, net.const(_ints(0))))
    net.node("MatMul", net.quant("x"), flat)
    _claim(net, on_grid(4, 4))


def test_value_of_constants_that_no_data_reaches() -> None:
    net = Net(1, 4)
    filled = net.node("ConstantOfShape", net.const(_ints(1, 4)))
    expanded = net.node("Expand", net.const(f32([[2.0]])), net.const(_ints(1, 4)))
    net.node("Add", net.node("Add", net.quant("x"), filled), expanded)
    x = f32([[1, 2, 3, 4]])
    np.testing.assert_array_equal(golden(net.model(), x)[0], [[3, 4, 5, 5.5]])


REFUSED = [
    ("Reshape", (2, 12), {}, "Reshape to [2, 12] would mix the batch axis into the frame"),
    ("Reshape", (24,), {}, "Reshape to [24] would mix the batch axis into the frame"),
    ("Reshape", (1, 5, -1), {}, "cannot give [1, 2, 3, 4] the shape [1, 5, 4]"),
    ("Reshape", (-1, -1), {}, "cannot give [1, 2, 3, 4] the shape [24, -1]"),
    ("Transpose", None, {"perm": [1, 0, 2, 3]}, "Transpose [1, 0, 2, 3] would move the batch axis"),
    (
        "Transpose",
        None,
        {"perm": [0, 1]},
        "[0, 1] is not a permutation of the axes of [1, 2, 3, 4]",
    ),
    ("Squeeze", (1,), {}, "cannot squeeze axes [1] of [1, 2, 3, 4]"),
    ("Squeeze", (9,), {}, "Squeeze names axes [9] of a tensor that has 4"),
    ("Flatten", None, {"axis": 3}, "Flatten to [6, 4] would mix the batch axis into the frame"),
]


@pytest.mark.parametrize(("op", "operand", "attributes", "message"), REFUSED)
def test_refused_forms(
    op: str, operand: tuple[int, ...] | None, attributes: dict[str, Any], message: str
) -> None:
    net = _net()
    operands = [] if operand is None else [net.const(_ints(*operand))]
    net.node(op, net.quant("x"), *operands, **attributes)
    assert diagnostic(net.model()) == f"net.onnx#n1: error[F014]: {message}"


def test_squeeze_of_the_batch_axis() -> None:
    net = Net(1, 1, 4)
    net.node("Squeeze", "x")
    assert diagnostic(net.model()) == (
        "net.onnx#n0: error[F014]: Squeeze would remove the batch axis\n"
        "  help: give it the axes to remove"
    )


def test_reshape_to_a_computed_size() -> None:
    net = _net()
    net.node("Reshape", "x", net.quant("x"))
    assert diagnostic(net.model()) == "net.onnx#n1: error[F014]: shape must be a constant"
