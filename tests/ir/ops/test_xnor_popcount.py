"""XnorPopcount: counts agreements, and twice the count is the bipolar product plus K."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Real, UInt
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from tests.ir.elements import matrices
from tests.ir.ops.checks import assert_same, const, rejection, tensor


def test_by_hand() -> None:
    op = XnorPopcount(const([[1, 1, 1], [-1, -1, -1], [1, -1, 1]]))
    assert_same(op.evaluate(np.array([[1, 1, -1]])), [[2, 1, 1]])
    assert_same(op.evaluate(np.array([[1, 1, 1]])), [[3, 0, 2]])


@given(st.data(), st.integers(1, 4), st.integers(1, 40))
def test_counts_agreements(data: st.DataObject, rows: int, columns: int) -> None:
    weights = data.draw(matrices(Bipolar(), rows, columns))
    x = data.draw(matrices(Bipolar(), 3, columns))
    agreeing = [[sum(a == w for a, w in zip(f, r, strict=True)) for r in weights] for f in x]
    op = XnorPopcount(Const.integers(weights))
    assert_same(op.evaluate(x), agreeing)
    assert_same(2 * op.evaluate(x) - columns, x @ weights.T)


def test_groups_by_hand() -> None:
    op = XnorPopcount(const([[1, 1], [-1, 1], [1, 1], [-1, -1]]), 2)
    assert_same(op.evaluate(np.array([[1, 1, 1, -1]])), [[2, 1, 1, 1]])
    assert op.infer([tensor(Bipolar(), 3, 4)]) == tensor(UInt(2, 2), 3, 4)


@given(st.data(), st.integers(1, 4), st.integers(1, 3), st.integers(1, 20))
def test_groups_count_side_by_side(
    data: st.DataObject, groups: int, rows: int, columns: int
) -> None:
    weights = data.draw(matrices(Bipolar(), groups * rows, columns))
    x = data.draw(matrices(Bipolar(), 3, groups * columns))
    agreeing = [
        [
            sum(frame[n // rows * columns + k] == w for k, w in enumerate(weights.tolist()[n]))
            for n in range(groups * rows)
        ]
        for frame in x.tolist()
    ]
    assert_same(XnorPopcount(Const.integers(weights), groups).evaluate(x), agreeing)


def test_narrow_arrays_do_not_wrap() -> None:
    op = XnorPopcount(const(np.ones((1, 1000))))
    assert_same(op.evaluate(np.ones((1, 1000), np.int8)), [[1000]])
    assert_same(op.evaluate(np.full((1, 1000), -1, np.int8)), [[0]])


def test_keeps_leading_axes() -> None:
    op = XnorPopcount(const([[1, -1]]))
    assert op.infer([tensor(Bipolar(), 3, 2)]) == tensor(UInt(2, 2), 3, 1)
    x = np.array([[[1, 1], [1, -1], [-1, 1]]])
    assert_same(op.evaluate(x), [[[1], [2], [0]]])


@pytest.mark.parametrize(("columns", "elem"), [(1, UInt(1)), (3, UInt(2)), (4, UInt(3, 4))])
def test_infers_a_count_of_columns(columns: int, elem: UInt) -> None:
    op = XnorPopcount(const([[1] * columns] * 2))
    assert op.infer([tensor(Bipolar(), columns)]) == tensor(elem, 2)


@pytest.mark.parametrize(
    ("weights", "elem", "size", "message"),
    [
        ([[1]], Real(), 1, "I001: xnor_popcount needs an integer operand, found real[1]"),
        ([[1]], Int(1), 1, "I001: xnor_popcount needs a bipolar operand, found int1[1]"),
        ([[1]], Bipolar(), 2, "I001: xnor_popcount has 1 columns, its operand is bipolar[2]"),
        ([[1, 0]], Bipolar(), 2, "I001: xnor_popcount holds weights outside bipolar"),
        ([1], Bipolar(), 1, "I001: xnor_popcount needs a matrix of integers, found i8[1]"),
    ],
)
def test_rejects(weights: object, elem: IntType | Real, size: int, message: str) -> None:
    assert rejection(XnorPopcount(const(weights)), tensor(elem, size)) == message


def test_rejects_groups_that_do_not_fit() -> None:
    three = const([[1], [1], [-1]])
    message = "I001: xnor_popcount cannot share 3 rows among 2 groups"
    assert rejection(XnorPopcount(three, 2), tensor(Bipolar(), 2)) == message
    message = "I001: xnor_popcount has 3 columns, its operand is bipolar[2]"
    assert rejection(XnorPopcount(three, 3), tensor(Bipolar(), 2)) == message
