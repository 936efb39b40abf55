"""Staircase: how many of its steps a real number reaches."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Const, Int, IntType, Real, UInt
from bitmason.ir.ops.staircase import Staircase
from tests.ir.ops.checks import assert_same, const, exactly, rejection, tensor


def test_by_hand() -> None:
    op = Staircase(const([[-0.5, 0.5, 1.5]], np.float32))
    x = np.array([[-1.0, -0.5, 0.0, 0.5, 1.4, 9.0]], np.float32)
    assert_same(op.evaluate(x), [[0, 1, 1, 2, 2, 3]])
    assert op.infer([tensor(Real(), 2, 6)]) == tensor(UInt(2), 2, 6)


def test_one_row_per_channel() -> None:
    op = Staircase(const([[0, 1], [5, 6]], np.float32))
    assert_same(op.evaluate(np.array([[[1, 1], [5, 5]]], np.float32)), [[[2, 0], [2, 1]]])


_numbers = st.floats(-8, 8, width=32)


@given(st.data(), st.integers(1, 4), st.integers(1, 3), st.booleans(), st.booleans())
def test_equals_the_definition(
    data: st.DataObject, count: int, channels: int, shared: bool, double: bool
) -> None:
    rows = 1 if shared else channels
    kind = np.float64 if double else np.float32
    flat = data.draw(st.lists(_numbers, min_size=rows * count, max_size=rows * count))
    steps = np.array(flat, kind).reshape(rows, count)
    at_a_step = st.sampled_from(flat) | _numbers
    items = data.draw(st.lists(at_a_step, min_size=3 * channels, max_size=3 * channels))
    x = np.array(items, np.float32).reshape(3, channels)
    wanted = [
        [
            sum(float(v) >= float(step) for step in steps[0 if shared else c])
            for c, v in enumerate(frame)
        ]
        for frame in x
    ]
    op = Staircase(Const(steps))
    assert_same(op.evaluate(x), wanted)
    assert_same(op.evaluate(exactly(x.tolist())), wanted)


@pytest.mark.parametrize("past", [-1, 0, 1])
def test_fractions_are_compared_exactly(past: int) -> None:
    step = float(np.float32(0.1))
    op = Staircase(const([[0.1]], np.float32))
    x = exactly([[Fraction(step) + Fraction(past, 10**40)]])
    assert_same(op.evaluate(x), [[int(past >= 0)]])


def test_double_steps_are_not_rounded_to_the_operand() -> None:
    half = np.float32(0.1)
    op = Staircase(const([[float(half), float(half) + 1e-12]], np.float64))
    assert_same(op.evaluate(np.array([[half]])), [[1]])


def test_infinite_steps() -> None:
    op = Staircase(const([[-np.inf, 0.0, np.inf]], np.float32))
    x = np.array([[-1.0, 0.0, np.inf]], np.float32)
    assert_same(op.evaluate(x), [[1, 2, 3]])


def test_steps_in_any_order() -> None:
    op = Staircase(const([[2.0, 0.0, 1.0]], np.float32))
    assert_same(op.evaluate(np.array([[0.5, 1.5]])), [[1, 2]])


@pytest.mark.parametrize(("count", "out"), [(1, UInt(1)), (2, UInt(2, 2)), (255, UInt(8))])
def test_infers_a_count_of_steps(count: int, out: UInt) -> None:
    op = Staircase(const([[0.0] * count], np.float32))
    assert op.out == out
    assert op.infer([tensor(Real(), 4)]) == tensor(out, 4)
    assert_same(op.evaluate(np.array([[0.0]])), [[count]])


def test_many_steps_do_not_wrap() -> None:
    op = Staircase(const([[0.0] * 300], np.float32))
    assert_same(op.evaluate(np.array([[1.0, -1.0]])), [[300, 0]])


def test_scalars_and_no_frames() -> None:
    op = Staircase(const([[0.0, 1.0]], np.float32))
    assert op.infer([tensor(Real())]) == tensor(UInt(2, 2))
    assert_same(op.evaluate(np.array([0.5, 2.0])), [1, 2])
    assert op.evaluate(np.zeros((0, 2, 3))).shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("steps", "elem", "shape", "message"),
    [
        ([1.0], Real(), (1,), "staircase needs a matrix of steps, found [1]"),
        (np.zeros((1, 0)), Real(), (1,), "staircase needs a matrix of steps, found [1, 0]"),
        (np.zeros((0, 1)), Real(), (1,), "staircase needs a matrix of steps, found [0, 1]"),
        ([[1.0]], Int(4), (1,), "staircase has 1 rows, its operand is int4[1]"),
        ([[1.0]] * 2, Real(), (2, 3), "staircase has 2 rows, its operand is real[2, 3]"),
        ([[1.0]] * 2, Real(), (), "staircase has 2 rows, its operand is real[]"),
    ],
)
def test_rejects(steps: object, elem: IntType | Real, shape: tuple[int, ...], message: str) -> None:
    op = Staircase(const(steps, np.float32))
    assert rejection(op, tensor(elem, *shape)) == f"I001: {message}"
