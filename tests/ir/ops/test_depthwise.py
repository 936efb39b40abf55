"""Depthwise: a kernel of its own for each channel."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Real, UInt
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.dense import MAX_ACCUMULATOR_BITS
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.windows import Windows
from tests.ir.elements import int_types, matrices
from tests.ir.image_makers import divisors
from tests.ir.ops.checks import assert_same, const, rejection, tensor


def test_by_hand() -> None:
    weights = const([[1, 2, 3], [-1, 0, 1]])
    x = np.array([[1, 10, 2, 20, 3, 30]])
    together = Depthwise(weights, Int(3), 2)
    assert_same(together.evaluate(x), [[1 + 4 + 9, -10 + 30]])
    apart = Depthwise(weights, Int(3), 1)
    assert_same(apart.evaluate(x), [[1 + 20 + 6, -20 + 30]])
    assert together.infer([tensor(UInt(2), 5, 6)]) == tensor(Int(6, -3, 18), 5, 2)


@given(st.data(), int_types(12), int_types(8), st.integers(1, 4), st.integers(1, 5))
def test_equals_the_definition(
    data: st.DataObject, elem: IntType, weight: IntType, channels: int, taps: int
) -> None:
    block = data.draw(divisors(channels))
    weights = data.draw(matrices(weight, channels, taps))
    x = data.draw(matrices(elem, 3, channels * taps))
    wanted = [
        [
            sum(
                w * frame[(c // block * taps + t) * block + c % block]
                for t, w in enumerate(weights.tolist()[c])
            )
            for c in range(channels)
        ]
        for frame in x.tolist()
    ]
    op = Depthwise(Const.integers(weights), weight, block)
    assert_same(op.evaluate(x), wanted)
    assert op.infer([tensor(elem, channels * taps)]).shape == (channels,)


@given(st.data(), int_types(4), int_types(4), st.integers(1, 2), st.integers(1, 3))
def test_infers_the_exact_range(
    data: st.DataObject, elem: IntType, weight: IntType, channels: int, taps: int
) -> None:
    weights = data.draw(matrices(weight, channels, taps))
    ends = np.array(list(product([elem.lo, elem.hi], repeat=channels * taps)))
    op = Depthwise(Const.integers(weights), weight, 1)
    reached = op.evaluate(ends)
    found = op.infer([tensor(elem, channels * taps)]).int_elem
    assert found.hi == reached.max()
    assert found.lo == min(reached.min(), 0)


@given(divisors(6), st.sampled_from([(1, 1), (2, 1)]), st.sampled_from([(1, 1), (1, 2)]))
def test_windows_then_depthwise_is_a_convolution_in_as_many_groups_as_channels(
    block: int, stride: tuple[int, int], dilation: tuple[int, int]
) -> None:
    rng = np.random.default_rng(block)
    weights = rng.integers(-8, 8, (6, 2, 3, 1))
    x = rng.integers(-8, 8, (2, 5, 6, 6))
    conv = Conv(Const(weights), Int(4), stride, dilation, groups=6)
    windows = Windows((2, 3), stride, dilation, block)
    op = Depthwise(Const(weights.reshape(6, 6)), Int(4), block)
    assert_same(op.evaluate(windows.evaluate(x)), conv.evaluate(x))
    frame = tensor(Int(4), 5, 6, 6)
    assert op.infer([windows.infer([frame])]) == conv.infer([frame])


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_narrow_arrays_do_not_wrap(dtype: type[np.int8]) -> None:
    top = int(np.iinfo(dtype).max)
    op = Depthwise(const([[127] * 4]), Int(8), 1)
    assert_same(op.evaluate(np.full((1, 4), top, dtype)), [[4 * 127 * top]])


def test_is_exact_where_floats_are_not() -> None:
    op = Depthwise(const([[2**46 + 1, 2**46, 1]], np.int64), Int(62), 1)
    assert_same(op.evaluate(np.array([[1023, -1023, 1]])), [[1024]])


def test_keeps_leading_axes_and_takes_no_frames() -> None:
    op = Depthwise(const([[1, 1], [1, 1]]), UInt(1), 2)
    assert op.evaluate(np.ones((3, 2, 5, 4), np.int8)).shape == (3, 2, 5, 2)
    assert op.evaluate(np.ones((0, 2, 5, 4), np.int8)).shape == (0, 2, 5, 2)


@pytest.mark.parametrize(
    ("weights", "stored"),
    [([[1, -1]], Bipolar()), ([[1, 0]], UInt(1)), ([[-4], [3]], Int(3)), ([[5]], UInt(3, 5))],
)
def test_stored_type_is_the_narrowest(weights: list[list[int]], stored: IntType) -> None:
    assert Depthwise(const(weights), Int(8), 1).stored == stored


@pytest.mark.parametrize(
    ("op", "elem", "shape", "message"),
    [
        (
            Depthwise(const([[1, 2]]), Int(4), 1),
            Real(),
            (2,),
            "I001: depthwise needs an integer operand, found real[2]",
        ),
        (
            Depthwise(const([[1, 2]]), Int(4), 1),
            UInt(4),
            (3,),
            "I001: depthwise has 1 x 2 weights, its operand is uint4[3]",
        ),
        (
            Depthwise(const([[1]]), Int(4), 1),
            UInt(4),
            (),
            "I001: depthwise has 1 x 1 weights, its operand is uint4[]",
        ),
        (
            Depthwise(const([[1], [2], [3]]), Int(4), 2),
            UInt(4),
            (3,),
            "I001: depthwise in blocks of 2 cannot hold 3 channels",
        ),
        (
            Depthwise(const([[1]]), Int(4), 0),
            UInt(4),
            (1,),
            "I001: depthwise in blocks of 0 cannot hold 1 channels",
        ),
        (
            Depthwise(const([[8]]), Int(4), 1),
            UInt(4),
            (1,),
            "I001: depthwise holds weights outside int4",
        ),
        (
            Depthwise(const([[0]]), Bipolar(), 1),
            UInt(4),
            (1,),
            "I001: depthwise holds weights outside bipolar",
        ),
        (
            Depthwise(const([1]), Int(4), 1),
            UInt(4),
            (1,),
            "I001: depthwise needs a matrix of integers, found i8[1]",
        ),
        (
            Depthwise(const([[0.5]], np.float32), Int(4), 1),
            UInt(4),
            (1,),
            "I001: depthwise needs a matrix of integers, found f32[1, 1]",
        ),
    ],
)
def test_rejects(op: Depthwise, elem: IntType | Real, shape: tuple[int, ...], message: str) -> None:
    assert rejection(op, tensor(elem, *shape)) == message


def test_the_widest_supported_accumulator() -> None:
    op = Depthwise(const([[1, 1]]), Int(4), 1)
    widest = tensor(UInt(MAX_ACCUMULATOR_BITS - 1), 2)
    assert op.infer([widest]).int_elem.bits == MAX_ACCUMULATOR_BITS
    message = "P004: the sum needs 49 bits, at most 48 are supported"
    assert rejection(op, tensor(UInt(MAX_ACCUMULATOR_BITS), 2)) == message


def test_sums_beyond_64_bits_do_not_wrap_round() -> None:
    op = Depthwise(const([[2**61 - 1] * 8], np.int64), Int(62), 1)
    message = "P004: the sum needs 64 bits, at most 48 are supported"
    assert rejection(op, tensor(UInt(1), 8)) == message
