"""Run-time precision: marked where wanted, refused where there is nothing to change."""

import numpy as np
import pytest

from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Bipolar, Builder, Const, Graph, Int, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.passes.run_time_precision import RunTimePrecision
from tests.ir.passes.checks import applied, made_by, refusal

WEIGHTS = Const.integers(np.array([[1, -3], [2, 0]]))
BITS = Const.integers(np.array([[1, -1], [-1, -1]]))


def _products() -> Graph:
    """Two dense layers, and one that works channel by channel."""
    builder = Builder("net")
    x = builder.input("x", TensorType((2,), UInt(3)), Loc("net.onnx"))
    one = builder.add(Dense(WEIGHTS, Int(3)), [x], Loc("net.onnx", "/one/MatMul"), "one")
    two = builder.add(Dense(WEIGHTS, Int(3)), [x], Loc("net.onnx", "/two/MatMul"), "two")
    last = builder.add(Depthwise(BITS, Bipolar(), 2), [_wide(builder)], Loc("net.onnx"), "last")
    return builder.finish([one, two, last])


def _wide(builder: Builder) -> str:
    return builder.input("w", TensorType((4,), UInt(2)), Loc("net.onnx"))


def _bits() -> Graph:
    builder = Builder("net")
    x = builder.input("x", TensorType((2,), Bipolar()), Loc("net.onnx"))
    return builder.finish([builder.add(XnorPopcount(BITS), [x], Loc("net.onnx", "/fc"), "fc")])


def _cleared(graph: Graph) -> dict[str, object]:
    return {node.name: getattr(node.op, "cleared", None) for node in graph.nodes}


def test_marks_all_products_and_widens_their_types() -> None:
    before = _products()
    made = applied(RunTimePrecision(everywhere=True), before)
    assert _cleared(made) == {"one": (0, 0), "two": (0, 0), "last": (0, 0)}
    assert made["one"].type.int_elem.lo < before["one"].type.int_elem.lo


def test_marks_those_that_are_named() -> None:
    graph = _products()
    assert _cleared(applied(RunTimePrecision(layers=(("two", True),)), graph)) == {
        "one": (),
        "two": (0, 0),
        "last": (),
    }
    by_node = RunTimePrecision(everywhere=True, layers=(("/one/MatMul", False),))
    assert _cleared(applied(by_node, graph))["one"] == ()


def test_does_nothing_by_default() -> None:
    graph = _products()
    assert RunTimePrecision().run(graph) is graph


def test_leaves_products_of_single_bits_alone() -> None:
    graph = _bits()
    assert RunTimePrecision(everywhere=True).run(graph) is graph


def test_refuses_products_of_single_bits_that_are_named() -> None:
    assert refusal(RunTimePrecision(layers=(("fc", True),)), _bits()) == [
        "B001: run_time_precision = true is not possible for this 'xnor_popcount' layer",
        "net.onnx#/fc",
        "its weights and its inputs have one bit each",
    ]


def test_a_dense_product_of_single_bits_is_one_too() -> None:
    builder = Builder("net")
    x = builder.input("x", TensorType((2,), UInt(1)), Loc("net.onnx"))
    op = Dense(BITS, Bipolar())
    graph = builder.finish([builder.add(op, [x], Loc("net.onnx", "/fc"), "fc")])
    assert made_by(RunTimePrecision(everywhere=True).run(graph), "fc").op == op


def test_a_sum_that_gets_too_wide_is_told_with_its_place() -> None:
    weights = Const.integers(np.array([[2**20, -(2**20)]]))
    builder = Builder("net")
    x = builder.input("x", TensorType((2,), Int(28, -(2**18), 2**18)), Loc("net.onnx"))
    y = builder.add(Dense(weights, Int(22)), [x], Loc("net.onnx", "/fc/MatMul"), "fc")
    with pytest.raises(CompileError) as caught:
        RunTimePrecision(everywhere=True).run(builder.finish([y]))
    assert str(caught.value).startswith("net.onnx#/fc/MatMul: error[P004]: ")
    assert str(caught.value).endswith("  help: leave run_time_precision out for this layer")
