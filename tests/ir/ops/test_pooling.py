"""Pools: the largest element or the sum of what a window covers, channel by channel."""

from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Int, IntType, Op, Real, UInt
from bitmason.ir.ops.pooling import GlobalPool, MaxPool, Pool, SumPool
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import Array
from tests.ir.elements import int_types, signed, unsigned, values_of
from tests.ir.image_makers import divisors, fitting, pools
from tests.ir.ops.checks import assert_same, exactly, rejection, tensor

REDUCE: dict[str, Callable[[list[Any]], Any]] = {"max": max, "sum": sum}
NUMBERS = unsigned(12) | signed(12)


def naive(x: Array, op: MaxPool | SumPool, kind: str) -> list[list[list[Any]]]:
    """Reduce what lies under each window of one frame; pixels outside are left out."""
    (kh, kw), (sh, sw), (dh, dw) = op.kernel, op.stride, op.dilation
    (top, left), (bottom, right) = (
        (op.low, op.high) if isinstance(op, MaxPool) else ((0, 0), (0, 0))
    )
    height, width, channels = x.shape
    pixels = x.tolist()

    def covered(i: int, j: int, c: int) -> list[Any]:
        rows = [i + ky * dh for ky in range(kh) if 0 <= i + ky * dh < height]
        columns = [j + kx * dw for kx in range(kw) if 0 <= j + kx * dw < width]
        return [pixels[row][column][c] for row in rows for column in columns]

    return [
        [
            [REDUCE[kind](covered(i, j, c)) for c in range(channels)]
            for j in range(-left, width + right - (kw - 1) * dw, sw)
        ]
        for i in range(-top, height + bottom - (kh - 1) * dh, sh)
    ]


def draw_max_pool(data: st.DataObject, height: int, width: int) -> MaxPool:
    axes = (data.draw(st.sampled_from(list(pools(extent)))) for extent in (height, width))
    kernel, stride, dilation, low, high = zip(*axes, strict=True)
    return MaxPool(kernel, stride, dilation, low, high)


def test_max_pool_by_hand() -> None:
    x = np.array([[[[1, -1], [5, -5], [2, -2]], [[4, -4], [3, -3], [9, -9]]]])
    op = MaxPool((2, 2))
    assert_same(op.evaluate(x), [[[[5, -1], [9, -2]]]])
    assert op.infer([tensor(Int(5), 2, 3, 2)]) == tensor(Int(5), 1, 2, 2)


def test_pixels_outside_never_win() -> None:
    x = np.array([[[[-7], [-3]], [[-5], [-8]]]])
    op = MaxPool((2, 2), (2, 2), low=(1, 1), high=(1, 1))
    assert_same(op.evaluate(x), [[[[-7], [-3]], [[-5], [-8]]]])
    assert op.infer([tensor(Int(4, -8, -3), 2, 2, 1)]) == tensor(Int(4, -8, -3), 2, 2, 1)


@given(st.data(), int_types(12), st.integers(1, 5), st.integers(1, 5), st.integers(1, 2))
def test_max_pool_equals_the_definition(
    data: st.DataObject, elem: IntType, height: int, width: int, channels: int
) -> None:
    op = draw_max_pool(data, height, width)
    shape = (2, height, width, channels)
    x = data.draw(values_of(elem, prod(shape))).reshape(shape)
    wanted = [naive(frame, op, "max") for frame in x]
    assert_same(op.evaluate(x), wanted)
    assert op.infer([tensor(elem, *shape[1:])]) == tensor(elem, *np.shape(wanted)[1:])


@given(st.data(), st.integers(1, 5), st.integers(1, 5))
def test_max_pool_of_reals(data: st.DataObject, height: int, width: int) -> None:
    op = draw_max_pool(data, height, width)
    x = np.random.default_rng(height * width).normal(0, 4, (2, height, width, 2))
    for kind in (np.float32, np.float64):
        wanted = [naive(frame, op, "max") for frame in x.astype(kind)]
        assert_same(op.evaluate(x.astype(kind)), wanted, kind)
    assert op.infer([tensor(Real(), height, width, 2)]).elem == Real()


