"""Conv: kernels slid over an image, element by element and group by group."""

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Real, UInt
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.dense import MAX_ACCUMULATOR_BITS
from bitmason.ir.types import IntArray
from tests.ir.elements import int_types, values_of
from tests.ir.image_makers import divisors, fitting
from tests.ir.ops.checks import assert_same, const, rejection, tensor

ONES = const(np.ones((2, 1, 1, 3)))
NO_FIT = "I001: conv of {} kernels with {} channels in {} groups does not fit uint4[3, 4, 4]"


def naive(x: IntArray, op: Conv) -> list[list[list[int]]]:
    """Follow the definition with Python's integers, for one frame."""
    weights = op.weights.array.tolist()
    (sh, sw), (dh, dw) = op.stride, op.dilation
    outputs, kh, kw, share = op.weights.shape
    height, width, _ = x.shape
    pixels = x.tolist()
    return [
        [
            [
                sum(
                    weights[o][p][q][c]
                    * pixels[top + p * dh][left + q * dw][o // (outputs // op.groups) * share + c]
                    for p in range(kh)
                    for q in range(kw)
                    for c in range(share)
                )
                for o in range(outputs)
            ]
            for left in range(0, width - (kw - 1) * dw, sw)
        ]
        for top in range(0, height - (kh - 1) * dh, sh)
    ]


def test_by_hand() -> None:
    op = Conv(const([[[[1], [2]], [[0], [-1]]]]), Int(3))
    assert op.kernel == (2, 2)
    x = np.array([[[[1], [2], [3]], [[4], [5], [6]]]])
    assert_same(op.evaluate(x), [[[[1 + 4 - 5], [2 + 6 - 6]]]])
    assert op.infer([tensor(UInt(3), 2, 3, 1)]) == tensor(Int(6, -7, 21), 1, 2, 1)


def test_groups_by_hand() -> None:
    op = Conv(const([[[[1, 2]]], [[[3, 4]]], [[[5, 6]]], [[[7, 8]]]]), UInt(4), groups=2)
    x = np.array([[[[1, 10, 100, 1000]]]])
    assert_same(op.evaluate(x), [[[[21, 43, 6500, 8700]]]])


@given(st.data(), int_types(10), int_types(6), st.integers(1, 3))
def test_equals_the_definition(
    data: st.DataObject, elem: IntType, weight: IntType, groups: int
) -> None:
    height, width = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    share, outputs = data.draw(st.integers(1, 2)), groups * data.draw(st.integers(1, 2))
    down, across = (data.draw(st.sampled_from(fitting(extent))) for extent in (height, width))
    kernel, stride, dilation = zip(down, across, strict=True)
    shape = (outputs, *kernel, share)
    weights = data.draw(values_of(weight, prod(shape))).reshape(shape)
    op = Conv(Const.integers(weights), weight, stride, dilation, groups)
    frames = (2, height, width, groups * share)
    x = data.draw(values_of(elem, prod(frames))).reshape(frames)
    wanted = [naive(frame, op) for frame in x]
    assert_same(op.evaluate(x), wanted)
    type_ = op.infer([tensor(elem, *frames[1:])])
    assert type_.shape == np.shape(wanted)[1:]


@given(st.data(), int_types(4), int_types(4))
def test_infers_the_exact_range(data: st.DataObject, elem: IntType, weight: IntType) -> None:
    shape = (2, 2, 1, 1)
    weights = data.draw(values_of(weight, prod(shape))).reshape(shape)
    op = Conv(Const.integers(weights), weight, groups=2)
    every = np.array(list(product([elem.lo, elem.hi], repeat=4)))
    reached = op.evaluate(every.reshape(-1, 2, 1, 2))
    found = op.infer([tensor(elem, 2, 1, 2)]).int_elem
    assert found.hi == reached.max()
    assert found.lo == min(reached.min(), 0)


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_narrow_arrays_do_not_wrap(dtype: type[np.int8]) -> None:
    top = int(np.iinfo(dtype).max)
    op = Conv(const(np.full((1, 3, 3, 2), 127)), Int(8))
    assert_same(op.evaluate(np.full((1, 3, 3, 2), top, dtype)), [[[[18 * 127 * top]]]])


def test_is_exact_where_floats_are_not() -> None:
    half = 2**43
    op = Conv(const([[[[half + 1, half, 1]]]], np.int64), Int(62))
    x = np.array([[[[1, -1, 0], [1023, -1023, 1]]]])
    assert_same(op.evaluate(x), [[[[1], [1024]]]])


@pytest.mark.parametrize("frames", [0, 1, 15, 16, 17, 33])
def test_any_number_of_frames(frames: int) -> None:
    op = Conv(const(np.arange(8).reshape(2, 2, 2, 1)), UInt(3))
    x = np.random.default_rng(frames).integers(-9, 9, (frames, 3, 3, 1))
    got = op.evaluate(x)
    assert_same(got, np.array([naive(frame, op) for frame in x]).reshape(frames, 2, 2, 2))


def test_equals_windows_and_their_product() -> None:
    rng = np.random.default_rng(0)
    op = Conv(Const(rng.integers(-4, 4, (6, 3, 2, 2))), Int(3), (2, 1), (1, 2), 2)
    x = rng.integers(0, 16, (3, 5, 6, 4))
    frame = tensor(UInt(4), 5, 6, 4)
    assert op.windows.block == 2
    assert op.product.groups == 2
    assert op.product.infer([op.windows.infer([frame])]) == op.infer([frame])
    assert_same(op.product.evaluate(op.windows.evaluate(x)), op.evaluate(x))


@given(divisors(12))
def test_groups_are_convolutions_side_by_side(groups: int) -> None:
    rng = np.random.default_rng(groups)
    share = 12 // groups
    weights = rng.integers(-8, 8, (12, 2, 2, share))
    x = rng.integers(-8, 8, (2, 4, 4, 12))
    parts = [
        Conv(Const(weights[at : at + share]), Int(4)).evaluate(x[..., at : at + share])
        for at in range(0, 12, share)
    ]
    whole = Conv(Const(weights), Int(4), groups=groups).evaluate(x)
    assert_same(whole, np.concatenate(parts, axis=-1))


def test_ops_compare_by_their_fields_whatever_was_computed() -> None:
    a, b = Conv(ONES, Int(4)), Conv(ONES, Int(4))
    a.evaluate(np.zeros((1, 2, 2, 3), np.int8))
    assert a == b
    assert hash(a) == hash(b)
    assert a != Conv(ONES, Int(4), stride=(2, 1))


@pytest.mark.parametrize(
    ("op", "elem", "shape", "message"),
    [
        (
            Conv(const([[1, 2]]), Int(4)),
            UInt(4),
            (3, 4, 4),
            "I001: conv needs integer weights of four axes, found int8[1, 2]",
        ),
        (
            Conv(const(np.ones((1, 1, 1, 4)), np.float32), Int(4)),
            UInt(4),
            (3, 4, 4),
            "I001: conv needs integer weights of four axes, found float32[1, 1, 1, 4]",
        ),
        (
            Conv(const(np.ones((0, 1, 1, 4))), Int(4)),
            UInt(4),
            (3, 4, 4),
            "I001: conv needs integer weights of four axes, found int8[0, 1, 1, 4]",
        ),
        (
            Conv(const(np.full((1, 1, 1, 4), 8)), Int(4)),
            UInt(4),
            (3, 4, 4),
            "I001: conv holds weights outside int4",
        ),
        (
            Conv(const(np.zeros((1, 1, 1, 4))), Bipolar()),
            UInt(4),
            (3, 4, 4),
            "I001: conv holds weights outside bipolar",
        ),
        (
            Conv(ONES, Int(4)),
            Real(),
            (3, 4, 3),
            "I001: conv needs an integer operand, found real[3, 4, 3]",
        ),
        (
            Conv(ONES, Int(4)),
            UInt(4),
            (4, 3),
            "I001: conv needs an image of three axes, found uint4[4, 3]",
        ),
        (
            Conv(ONES, Int(4), (0, 1)),
            UInt(4),
            (3, 4, 3),
            "I001: conv needs positive kernels, strides and dilations",
        ),
        (
            Conv(const(np.ones((1, 2, 2, 4))), Int(4), dilation=(3, 1)),
            UInt(4),
            (3, 4, 4),
            "I001: the kernel covers 4 x 2 pixels, the image is uint4[3, 4, 4]",
        ),
        (Conv(ONES, Int(4)), UInt(4), (3, 4, 4), NO_FIT.format(2, 3, 1)),
        (
            Conv(const(np.ones((3, 1, 1, 2))), Int(4), groups=2),
            UInt(4),
            (3, 4, 4),
            NO_FIT.format(3, 2, 2),
        ),
        (
            Conv(const(np.ones((2, 1, 1, 4))), Int(4), groups=0),
            UInt(4),
            (3, 4, 4),
            NO_FIT.format(2, 4, 0),
        ),
        (
            Conv(const(np.ones((2, 1, 1, 4))), Int(4), groups=2),
            UInt(4),
            (3, 4, 4),
            NO_FIT.format(2, 4, 2),
        ),
    ],
)
def test_rejects(op: Conv, elem: IntType | Real, shape: tuple[int, ...], message: str) -> None:
    assert rejection(op, tensor(elem, *shape)) == message


def test_the_widest_supported_accumulator() -> None:
    op = Conv(const(np.ones((1, 2, 2, 1))), Int(4))
    widest = tensor(UInt(MAX_ACCUMULATOR_BITS - 2), 2, 2, 1)
    assert op.infer([widest]).int_elem.bits == MAX_ACCUMULATOR_BITS
    message = "P004: the sum needs 49 bits, at most 48 are supported"
    assert rejection(op, tensor(UInt(MAX_ACCUMULATOR_BITS - 1), 2, 2, 1)) == message
