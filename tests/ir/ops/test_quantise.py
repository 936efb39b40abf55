"""Quantise: the executor's bits on float32, and one meaning in every domain."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.quant import max_int, min_int, quant

from bitmason.ir import Bipolar, Const, Int, IntType, Real, UInt
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.rounding import ROUNDINGS
from bitmason.ir.types import Array, contains
from tests.ir.ops.checks import assert_same, const, exactly, rejection, tensor

_HALF = Fraction(1, 2)


def _nearest(tie: Callable[[int], int]) -> Callable[[Fraction], int]:
    """Round to the nearest; `tie` chooses from the integer below the tie."""

    def rounding(p: Fraction) -> int:
        below = math.floor(p)
        rest = p - below
        return tie(below) if rest == _HALF else below + (rest > _HALF)

    return rounding


NAIVE: dict[str, Callable[[Fraction], int]] = {
    "ROUND": _nearest(lambda below: below + below % 2),
    "CEIL": lambda p: -((-p.numerator) // p.denominator),
    "FLOOR": lambda p: p.numerator // p.denominator,
    "UP": lambda p: math.ceil(p) if p > 0 else math.floor(p),
    "DOWN": lambda p: math.floor(p) if p > 0 else math.ceil(p),
    "HALF_UP": _nearest(lambda below: below + (below >= 0)),
    "HALF_DOWN": _nearest(lambda below: below + (below < 0)),
}


def naive(op: Quantise, x: Fraction, scale: Fraction, zero_point: Fraction) -> int:
    position = x / scale + zero_point
    if isinstance(op.out, Bipolar):
        return 1 if position >= 0 else -1
    clamped = max(Fraction(op.out.lo), min(Fraction(op.out.hi), position))
    return NAIVE[op.rounding](clamped)


def quantise(
    out: IntType, rounding: str = "ROUND", scale: Any = 1.0, zero_point: Any = 0.0
) -> Quantise:
    return Quantise(const(scale, np.float32), const(zero_point, np.float32), out, rounding)


def domains(values: list[list[float]]) -> list[Array]:
    return [np.array(values, dtype=np.float32), np.array(values), exactly(values)]


def test_every_rounding_mode_has_a_definition_here() -> None:
    assert set(NAIVE) == set(ROUNDINGS)


_POSITIONS = [-2.5, -2.0, -1.75, -1.5, -1.25, -0.5, -0.25, -0.0, 0.25, 0.5, 1.25, 1.5, 1.75, 2.5]


@pytest.mark.parametrize(
    ("rounding", "codes"),
    [
        ("ROUND", [-2, -2, -2, -2, -1, 0, 0, 0, 0, 0, 1, 2, 2, 2]),
        ("CEIL", [-2, -2, -1, -1, -1, 0, 0, 0, 1, 1, 2, 2, 2, 3]),
        ("FLOOR", [-3, -2, -2, -2, -2, -1, -1, 0, 0, 0, 1, 1, 1, 2]),
        ("UP", [-3, -2, -2, -2, -2, -1, -1, 0, 1, 1, 2, 2, 2, 3]),
        ("DOWN", [-2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2]),
        ("HALF_UP", [-3, -2, -2, -2, -1, -1, 0, 0, 0, 1, 1, 2, 2, 3]),
        ("HALF_DOWN", [-2, -2, -2, -1, -1, 0, 0, 0, 0, 0, 1, 1, 2, 2]),
    ],
)
def test_rounding_modes_by_hand(rounding: str, codes: list[int]) -> None:
    for x in domains([_POSITIONS]):
        assert_same(quantise(Int(4), rounding).evaluate(x), [codes])


@given(
    st.sampled_from(sorted(ROUNDINGS)),
    st.sampled_from([Int(4), Int(4, -7), UInt(3), UInt(3, 6), UInt(1), Int(1), Int(8), Bipolar()]),
    st.sampled_from([0.25, 0.5, 1.0, 2.0]),
    st.integers(-5, 5),
    st.lists(st.integers(-160, 160).map(lambda k: k / 16), min_size=1, max_size=12),
)
def test_all_domains_agree_where_floats_are_exact(
    rounding: str, out: IntType, scale: float, zero_point: int, row: list[float]
) -> None:
    op = quantise(out, rounding, scale, zero_point)
    wanted = [naive(op, Fraction(x), Fraction(scale), Fraction(zero_point)) for x in row]
    for x in domains([row]):
        assert_same(op.evaluate(x), [wanted])
    assert contains(out, np.array(wanted))


@given(
    st.sampled_from(sorted(ROUNDINGS)),
    st.fractions(-20, 20),
    st.floats(2**-7, 4.0, width=32),
    st.integers(-5, 5),
)
def test_fractions_are_exact(rounding: str, x: Fraction, scale: float, zero_point: int) -> None:
    op = quantise(Int(6), rounding, scale, zero_point)
    wanted = naive(op, x, Fraction(scale), Fraction(zero_point))
    assert_same(op.evaluate(exactly([[x]])), [[wanted]])


@st.composite
def executor_cases(draw: st.DrawFn) -> tuple[Array, Array, Array, int, bool, bool, str]:
    """Cases as exporters write them: scales and zero points of several kinds, ties in x."""
    shape = draw(st.sampled_from([(), (1,), (3,), (1, 3)]))
    size = math.prod(shape)
    one = st.just(1.0) | st.floats(2**-9, 8, width=32)
    scales = draw(st.lists(one, min_size=size, max_size=size))
    scale = np.array(scales, dtype=draw(st.sampled_from([np.float32, np.float64]))).reshape(shape)
    kinds = st.sampled_from([np.float32, np.float64, np.int64, np.int8])
    zero_point = np.array(draw(st.just(0) | st.integers(-8, 8)), dtype=draw(kinds))
    half_steps = draw(st.lists(st.integers(-40, 40), min_size=6, max_size=6))
    ties = np.array(half_steps).reshape(2, 3) * 0.5 * scale
    other = draw(st.lists(st.floats(-100, 100, width=32), min_size=6, max_size=6))
    x = np.concatenate([ties.reshape(2, 3), np.array(other).reshape(2, 3)]).astype(np.float32)
    bits, sign, narrow = draw(st.integers(1, 8)), draw(st.booleans()), draw(st.booleans())
    return x, scale, zero_point, bits, sign, narrow, draw(st.sampled_from(sorted(ROUNDINGS)))


def out_type(bits: int, sign: bool, narrow: bool) -> IntType:
    if bits == 1 and sign:
        return Bipolar()
    lo, hi = int(min_int(sign, narrow, bits)), int(max_int(sign, narrow, bits))
    return Int(bits, lo, hi) if sign else UInt(bits, hi)


@given(executor_cases())
@settings(max_examples=300)
def test_float32_gives_the_executors_bits(
    case: tuple[Array, Array, Array, int, bool, bool, str],
) -> None:
    x, scale, zero_point, bits, sign, narrow, rounding = case
    op = Quantise(Const(scale), Const(zero_point), out_type(bits, sign, narrow), rounding)
    wanted = quant(x, scale, zero_point, np.array(bits, np.float32), sign, narrow, rounding)
    codes = op.evaluate(x)
    got = (codes.astype(op.position(x).dtype) - zero_point) * scale
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


def test_float32_rounds_where_the_executor_rounds() -> None:
    just_below = np.float32(0.5) - np.float32(2**-25)
    op = quantise(Int(4), "HALF_UP")
    assert_same(op.evaluate(np.array([[just_below]], dtype=np.float32)), [[1]])
    assert_same(op.evaluate(exactly([[float(just_below)]])), [[0]])


def test_an_integer_zero_point_widens_as_in_the_executor() -> None:
    x = np.array([[2.0**24 + 2]], dtype=np.float32)
    single = Quantise(const(1, np.float32), const(1, np.float32), Int(30))
    double = Quantise(const(1, np.float32), const(1, np.int64), Int(30))
    assert single.position(x).dtype == np.float32
    assert double.position(x).dtype == np.float64
    assert_same(single.evaluate(x), [[2**24 + 4]])
    assert_same(double.evaluate(x), [[2**24 + 3]])


@pytest.mark.parametrize(("kind", "code"), [(np.float32, 1), (np.float64, 0), (np.int64, 0)])
def test_a_constant_that_changes_no_value_still_widens(kind: type[np.float32], code: int) -> None:
    x = np.array([[0.5 - 2.0**-25]], dtype=np.float32)
    for op in (
        Quantise(const(1, np.float32), const(0, kind), Int(4), "HALF_UP"),
        Quantise(const(1, kind), const(0, np.float32), Int(4), "HALF_UP"),
    ):
        wanted = quant(x, op.scale.array, op.zero_point.array, np.array(4), True, False, "HALF_UP")
        assert_same(wanted, [[code]], wanted.dtype)
        assert_same(op.evaluate(x), [[code]])


def test_bipolar_is_plus_one_at_either_zero() -> None:
    for x in domains([[-1.0, -(2.0**-20), -0.0, 0.0, 2.0**-20, 1.0]]):
        assert_same(quantise(Bipolar(), scale=0.5).evaluate(x), [[-1, -1, 1, 1, 1, 1]])


@given(st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=8))
def test_bipolar_with_unit_scale_is_bipolar_quant(row: list[float]) -> None:
    x = np.array([row], dtype=np.float32)
    wanted = binary_quant(x, np.array(1.0, dtype=np.float32))
    assert_same(quantise(Bipolar()).evaluate(x), wanted)


def test_bipolar_respects_the_zero_point() -> None:
    for x in domains([[-3.0, -2.0, -1.0]]):
        assert_same(quantise(Bipolar(), scale=0.5, zero_point=4.0).evaluate(x), [[-1, 1, 1]])


@pytest.mark.parametrize(
    ("out", "dtype"),
    [
        (Bipolar(), np.int8),
        (UInt(7), np.int8),
        (Int(8), np.int8),
        (UInt(8), np.int16),
        (UInt(8, 127), np.int8),
        (Int(16), np.int16),
        (UInt(16), np.int64),
    ],
)
def test_codes_are_as_narrow_as_their_type(out: IntType, dtype: type[np.int8]) -> None:
    for x in domains([[-1e9, 1e9]]):
        assert_same(quantise(out).evaluate(x), [[out.lo, out.hi]], dtype)


def test_one_scale_per_channel() -> None:
    op = quantise(Int(8), scale=[[0.5], [2.0]])
    assert op.infer([tensor(Real(), 2, 3)]) == tensor(Int(8), 2, 3)
    for x in domains([[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]]):
        assert_same(op.evaluate(x[np.newaxis]), [[[8, 8, 8], [2, 2, 2]]])


@pytest.mark.parametrize("out", [UInt(8), Int(8), Int(8, -127), UInt(8, 254), Bipolar(), UInt(23)])
@pytest.mark.parametrize("rounding", sorted(ROUNDINGS))
def test_saturates_at_the_ends(out: IntType, rounding: str) -> None:
    x = np.array([[-np.inf, -1e30, 1e30, np.inf]], dtype=np.float32)
    wanted = [out.lo, out.lo, out.hi, out.hi]
    assert_same(quantise(out, rounding).evaluate(x), [wanted])
    assert_same(quantise(out, rounding).evaluate(exactly([[-1e30, 1e30]])), [wanted[1:3]])


@pytest.mark.parametrize("out", [Int(26), UInt(25), UInt(32), Int(32), UInt(54), Int(62), UInt(62)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stays_inside_types_wider_than_the_float(out: IntType, dtype: type[np.float32]) -> None:
    codes = quantise(out).evaluate(np.array([[-np.inf, -1e30, 1e30, np.inf]], dtype=dtype))
    assert_same(codes, [[out.lo, out.lo, out.hi, out.hi]])


@pytest.mark.parametrize(
    ("op", "elem", "shape", "message"),
    [
        (quantise(Int(4)), Int(4), (3,), "quantise needs a real operand, found int4[3]"),
        (quantise(Int(4), scale=[1, 2]), Real(), (3,), "a scale of shape [2] does not fit real[3]"),
        (
            quantise(Int(4), scale=[1, 2]),
            Real(),
            (1,),
            "a scale of shape [2] does not fit real[1]",
        ),
        (
            quantise(Int(4), scale=[[1, 2]]),
            Real(),
            (2,),
            "a scale of shape [1, 2] does not fit real[2]",
        ),
        (
            quantise(Int(4), zero_point=[1, 2]),
            Real(),
            (3,),
            "a zero point of shape [2] does not fit real[3]",
        ),
        (quantise(Int(4), "NEAR"), Real(), (3,), "there is no rounding mode NEAR"),
    ],
)
def test_rejects(op: Quantise, elem: IntType | Real, shape: tuple[int, ...], message: str) -> None:
    assert rejection(op, tensor(elem, *shape)) == f"I001: {message}"
