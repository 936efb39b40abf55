"""Dequantise: the exact value, rounded once."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Int, IntType, Real, UInt
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.types import IntArray
from tests.ir.elements import matrices
from tests.ir.ops.checks import assert_same, exactly, rejection, tensor

_dyadic = st.builds(Fraction, st.integers(-(2**30), 2**30), st.integers(0, 40).map(lambda k: 2**k))
_any_fraction = _dyadic | st.fractions(-100, 100, max_denominator=10**6)


def naive(op: Dequantise, x: IntArray) -> list[list[float]]:
    """Compute with fractions; Python rounds a fraction to the nearest float."""
    channels = x.shape[-1]
    scale = op.scale * (channels if len(op.scale) == 1 else 1)
    offset = op.offset * (channels if len(op.offset) == 1 else 1)
    return [
        [float(v * s + o) for v, s, o in zip(frame, scale, offset, strict=True)]
        for frame in x.tolist()
    ]


def test_by_hand() -> None:
    op = Dequantise((Fraction(1, 4), Fraction(3)), (Fraction(-1, 2),))
    assert_same(op.evaluate(np.array([[2, 2], [-3, 0]])), [[0.0, 5.5], [-1.25, -0.5]], np.float64)


@given(st.data(), st.sampled_from([Int(4), UInt(8), Int(24), UInt(40), Int(62), Bipolar()]))
def test_is_the_exact_value_rounded_once(data: st.DataObject, elem: IntType) -> None:
    fractions = data.draw(st.sampled_from([_dyadic, _any_fraction]))
    row = st.tuples(fractions) | st.tuples(fractions, fractions, fractions)
    op = Dequantise(data.draw(row), data.draw(row))
    x = data.draw(matrices(elem, 4, 3))
    assert_same(op.evaluate(x), naive(op, x), np.float64)


@pytest.mark.parametrize("past", range(-2, 3))
@pytest.mark.parametrize("divisor", [1, 2**20, 3])
def test_is_exact_on_both_sides_of_float64s_limit(past: int, divisor: int) -> None:
    for scale, offset, x in [
        (Fraction(1, divisor), Fraction(1, divisor), 2**53 + past),
        (Fraction(2**53 + past, divisor), Fraction(1, 3 * divisor), 1),
        (Fraction(2**30 + 1, divisor), Fraction(past, divisor), 2**23 + past),
    ]:
        op = Dequantise((scale,), (offset,))
        for value in (x, -x):
            array = np.array([[value]])
            assert_same(op.evaluate(array), naive(op, array), np.float64)


@given(_any_fraction, _any_fraction, st.integers(-(2**20), 2**20), st.integers(-9, 9))
def test_equal_values_have_equal_bits_however_they_are_split(
    scale: Fraction, offset: Fraction, x: int, shift: int
) -> None:
    a = Dequantise((scale,), (offset,)).evaluate(np.array([[x]]))
    b = Dequantise((scale,), (offset + shift * scale,)).evaluate(np.array([[x - shift]]))
    assert a.tobytes() == b.tobytes() or (a == 0 and b == 0)


@given(_any_fraction, _any_fraction, st.fractions(-9, 9))
def test_fractions_stay_fractions(scale: Fraction, offset: Fraction, x: Fraction) -> None:
    got = Dequantise((scale,), (offset,)).evaluate(exactly([[x, 0]]))
    assert got.dtype == object
    assert got.tolist() == [[x * scale + offset, offset]]


@pytest.mark.parametrize("exponent", [1000, 1023, 1024, 1074, 1100])
def test_tiny_scales_do_not_overflow(exponent: int) -> None:
    op = Dequantise((Fraction(1, 2**exponent),), (Fraction(0),))
    x = np.array([[0, 1, -3]])
    assert_same(op.evaluate(x), naive(op, x), np.float64)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32])
def test_narrow_arrays_do_not_wrap(dtype: type[np.int8]) -> None:
    x = np.array([[np.iinfo(dtype).min, np.iinfo(dtype).max]], dtype=dtype)
    for scale in (Fraction(1000), Fraction(1000, 7), Fraction(2**52)):
        op = Dequantise((scale,), (Fraction(1, 2),))
        assert_same(op.evaluate(x), naive(op, x.astype(np.int64)), np.float64)


def test_frames_of_several_axes() -> None:
    op = Dequantise((Fraction(1), Fraction(1, 3)))
    x = np.arange(12).reshape(2, 3, 2)
    assert_same(op.evaluate(x).reshape(6, 2), naive(op, x.reshape(6, 2)), np.float64)
    assert op.infer([tensor(Int(8), 3, 2)]) == tensor(Real(), 3, 2)
    assert Dequantise((Fraction(1),)).infer([tensor(Int(8))]) == tensor(Real())
    assert op.evaluate(np.zeros((0, 3, 2), np.int64)).shape == (0, 3, 2)


@pytest.mark.parametrize(
    ("scale", "offset", "elem", "shape", "message"),
    [
        ((1,), (0,), Real(), (3,), "dequantise needs an integer operand, found real[3]"),
        ((1, 2), (0,), Int(4), (3,), "2 scales do not fit int4[3]"),
        ((1,), (0, 0), Int(4), (3,), "2 offsets do not fit int4[3]"),
        ((), (0,), Int(4), (3,), "0 scales do not fit int4[3]"),
        ((1, 2), (0,), Int(4), (), "2 scales do not fit int4[]"),
        ((1, 2), (0,), Int(4), (2, 3), "2 scales do not fit int4[2, 3]"),
    ],
)
def test_rejects(
    scale: tuple[int, ...],
    offset: tuple[int, ...],
    elem: IntType | Real,
    shape: tuple[int, ...],
    message: str,
) -> None:
    op = Dequantise(tuple(map(Fraction, scale)), tuple(map(Fraction, offset)))
    assert rejection(op, tensor(elem, *shape)) == f"I001: {message}"
