"""Softmax and TopK: what the host does after the last layer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Int, IntType, Op, Real, TensorType, UInt
from bitmason.ir.ops.classifier import Softmax, TopK
from tests.ir.elements import matrices
from tests.ir.ops.checks import assert_same, exactly, rejection, tensor

ELEMS: st.SearchStrategy[IntType] = st.sampled_from((Int(3), UInt(2), Int(62)))


def test_softmax_by_hand() -> None:
    x = np.array([[0.0, 0.0], [0.0, -np.inf], [5.0, 5.0]])
    assert_same(Softmax().evaluate(x), [[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]], np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_neither_overflows_nor_changes_width(dtype: type[np.float32]) -> None:
    x = np.array([[1e4, 0.0, -1e4], [1e38, 1e38, -1e38]], dtype=dtype)
    with np.errstate(over="raise", invalid="raise"):
        assert_same(Softmax().evaluate(x), [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]], dtype)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=6))
def test_softmax_equals_the_definition(row: list[float]) -> None:
    got = Softmax().evaluate(np.array([row]))[0]
    raised = [math.exp(value - max(row)) for value in row]
    # Not array_equal: NumPy's exp and the C library's may differ in the last place.
    np.testing.assert_allclose(got, [value / math.fsum(raised) for value in raised], rtol=1e-14)


def test_softmax_over_each_axis() -> None:
    x = np.log(np.array([[[1.0, 2.0, 4.0], [3.0, 2.0, 4.0]]]))
    columns = Softmax(axis=-2).evaluate(x)
    np.testing.assert_allclose(columns, [[[0.25, 0.5, 0.5], [0.75, 0.5, 0.5]]], rtol=1e-14)
    assert Softmax(axis=-2).infer([tensor(Real(), 2, 3)]) == tensor(Real(), 2, 3)


def test_top_k_puts_the_lower_index_first_on_ties() -> None:
    x = np.array([[1, 3, 3, 2, 3], [0, 0, 0, 0, 0]])
    assert_same(TopK(4, indices=True).evaluate(x), [[1, 2, 4, 3], [0, 1, 2, 3]])
    assert_same(TopK(4, indices=False).evaluate(x), [[3, 3, 3, 2], [0, 0, 0, 0]])


@given(st.data(), st.integers(1, 8))
def test_top_k_equals_the_definition(data: st.DataObject, channels: int) -> None:
    x = data.draw(matrices(data.draw(ELEMS), 3, channels))
    k = data.draw(st.integers(1, channels))
    orders = [
        [i for _, i in sorted((-value, i) for i, value in enumerate(row))[:k]] for row in x.tolist()
    ]
    assert_same(TopK(k, indices=True).evaluate(x), orders)
    values = [[row[i] for i in order] for row, order in zip(x.tolist(), orders, strict=True)]
    assert_same(TopK(k, indices=False).evaluate(x), values)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int64])
def test_top_k_ranks_the_least_integer_of_an_array_last(dtype: type[np.int8]) -> None:
    least = int(np.iinfo(dtype).min)
    x = np.array([[least, 3, least, -1]], dtype=dtype)
    assert_same(TopK(4, indices=True).evaluate(x), [[1, 3, 0, 2]])
    assert_same(TopK(3, indices=False).evaluate(x), [[3, -1, least]])


def test_top_k_of_reals_and_fractions() -> None:
    reals = np.array([[0.5, -0.0, 0.0, 2.0]], dtype=np.float32)
    assert_same(TopK(4, indices=True).evaluate(reals), [[3, 0, 1, 2]])
    assert TopK(2, indices=False).evaluate(reals).dtype == np.float32
    fractions = exactly([["1/3", "1/2", "1/3"]])
    assert_same(TopK(3, indices=True).evaluate(fractions), [[1, 0, 2]])


def test_top_k_infers_positions_or_values() -> None:
    assert TopK(2, indices=True).infer([tensor(Int(8), 3, 5)]) == tensor(UInt(3, 4), 3, 2)
    assert TopK(2, indices=False).infer([tensor(Int(8), 3, 5)]) == tensor(Int(8), 3, 2)
    assert TopK(5, indices=False).infer([tensor(Real(), 5)]) == tensor(Real(), 5)


@pytest.mark.parametrize(
    ("op", "x", "message"),
    [
        (Softmax(), tensor(Int(4), 3), "softmax over axis -1 does not fit int4[3]"),
        (Softmax(-2), tensor(Real(), 3), "softmax over axis -2 does not fit real[3]"),
        (Softmax(0), tensor(Real(), 3), "softmax over axis 0 does not fit real[3]"),
        (Softmax(), tensor(Real()), "softmax over axis -1 does not fit real[]"),
        (TopK(0, indices=True), tensor(Int(4), 3), "top_k with k = 0 does not fit int4[3]"),
        (TopK(4, indices=True), tensor(Int(4), 3), "top_k with k = 4 does not fit int4[3]"),
        (TopK(1, indices=True), tensor(Int(4)), "top_k with k = 1 does not fit int4[]"),
    ],
)
def test_rejects(op: Op, x: TensorType, message: str) -> None:
    assert rejection(op, x) == f"I001: {message}"
