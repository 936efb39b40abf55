"""Pad: constant pixels around an image and between its pixels, in a type that holds them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Int, IntType, Real, UInt
from bitmason.ir.ops.pad import MAX_PADDED_BITS, Pad
from bitmason.ir.types import IntArray, contains
from tests.ir.elements import int_types, values_of
from tests.ir.ops.checks import assert_same, rejection, tensor

NOT_WIDE = "I001: pad needs widths of 0 or more and steps of 1 or more"


def naive(x: IntArray, op: Pad) -> list[list[list[int]]]:
    """Ask of every pixel of the result where it comes from."""
    height, width, channels = x.shape
    (top, left), (bottom, right), (down, across) = op.low, op.high, op.step
    values = op.value * (channels if len(op.value) == 1 else 1)
    result = []
    for i in range(-top, (height - 1) * down + 1 + bottom):
        row = []
        for j in range(-left, (width - 1) * across + 1 + right):
            inside = 0 <= i <= (height - 1) * down and 0 <= j <= (width - 1) * across
            whole = inside and i % down == 0 and j % across == 0
            row.append([int(v) for v in x[i // down, j // across]] if whole else list(values))
        result.append(row)
    return result


def test_by_hand() -> None:
    op = Pad((1, 0), (0, 2), (7,))
    x = np.array([[[[1], [2]], [[3], [4]]]])
    assert_same(
        op.evaluate(x),
        [[[[7], [7], [7], [7]], [[1], [2], [7], [7]], [[3], [4], [7], [7]]]],
    )
    assert op.infer([tensor(UInt(3), 2, 2, 1)]) == tensor(UInt(3), 3, 4, 1)


def test_between_pixels_by_hand() -> None:
    op = Pad((0, 1), (0, 0), step=(2, 3))
    x = np.array([[[[1], [2]], [[3], [4]]]])
    zero = [[0]] * 5
    first, last = [[0], [1], [0], [0], [2]], [[0], [3], [0], [0], [4]]
    assert_same(op.evaluate(x), [[first, zero, last]])
    assert op.infer([tensor(UInt(3), 2, 2, 1)]).shape == (3, 5, 1)


def test_one_value_per_channel() -> None:
    op = Pad((0, 0), (0, 1), (5, -6))
    assert_same(op.evaluate(np.array([[[[1, 2]]]])), [[[[1, 2], [5, -6]]]])


_width = st.tuples(st.integers(0, 3), st.integers(0, 3))
_step = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(st.data(), int_types(12), _width, _width, _step)
def test_equals_the_definition(
    data: st.DataObject,
    elem: IntType,
    low: tuple[int, int],
    high: tuple[int, int],
    step: tuple[int, int],
) -> None:
    height, width, channels = (data.draw(st.integers(1, 3)) for _ in range(3))
    count = data.draw(st.sampled_from([1, channels]))
    value = data.draw(st.lists(st.integers(-300, 300), min_size=count, max_size=count))
    op = Pad(low, high, tuple(value), step)
    shape = (2, height, width, channels)
    x = data.draw(values_of(elem, 2 * height * width * channels)).reshape(shape)
    wanted = [naive(frame, op) for frame in x]
    got = op.evaluate(x)
    assert_same(got, wanted)
    type_ = op.infer([tensor(elem, height, width, channels)])
    assert type_.shape == got.shape[1:]
    assert contains(type_.int_elem, got)
    assert contains(type_.int_elem, np.array([elem.lo, elem.hi, *value]))


@pytest.mark.parametrize(
    ("elem", "value", "padded"),
    [
        (UInt(4), (0,), UInt(4)),
        (UInt(4), (15,), UInt(4)),
        (UInt(4), (16,), UInt(5, 16)),
        (UInt(4), (-1,), Int(5, -1, 15)),
        (UInt(4, 9), (9,), UInt(4, 9)),
        (UInt(4, 9), (10,), UInt(4, 10)),
        (Int(4, 2, 5), (0,), UInt(3, 5)),
        (Int(4, 2, 5), (3,), Int(4, 2, 5)),
        (Int(4), (-8, 7, 0), Int(4)),
        (Int(4), (-9, 7, 0), Int(5, -9, 7)),
        (Bipolar(), (1,), Bipolar()),
        (Bipolar(), (-1,), Bipolar()),
        (Bipolar(), (-1, 1, 1), Bipolar()),
        (Bipolar(), (0,), Int(2, -1, 1)),
        (Bipolar(), (-1, 0, 1), Int(2, -1, 1)),
        (Bipolar(), (2,), Int(3, -1, 2)),
        (UInt(62), (5,), UInt(62)),
    ],
)
def test_the_type_grows_no_more_than_the_values_need(
    elem: IntType, value: tuple[int, ...], padded: IntType
) -> None:
    assert Pad((1, 1), (1, 1), value).infer([tensor(elem, 2, 2, 3)]) == tensor(padded, 4, 4, 3)


@pytest.mark.parametrize("value", [127, 128, -129, 32768, 2**40])
def test_narrow_arrays_do_not_wrap(value: int) -> None:
    x = np.array([[[[-128]], [[127]]]], dtype=np.int8)
    got = Pad((1, 0), (0, 0), (value,)).evaluate(x)
    assert_same(got, [[[[value]], [[-128]], [[127]]]])


def test_no_padding_changes_nothing() -> None:
    x = np.arange(12).reshape(1, 2, 3, 2)
    assert_same(Pad((0, 0), (0, 0)).evaluate(x), x)


def test_no_frames() -> None:
    op = Pad((1, 2), (0, 1), (3,), (2, 1))
    assert op.evaluate(np.zeros((0, 3, 3, 2), np.int8)).shape == (0, 6, 6, 2)


@pytest.mark.parametrize(
    ("op", "elem", "shape", "message"),
    [
        (
            Pad((0, 0), (0, 0)),
            Real(),
            (2, 2, 3),
            "I001: pad needs an integer image of three axes, found real[2, 2, 3]",
        ),
        (
            Pad((0, 0), (0, 0)),
            UInt(4),
            (2, 3),
            "I001: pad needs an integer image of three axes, found uint4[2, 3]",
        ),
        (Pad((-1, 0), (0, 0)), UInt(4), (2, 2, 3), NOT_WIDE),
        (Pad((0, 0), (0, -1)), UInt(4), (2, 2, 3), NOT_WIDE),
        (Pad((0, 0), (0, 0), step=(0, 1)), UInt(4), (2, 2, 3), NOT_WIDE),
        (
            Pad((0, 0), (0, 0), (1, 2)),
            UInt(4),
            (2, 2, 3),
            "I001: pad has 2 values for 3 channels",
        ),
        (Pad((0, 0), (0, 0), ()), UInt(4), (2, 2, 3), "I001: pad has 0 values for 3 channels"),
        (
            Pad((0, 0), (0, 0), (2**48,)),
            UInt(4),
            (2, 2, 3),
            f"I001: values 0..{2**48} need more than 48 bits",
        ),
        (
            Pad((0, 0), (0, 0), (-(10**30),)),
            UInt(4),
            (2, 2, 3),
            f"I001: values {-(10**30)}..15 need more than 48 bits",
        ),
    ],
)
def test_rejects(op: Pad, elem: IntType | Real, shape: tuple[int, ...], message: str) -> None:
    assert rejection(op, tensor(elem, *shape)) == message


def test_the_widest_supported_value() -> None:
    op = Pad((0, 0), (0, 0), (2**48 - 1,))
    assert op.infer([tensor(UInt(4), 1, 1, 1)]).int_elem.bits == MAX_PADDED_BITS