def test_max_pool_of_fractions_is_exact() -> None:
    third = Fraction(1, 3)
    x = exactly([[[[third], [third + Fraction(1, 10**30)]], [[-third], [0]]]])
    got = MaxPool((2, 2)).evaluate(x)
    assert got.tolist() == [[[[third + Fraction(1, 10**30)]]]]
    got = MaxPool((2, 2), (2, 2), low=(1, 1), high=(1, 1)).evaluate(-x)
    assert got.reshape(-1).tolist() == (-x).reshape(-1).tolist()


def test_one_frame_does_not_reach_into_another() -> None:
    op = MaxPool((2, 2), low=(1, 1), high=(1, 1))
    x = np.full((2, 2, 2, 1), -3.5, np.float32)
    x[0] = np.nan
    assert_same(op.evaluate(x)[1:], np.full((1, 3, 3, 1), -3.5), np.float32)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int64])
def test_max_pool_of_the_least_value_there_is(dtype: type[np.int8]) -> None:
    least = int(np.iinfo(dtype).min)
    x = np.full((1, 2, 2, 1), least, dtype)
    got = MaxPool((2, 2), low=(1, 1)).evaluate(x)
    assert got.dtype == dtype
    assert_same(got, x)


@pytest.mark.parametrize("elem", [Bipolar(), UInt(62), Int(5, -3, 4), Real()])
def test_max_pool_keeps_the_type(elem: IntType | Real) -> None:
    op = MaxPool((3, 3), (2, 2), low=(1, 1), high=(1, 1))
    assert op.infer([tensor(elem, 8, 7, 3)]) == tensor(elem, 4, 4, 3)


def test_sum_pool_by_hand() -> None:
    x = np.array([[[[1, -1], [5, -5], [2, -2]], [[4, -4], [3, -3], [9, -9]]]])
    op = SumPool((2, 2))
    assert_same(op.evaluate(x), [[[[13, -13], [19, -19]]]])
    assert op.infer([tensor(Int(5), 2, 3, 2)]) == tensor(Int(7, -64, 60), 1, 2, 2)


@given(st.data(), NUMBERS, st.integers(1, 5), st.integers(1, 5), st.integers(1, 2))
def test_sum_pool_equals_the_definition(
    data: st.DataObject, elem: UInt | Int, height: int, width: int, channels: int
) -> None:
    down, across = (data.draw(st.sampled_from(fitting(extent))) for extent in (height, width))
    op = SumPool(*zip(down, across, strict=True))
    shape = (2, height, width, channels)
    x = data.draw(values_of(elem, prod(shape))).reshape(shape)
    wanted = [naive(frame, op, "sum") for frame in x]
    assert_same(op.evaluate(x), wanted)
    type_ = op.infer([tensor(elem, *shape[1:])])
    assert type_.shape == np.shape(wanted)[1:]
    taps = prod(op.kernel)
    assert type_.int_elem.hi == taps * elem.hi
    assert type_.int_elem.lo == min(taps * elem.lo, 0)


def test_global_pool_by_hand() -> None:
    x = np.array([[[[1, -1], [5, -5]], [[4, -4], [3, -3]]], [[[0, 0], [0, 1]], [[2, 2], [0, 3]]]])
    assert_same(GlobalPool("max").evaluate(x), [[[[5, -1]]], [[[2, 3]]]])
    assert_same(GlobalPool("sum").evaluate(x), [[[[13, -13]]], [[[2, 6]]]])
    assert GlobalPool("max").infer([tensor(Int(4), 2, 2, 2)]) == tensor(Int(4), 1, 1, 2)
    assert GlobalPool("sum").infer([tensor(Int(4), 2, 3, 2)]) == tensor(Int(7, -48, 42), 1, 1, 2)


@given(st.data(), st.sampled_from(["max", "sum"]), NUMBERS)
def test_global_pool_is_a_pool_as_large_as_the_image(
    data: st.DataObject, kind: str, elem: UInt | Int
) -> None:
    height, width = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    x = data.draw(values_of(elem, height * width * 4)).reshape(2, height, width, 2)
    local = MaxPool((height, width)) if kind == "max" else SumPool((height, width))
    wanted = [naive(frame, local, kind) for frame in x]
    assert_same(GlobalPool(kind).evaluate(x), wanted)
    frame = tensor(elem, height, width, 2)
    assert GlobalPool(kind).infer([frame]) == local.infer([frame])


