"""The verifier: one bad graph for every rule, and no complaint about good ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from bitmason.diagnostics import Loc
from bitmason.ir import Builder, Const, Graph, Int, Node, Op, Real, TensorType, UInt, verify
from bitmason.ir.ops.arrange import Concat
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.real import Add, Clip
from bitmason.ir.ops.shape import Reshape
from tests.ir.strategies import graphs

PLACE = Loc("net.onnx")
REAL3 = TensorType((3,), Real())


def good() -> Graph:
    builder = Builder("net")
    x = builder.input("x", REAL3, PLACE)
    a = builder.add(Clip(lo=0.0), [x], PLACE, "a")
    b = builder.add(Add(), [a, x], PLACE, "b")
    return builder.finish([b])


def with_node(name: str, op: Op, operands: tuple[str, ...], type_: TensorType = REAL3) -> Graph:
    graph = good()
    return graph.with_nodes([*graph.nodes, Node(name, op, operands, type_, PLACE)])


@given(graphs())
def test_accepts_every_graph_that_the_builder_makes(graph: Graph) -> None:
    verify(graph)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (with_node("c d", Clip(), ("a",)), "'c d' is not an identifier"),
        (with_node("c\n", Clip(), ("a",)), r"'c\\n' is not an identifier"),
        (with_node("", Clip(), ("a",)), "'' is not an identifier"),
        (replace(good(), name="my net"), "'my net' is not an identifier"),
        (with_node("a", Clip(), ("b",)), "%a is defined twice"),
        (with_node("x", Clip(), ("b",)), "%x is defined twice"),
        (replace(good(), inputs=good().inputs * 2), "%x is defined twice"),
        (good().with_nodes(reversed(good().nodes)), "%b reads %a before it is defined"),
        (with_node("c", Clip(), ("c",)), "%c reads %c before it is defined"),
        (with_node("c", Clip(), ("nowhere",)), "%c reads %nowhere before it is defined"),
        (
            with_node("c", Clip(), ("a",), TensorType((3,), UInt(2))),
            r"%c is uint2\[3\], its op infers real\[3\]",
        ),
        (
            with_node("c", Reshape((3, 1)), ("a",)),
            r"%c is real\[3\], its op infers real\[3, 1\]",
        ),
        (with_node("c", Clip(), ("a", "b")), "%c has 2 operands, clip takes 1"),
        (with_node("c", Add(), ("a",)), "%c has 1 operands, add takes 2"),
        (with_node("c", Concat(), ("a",)), "%c has 1 operands, concat takes 2 or more"),
        (with_node("c", Concat(), ()), "%c has 0 operands, concat takes 2 or more"),
        (replace(good(), outputs=()), "a graph without outputs"),
        (replace(good(), outputs=("b", "z")), "output %z is not defined"),
    ],
)
def test_rejects(graph: Graph, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        verify(graph)


def test_a_node_that_breaks_its_op_is_our_fault_not_the_users() -> None:
    weights = Const(np.array([[1, 1, 1]], dtype=np.int8))
    graph = with_node("c", Dense(weights, Int(2)), ("a",), TensorType((1,), Int(4)))
    with pytest.raises(AssertionError, match=r"%c: .*dense needs an integer operand"):
        verify(graph)
