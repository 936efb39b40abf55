"""Thresholds: counts the steps reached, whichever way they are searched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Real, UInt
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.types import IntArray
from tests.ir.elements import matrices, values_of
from tests.ir.ops.checks import assert_same, const, rejection, tensor

_OUT = Int(16)
ELEMS: st.SearchStrategy[IntType] = st.sampled_from((Int(3), Int(12), UInt(4), UInt(32), Int(40)))


def naive(op: Thresholds, x: IntArray) -> list[list[int]]:
    """Count as the docstring says, one element at a time."""
    steps, descending = op.steps.array.tolist(), op.descending.array.tolist()
    rows: list[list[int]] = []
    for frame in x.tolist():
        counts = [sum(v >= s for s in row) for v, row in zip(frame, steps, strict=True)]
        turned = [
            len(row) - count if down else count
            for count, row, down in zip(counts, steps, descending, strict=True)
        ]
        bipolar = isinstance(op.out, Bipolar)
        rows.append([2 * t - 1 if bipolar else op.base + t for t in turned])
    return rows


def thresholds(
    steps: list[list[int]], base: int = 0, out: IntType = _OUT, down: tuple[bool, ...] = ()
) -> Thresholds:
    descending = np.array(down or [False] * len(steps), dtype=np.bool_)
    return Thresholds(const(steps, np.int64), Const(descending), base, out)


def test_by_hand() -> None:
    op = thresholds([[-2, 0, 0, 5]], base=-1)
    x = np.array([[-3], [-2], [-1], [0], [4], [5], [99]])
    assert_same(op.evaluate(x), [[-1], [0], [0], [2], [2], [3], [3]])


def test_descending_by_hand() -> None:
    op = thresholds([[0, 3], [0, 3]], base=4, down=(False, True))
    x = np.array([[-1, -1], [0, 0], [2, 2], [3, 3]])
    assert_same(op.evaluate(x), [[4, 6], [5, 5], [5, 5], [6, 4]])


def test_bipolar_by_hand() -> None:
    op = thresholds([[1], [1]], out=Bipolar(), down=(False, True))
    assert_same(op.evaluate(np.array([[0, 0], [1, 1]])), [[-1, 1], [1, -1]])


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 10, 30])
@given(data=st.data())
def test_equals_counting(count: int, data: st.DataObject) -> None:
    elem = data.draw(ELEMS)
    channels = data.draw(st.integers(1, 4))
    steps = np.sort(data.draw(matrices(elem, channels, count)), axis=1)
    descending = data.draw(st.lists(st.booleans(), min_size=channels, max_size=channels))
    op = thresholds(steps.tolist(), data.draw(st.integers(-9, 9)), down=tuple(descending))
    near = [int(s) + d for s in steps.reshape(-1)[:6] for d in (-1, 0, 1)]
    edges = np.array([near] * channels).T
    x = np.concatenate([edges, data.draw(matrices(elem, 4, channels))])
    assert_same(op.evaluate(x), naive(op, x))


@given(st.data())
def test_bipolar_equals_counting(data: st.DataObject) -> None:
    steps = data.draw(matrices(Int(6), 3, 1))
    descending = tuple(data.draw(st.lists(st.booleans(), min_size=3, max_size=3)))
    op = thresholds(steps.tolist(), out=Bipolar(), down=descending)
    x = data.draw(matrices(Int(6), 5, 3))
    assert_same(op.evaluate(x), naive(op, x))


@pytest.mark.parametrize("count", [3, 12])
def test_steps_that_are_never_or_always_reached(count: int) -> None:
    never, always = [16] * count, [0] * count
    op = thresholds([never, always], down=(False, False))
    x = np.array([[0, 0], [15, 15]])
    assert_same(op.evaluate(x), [[0, count], [0, count]])


@pytest.mark.parametrize("count", [4, 20])
def test_channels_do_not_disturb_each_other(count: int) -> None:
    steps = [[10**6] * count, [-(10**6)] * count, list(range(count))]
    op = thresholds(steps)
    x = np.array([[-(10**9), 10**9, 1], [10**9, -(10**9), -1], [10**6, -(10**6), 10**9]])
    assert_same(op.evaluate(x), [[0, count, 2], [count, 0, 0], [count, count, count]])


def test_many_wide_channels_do_not_leave_64_bits() -> None:
    channels = 2**15 + 1  # times a range of 48 bits
    op = thresholds([list(range(9))] * channels)
    x = np.full((1, channels), 5)
    x[0, 0] = 2**48 - 1
    assert_same(op.evaluate(x), [[9] + [6] * (channels - 1)])


@given(st.data())
def test_leading_axes_and_single_frames_are_alike(data: st.DataObject) -> None:
    for count in (3, 10):
        op = thresholds(np.sort(data.draw(matrices(Int(6), 2, count)), axis=1).tolist())
        x = data.draw(values_of(Int(7), 24)).reshape(2, 3, 2, 2)
        flat = op.evaluate(x.reshape(12, 2))
        assert_same(op.evaluate(x), flat.reshape(x.shape))


@pytest.mark.parametrize("count", [1, 9])
def test_no_frames(count: int) -> None:
    op = thresholds([list(range(count))])
    assert op.evaluate(np.zeros((0, 1), np.int64)).shape == (0, 1)


@pytest.mark.parametrize("dtype", [np.int8, np.int32])
@pytest.mark.parametrize("count", [2, 9])
def test_narrow_arrays_do_not_wrap(dtype: type[np.int8], count: int) -> None:
    op = thresholds([[100 * 2**20 + k for k in range(count)], list(range(count))])
    x = np.array([[127, 127], [-128, -128]], dtype=dtype)
    assert_same(op.evaluate(x), [[0, count], [0, 0]])


@pytest.mark.parametrize(
    ("base", "out", "dtype"),
    [(-128, Int(8), np.int8), (120, UInt(8), np.int16), (2**40, UInt(42), np.int64)],
)
def test_codes_are_as_narrow_as_their_type(base: int, out: IntType, dtype: type[np.int8]) -> None:
    op = thresholds([list(range(10))], base, out)
    assert_same(op.evaluate(np.array([[-1], [4], [99]])), [[base], [base + 5], [base + 10]], dtype)


def test_infers_the_stated_type() -> None:
    op = thresholds([[1, 2, 3]] * 2, base=-2, out=Int(2))
    assert op.infer([tensor(Int(8), 5, 2)]) == tensor(Int(2), 5, 2)
    assert thresholds([[1]], out=Bipolar()).infer([tensor(Bipolar(), 1)]).elem == Bipolar()


_SHAPE = "I001: thresholds has 1 integer channels, its operand is "


@pytest.mark.parametrize(
    ("op", "elem", "shape", "message"),
    [
        (thresholds([[1]]), Real(), (1,), f"{_SHAPE}real[1]"),
        (thresholds([[1]]), Int(4), (2,), f"{_SHAPE}int4[2]"),
        (thresholds([[1]]), Int(4), (), f"{_SHAPE}int4[]"),
        (
            thresholds([[2, 1]]),
            Int(4),
            (1,),
            "I001: thresholds needs ascending rows and one direction per channel",
        ),
        (
            thresholds([[1, 2]], down=(True, False)),
            Int(4),
            (1,),
            "I001: thresholds needs ascending rows and one direction per channel",
        ),
        (
            thresholds([[1, 2]], base=2, out=UInt(2)),
            Int(4),
            (1,),
            "I001: thresholds reach 2..4, outside uint2",
        ),
        (
            thresholds([[1]], base=-1, out=UInt(2)),
            Int(4),
            (1,),
            "I001: thresholds reach -1..0, outside uint2",
        ),
        (
            thresholds([[1, 2]], out=Bipolar()),
            Int(4),
            (1,),
            "I001: thresholds reach 0..2, outside bipolar",
        ),
        (
            thresholds([[1]], base=-1, out=Bipolar()),
            Int(4),
            (1,),
            "I001: thresholds reach -1..0, outside bipolar",
        ),
        (
            thresholds([[]]),
            Int(4),
            (1,),
            "I001: thresholds needs a matrix of integers, found i64[1, 0]",
        ),
    ],
)
def test_rejects(
    op: Thresholds, elem: IntType | Real, shape: tuple[int, ...], message: str
) -> None:
    assert rejection(op, tensor(elem, *shape)) == message