def test_pool_by_hand() -> None:
    x = np.array([[1, 10, 2, 20, 3, 30]])
    assert_same(Pool("max", 3, 2).evaluate(x), [[3, 30]])
    assert_same(Pool("sum", 3, 2).evaluate(x), [[6, 60]])
    assert_same(Pool("sum", 3, 1).evaluate(x), [[13, 53]])
    assert Pool("sum", 3, 2).infer([tensor(UInt(3), 4, 6)]) == tensor(UInt(5, 21), 4, 2)
    assert Pool("max", 3, 2).infer([tensor(Bipolar(), 4, 6)]) == tensor(Bipolar(), 4, 2)


@given(st.data(), st.sampled_from(["max", "sum"]), NUMBERS, st.integers(1, 4), st.integers(1, 4))
def test_pool_equals_the_definition(
    data: st.DataObject, kind: str, elem: UInt | Int, taps: int, channels: int
) -> None:
    block = data.draw(divisors(channels))
    x = data.draw(values_of(elem, 2 * taps * channels)).reshape(2, 1, taps * channels)
    wanted = [
        [
            [
                REDUCE[kind](
                    [
                        int(frame[0, (c // block * taps + tap) * block + c % block])
                        for tap in range(taps)
                    ]
                )
                for c in range(channels)
            ]
        ]
        for frame in x
    ]
    op = Pool(kind, taps, block)
    assert_same(op.evaluate(x), wanted)
    reduced = GlobalPool(kind).infer([tensor(elem, 1, taps, channels)]).elem
    assert op.infer([tensor(elem, 1, taps * channels)]) == tensor(reduced, 1, channels)


@given(st.data(), st.sampled_from(["max", "sum"]))
def test_windows_then_pool_is_a_pool_of_the_image(data: st.DataObject, kind: str) -> None:
    height, width, channels = 4, 5, 4
    down, across = (data.draw(st.sampled_from(fitting(extent))) for extent in (height, width))
    kernel, stride, dilation = zip(down, across, strict=True)
    block = data.draw(divisors(channels))
    x = np.random.default_rng(block).integers(-9, 9, (2, height, width, channels))
    pool_of_image = MaxPool if kind == "max" else SumPool
    whole = pool_of_image(kernel, stride, dilation)
    windows = Windows(kernel, stride, dilation, block)
    pool = Pool(kind, windows.taps, block)
    assert_same(pool.evaluate(windows.evaluate(x)), whole.evaluate(x))
    frame = tensor(Int(5), height, width, channels)
    assert pool.infer([windows.infer([frame])]) == whole.infer([frame])


SUMS = [SumPool((2, 2)), GlobalPool("sum"), Pool("sum", 4, 1)]


@pytest.mark.parametrize("op", SUMS)
def test_sums_of_narrow_arrays_do_not_wrap(op: Op) -> None:
    shape = (1, 1, 1, 4) if isinstance(op, Pool) else (1, 2, 2, 1)
    assert_same(op.evaluate(np.full(shape, 127, np.int8)), [[[[508]]]])
    assert_same(op.evaluate(np.full(shape, -32768, np.int16)), [[[[-131072]]]])


@pytest.mark.parametrize("op", SUMS)
@pytest.mark.parametrize(
    ("elem", "total"),
    [
        (UInt(1), UInt(3, 4)),
        (UInt(2), UInt(4, 12)),
        (UInt(4, 0), UInt(1, 0)),
        (Int(4), Int(6, -32, 28)),
        (Int(4, 1, 5), UInt(5, 20)),
        (Int(4, -3, -2), Int(5, -12, -8)),
        (UInt(46), UInt(48, 4 * (2**46 - 1))),
        (Int(46), Int(48, -(2**47), 4 * (2**45 - 1))),
    ],
)
def test_type_of_a_sum_is_its_exact_range(op: Op, elem: IntType, total: IntType) -> None:
    shape = (1, 1, 4) if isinstance(op, Pool) else (2, 2, 1)
    assert op.infer([tensor(elem, *shape)]) == tensor(total, 1, 1, 1)


@pytest.mark.parametrize("op", SUMS)
@pytest.mark.parametrize(
    ("elem", "message"),
    [
        (UInt(47), "P004: the sum needs 49 bits, at most 48"),
        (Int(47), "P004: the sum needs 49 bits, at most 48"),
        (UInt(62), "P004: the sum needs 64 bits, at most 48"),
        (Bipolar(), "I001: {} sums bits or integers, not bipolar values: bit comes before"),
        (Real(), "I001: {} needs an integer operand, found real"),
    ],
)
def test_sums_reject(op: Op, elem: IntType | Real, message: str) -> None:
    shape = (1, 1, 4) if isinstance(op, Pool) else (2, 2, 1)
    assert rejection(op, tensor(elem, *shape)) == message.format(op.name)


@pytest.mark.parametrize(
    "op",
    [
        MaxPool((2, 2), low=(1, 1), high=(0, 1)),
        SumPool((2, 1)),
        GlobalPool("max"),
        GlobalPool("sum"),
        Pool("max", 2, 1),
        Pool("sum", 1, 2),
    ],
)
def test_no_frames(op: Op) -> None:
    got = op.evaluate(np.zeros((0, 3, 3, 2), np.int8))
    assert got.shape == (0, *op.infer([tensor(UInt(2), 3, 3, 2)]).shape)


@pytest.mark.parametrize(
    ("op", "shape", "message"),
    [
        (MaxPool((1, 1)), (3, 4), "max_pool needs an image of three axes, found uint4[3, 4]"),
        (MaxPool((2, 2), low=(-1, 0)), (3, 4, 1), "max_pool has negative padding"),
        (MaxPool((2, 2), high=(0, -1)), (3, 4, 1), "max_pool has negative padding"),
        (
            MaxPool((2, 2), (0, 1)),
            (3, 4, 1),
            "max_pool needs positive kernels, strides and dilations",
        ),
        (
            MaxPool((5, 2), high=(1, 0)),
            (3, 4, 1),
            "the kernel covers 5 x 2 pixels, the image is uint4[4, 4, 1]",
        ),
        (
            MaxPool((1, 1), low=(1, 0)),
            (3, 4, 1),
            "max_pool has windows that lie beyond uint4[3, 4, 1]",
        ),
        (
            MaxPool((2, 2), high=(0, 2)),
            (3, 4, 1),
            "max_pool has windows that lie beyond uint4[3, 4, 1]",
        ),
        (
            MaxPool((2, 1), dilation=(4, 1), low=(1, 0), high=(1, 0)),
            (3, 4, 1),
            "max_pool has windows that lie beyond uint4[3, 4, 1]",
        ),
        (SumPool((1, 1)), (3, 4), "sum_pool needs an image of three axes, found uint4[3, 4]"),
        (
            SumPool((4, 1)),
            (3, 4, 1),
            "the kernel covers 4 x 1 pixels, the image is uint4[3, 4, 1]",
        ),
        (
            SumPool((-1, 1)),
            (3, 4, 1),
            "sum_pool needs positive kernels, strides and dilations",
        ),
        (GlobalPool("max"), (4,), "global_pool needs an image of three axes, found uint4[4]"),
        (
            GlobalPool("mean"),
            (3, 4, 1),
            "global_pool takes the max or the sum, not 'mean'",
        ),
        (Pool("", 1, 1), (3, 4), "pool takes the max or the sum, not ''"),
        (
            Pool("max", 2, 3),
            (3, 4),
            "pool of 2 taps in blocks of 3 does not fit uint4[3, 4]",
        ),
        (
            Pool("max", 0, 1),
            (3, 4),
            "pool of 0 taps in blocks of 1 does not fit uint4[3, 4]",
        ),
        (
            Pool("max", -2, -2),
            (3, 4),
            "pool of -2 taps in blocks of -2 does not fit uint4[3, 4]",
        ),
        (Pool("max", 1, 1), (), "pool of 1 taps in blocks of 1 does not fit uint4[]"),
    ],
)
def test_rejects(op: Op, shape: tuple[int, ...], message: str) -> None:
    assert rejection(op, tensor(UInt(4), *shape)) == f"I001: {message}"


def test_the_widest_padding_whose_windows_meet_pixels() -> None:
    op = MaxPool((3, 2), low=(2, 1), high=(2, 1))
    assert op.infer([tensor(UInt(4), 1, 1, 1)]).shape == (3, 2, 1)
    # The stride steps over the padding: row 3 is in no window.
    assert MaxPool((1, 1), (2, 1), high=(1, 0)).infer([tensor(UInt(4), 3, 1, 1)]).shape == (2, 1, 1)
