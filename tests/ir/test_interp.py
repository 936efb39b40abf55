"""The interpreter: only walks the graph, however long the batch, and forgets what is not needed."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmason.diagnostics import Loc
from bitmason.ir import Builder, Const, Graph, Int, Real, TensorType, UInt, interp
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.interp import run
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.real import Add, AddConst, Clip, DivConst, MulConst, Sub, Unary
from bitmason.ir.passes.tabulate import Tabulate
from bitmason.ir.types import Array, contains
from tests.ir.strategies import graphs, random_feeds

PLACE = Loc("net.onnx")


def frame_by_frame(graph: Graph, feeds: dict[str, Array]) -> dict[str, Array]:
    """Evaluate the definition: one frame at a time, every value kept."""
    frames = [_one(graph, feeds, index) for index in range(len(next(iter(feeds.values()))))]
    return {name: np.concatenate([frame[name] for frame in frames]) for name in frames[0]}


def _one(graph: Graph, feeds: dict[str, Array], index: int) -> dict[str, Array]:
    values = {name: array[index : index + 1] for name, array in feeds.items()}
    for node in graph.nodes:
        values[node.name] = node.op.evaluate(*(values[operand] for operand in node.operands))
    return values


def assert_same(got: Array, wanted: Array) -> None:
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


@given(graphs(), st.integers(0, 99))
def test_equals_frame_by_frame_evaluation(graph: Graph, seed: int) -> None:
    feeds = random_feeds(graph, 5, seed)
    wanted = frame_by_frame(graph, feeds)
    for name, got in zip(graph.outputs, interp.run(graph, feeds), strict=True):
        assert_same(got, wanted[name])
    for name, got in interp.run_all(graph, feeds).items():
        assert_same(got, wanted[name])


@given(graphs(), st.integers(0, 99))
def test_narrow_arrays_hold_the_values_that_wide_ones_would(graph: Graph, seed: int) -> None:
    feeds = random_feeds(graph, 5, seed)
    values = {name: wide(array) for name, array in feeds.items()}
    for node in graph.nodes:
        values[node.name] = wide(node.op.evaluate(*(values[name] for name in node.operands)))
    for name, got in interp.run_all(graph, feeds).items():
        np.testing.assert_array_equal(got, values[name])
        elem = graph[name].type.elem
        assert isinstance(elem, Real) or contains(elem, got)


def wide(array: Array) -> Array:
    return array.astype(np.int64) if array.dtype.kind == "i" else array


@given(graphs(), st.integers(1, 4))
@settings(max_examples=25)
def test_chunks_change_nothing(graph: Graph, chunk: int) -> None:
    feeds = random_feeds(graph, 7, 0)
    whole = interp.run(graph, feeds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interp, "_CHUNK_FRAMES", chunk)
        pieces = interp.run(graph, feeds)
    for got, wanted in zip(pieces, whole, strict=True):
        assert_same(got, wanted)


@given(graphs())
@settings(max_examples=25)
def test_no_frames_give_no_frames(graph: Graph) -> None:
    outputs = interp.run(graph, random_feeds(graph, 0, 0))
    for name, got in zip(graph.outputs, outputs, strict=True):
        assert got.shape == (0, *graph[name].type.shape)


def test_more_frames_than_a_chunk() -> None:
    graph = chain()
    x = np.arange(9000, dtype=np.float64).reshape(4500, 2)
    (got,) = interp.run(graph, {"x": x})
    np.testing.assert_array_equal(got, np.maximum(x, 1) - (np.maximum(x, 1) + x))


def chain() -> Graph:
    builder = Builder("net")
    x = builder.input("x", TensorType((2,), Real()), PLACE)
    a = builder.add(Clip(lo=1.0), [x], PLACE, "a")
    b = builder.add(Add(), [a, x], PLACE, "b")
    c = builder.add(Sub(), [a, b], PLACE, "c")
    builder.add(Clip(hi=7.0), [b], PLACE, "dead")
    return builder.finish([c])


@pytest.mark.parametrize("keep", [["c"], ["x", "c"], ["a"], []])
def test_returns_what_is_kept_and_nothing_else(keep: list[str]) -> None:
    assert set(interp.run_all(chain(), {"x": np.ones((1, 2))}, keep)) == set(keep)


def test_returns_every_value_unless_told() -> None:
    assert set(interp.run_all(chain(), {"x": np.ones((1, 2))})) == {"x", "a", "b", "c", "dead"}


def test_keep_may_be_any_iterable() -> None:
    keep: Iterable[str] = (name for name in ["c"])
    assert set(interp.run_all(chain(), {"x": np.ones((1, 2))}, keep)) == {"c"}


def test_an_input_may_be_an_output() -> None:
    builder = Builder("net")
    x = builder.input("x", TensorType((2,), UInt(4)), PLACE)
    (got,) = interp.run(builder.finish([x]), {"x": np.array([[3, 4]])})
    assert got.tolist() == [[3, 4]]


def test_inputs_of_different_lengths_are_our_fault() -> None:
    builder = Builder("net")
    a = builder.input("a", TensorType((2,), Real()), PLACE)
    b = builder.input("b", TensorType((2,), Real()), PLACE)
    graph = builder.finish([builder.add(Add(), [a, b], PLACE)])
    with pytest.raises(AssertionError, match="inputs of \\[1, 3\\] frames"):
        interp.run(graph, {"a": np.ones((3, 2)), "b": np.ones((1, 2))})


def test_fractions_decide_where_float64_cannot_tell() -> None:
    """1 + sigmoid(-50) is above 1, though float64 has no number between; CEIL must see it."""
    builder = Builder("doubt")
    x = builder.input("x", TensorType((1,), Int(8)), Loc("x"))
    real = builder.add(Dequantise((Fraction(1),)), [x], Loc("x"))
    bent = builder.add(Unary("sigmoid"), [real], Loc("x"))
    one = Const(np.float32(1))
    y = builder.add(Quantise(one, one, UInt(2), "CEIL"), [bent], Loc("x"))
    graph = builder.finish([y])
    feeds = {"x": np.array([[-50], [0]])}
    expected = [[2], [2]]
    np.testing.assert_array_equal(run(graph, feeds)[0], expected)
    np.testing.assert_array_equal(run(Tabulate().run(graph), feeds)[0], expected)


def test_fractions_decide_where_a_sum_cancels() -> None:
    """1 / 49 * 49 - 1 is zero, but a little less in float64; FLOOR would go to the next number."""
    builder = Builder("cancelled")
    x = builder.input("x", TensorType((1,), Int(8)), Loc("x"))
    y = builder.add(Dequantise((Fraction(1),)), [x], Loc("x"))
    part, one = Const(np.float32(49)), Const(np.float32(1))
    for op in (DivConst(part), MulConst(part), AddConst(Const(np.float32(-1)))):
        y = builder.add(op, [y], Loc("x"))
    format_ = CustomFloat(4, 3, 7, full=True, subnormals=True)
    y = builder.add(QuantiseFloat(one, format_, "FLOOR"), [y], Loc("x"))
    graph = builder.finish([y])
    feeds = {"x": np.array([[1], [2]])}
    expected = [[0], [format_.ranks(np.array([1.0]))[0]]]
    np.testing.assert_array_equal(run(graph, feeds)[0], expected)
    np.testing.assert_array_equal(run(Tabulate().run(graph), feeds)[0], expected)
