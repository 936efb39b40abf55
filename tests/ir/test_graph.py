"""Graphs are values; the builder makes plain and unique names out of hostile ones."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Builder, Folding, Graph, Node, Real, TensorType, UInt
from bitmason.ir.graph import IDENTIFIER, OPS, Op, plain_name
from bitmason.ir.ops.real import Add, Clip
from bitmason.ir.ops.shape import Reshape
from bitmason.ir.types import Array
from tests.ir.elements import HOSTILE, hostile_text

PLACE = Loc("net.onnx", "fc1")
REAL3 = TensorType((3,), Real())


def diamond() -> Graph:
    builder = Builder("net")
    x = builder.input("x", REAL3, PLACE)
    low = builder.add(Clip(lo=0.0), [x], PLACE, "low")
    high = builder.add(Clip(hi=1.0), [x], PLACE, "high")
    both = builder.add(Add(), [low, high], PLACE, "both")
    return builder.finish([both])


@given(hostile_text)
def test_any_name_becomes_a_short_plain_identifier(name: str) -> None:
    plain = plain_name(name, "v")
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", plain)
    assert len(plain) <= 42
    assert plain_name(plain, "v") == plain


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("", "v"),
        ("///", "v"),
        ("/fc1/act_quant/Quant", "fc1_act_quant_quant"),
        ("9lives", "v_9lives"),
        ("a__b", "a_b"),
        ("日本語", "v"),
        ("a\nb", "a_b"),
        ("x" * 300, "x" * 40),
        ("head/" + "y" * 40, "y" * 40),
        ("a/" + "z" * 39, "z" * 39),
    ],
)
def test_plain_name_by_hand(name: str, plain: str) -> None:
    assert plain_name(name, "v") == plain


@given(st.lists(st.sampled_from(HOSTILE) | st.sampled_from(["a", "a_2", "a 2", "A"]), max_size=20))
def test_names_of_one_graph_are_unique(names: list[str]) -> None:
    builder = Builder("net")
    made = [builder.input(name, REAL3, PLACE) for name in names]
    assert len(set(made)) == len(made)
    assert all(IDENTIFIER.match(name) for name in made)


def test_a_taken_name_gets_the_next_number() -> None:
    builder = Builder("net")
    names = [builder.input(name, REAL3, PLACE) for name in ("a", "a", "a_2", "A")]
    assert names == ["a", "a_2", "a_2_2", "a_3"]


def test_a_node_without_a_wanted_name_is_called_by_its_op() -> None:
    builder = Builder("net")
    x = builder.input("x", REAL3, PLACE)
    assert [builder.add(Clip(), [x], PLACE) for _ in range(2)] == ["clip", "clip_2"]


@given(hostile_text)
def test_the_graph_has_a_plain_name(name: str) -> None:
    assert IDENTIFIER.match(Builder(name).finish([]).name)


@pytest.mark.parametrize("text", ["", "a b", "9a", "a-b", "a\n", "é", "a.b"])
def test_what_is_no_identifier(text: str) -> None:
    assert not IDENTIFIER.match(text)


def test_builder_infers_types_and_keeps_places() -> None:
    builder = Builder("net")
    x = builder.input("x", TensorType((2, 3), UInt(4)), PLACE)
    folding = Folding(2, 3, "lut")
    y = builder.add(Reshape((6,)), [x], Loc("net.onnx", "flatten"), "y", folding)
    assert builder.type_of(y) == TensorType((6,), UInt(4))
    assert len(builder) == 1
    assert builder.node(x) is None
    node = builder.node(y)
    assert node == Node(
        "y", Reshape((6,)), ("x",), TensorType((6,), UInt(4)), Loc("net.onnx", "flatten"), folding
    )


def test_builder_adds_nothing_that_does_not_fit() -> None:
    builder = Builder("net")
    x = builder.input("x", REAL3, PLACE)
    with pytest.raises(CompileError):
        builder.add(Reshape((4,)), [x], PLACE)
    assert len(builder) == 0
    assert builder.add(Reshape((3,)), [x], PLACE) == "reshape"


def test_users_lists_each_reader_once_in_order() -> None:
    graph = diamond()
    readers = {name: [node.name for node in nodes] for name, nodes in graph.users.items()}
    assert readers == {"x": ["low", "high"], "low": ["both"], "high": ["both"], "both": []}
    builder = Builder("square")
    x = builder.input("x", REAL3, PLACE)
    twice = builder.add(Add(), [x, x], PLACE)
    assert [node.name for node in builder.finish([twice]).users["x"]] == [twice]


def test_downstream_is_everything_that_depends_on_a_value() -> None:
    graph = diamond()
    assert graph.downstream("x") == {"x", "low", "high", "both"}
    assert graph.downstream("low") == {"low", "both"}
    assert graph.downstream("both") == {"both"}


def test_look_up_by_name() -> None:
    graph = diamond()
    assert graph["x"] is graph.inputs[0]
    assert graph["both"] is graph.nodes[-1]
    assert "low" in graph
    assert "lows" not in graph
    assert graph.producer("x") is None
    assert graph.producer("low") is graph.nodes[0]
    assert graph.operand_types(graph.nodes[-1]) == (REAL3, REAL3)
    with pytest.raises(KeyError):
        graph["lows"]


def test_with_nodes_leaves_the_old_graph_as_it_was() -> None:
    graph = diamond()
    shorter = graph.with_nodes(graph.nodes[:1], ["low"])
    assert [node.name for node in shorter.nodes] == ["low"]
    assert shorter.outputs == ("low",)
    assert "both" not in shorter
    assert graph == diamond()
    assert graph.with_nodes(graph.nodes) == graph


def test_graphs_compare_and_hash_by_content() -> None:
    assert diamond() == diamond()
    assert hash(diamond()) == hash(diamond())
    _ = diamond().users  # a cached view is no part of the value
    assert diamond() != dataclasses.replace(diamond(), name="other")


def test_a_graph_cannot_be_changed() -> None:
    graph = diamond()
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.name = "other"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.nodes[0].name = "other"  # type: ignore[misc]


def test_two_ops_cannot_share_a_name() -> None:
    def define() -> None:
        class Again(Op):
            name = "clip"

            def infer(self, operands: object) -> TensorType:
                raise NotImplementedError

            def evaluate(self, *operands: Array) -> Array:
                raise NotImplementedError

    with pytest.raises(AssertionError, match="two ops are called clip"):
        define()
    assert OPS["clip"] is Clip
