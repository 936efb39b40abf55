"""Custom floating point: bits, floats and fractions become the same codes, those that are meant.

Invariant: what a code stands for is written down here a second time, and what a number should
become is found among all numbers of the format.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from qonnx.custom_op.general.floatquant import float_quant

from bitmason.ir.custom_float import (
    NEAREST,
    TRUNCATE,
    CustomFloat,
    narrowest_format,
    parse_format,
)
from bitmason.ir.rounding import ROUNDINGS, Rounding
from bitmason.ir.types import Array, IntArray
from hw_tests.floats.patterns import Patterns, boundaries, drawn

BOTH = pytest.mark.parametrize("rounding", [TRUNCATE, NEAREST])


@st.composite
def formats(draw: st.DrawFn, most_e: int = 7, most_m: int = 6) -> CustomFloat:
    """Return a format, without subnormals, whose numbers are normal numbers of float32."""
    e_bits, m_bits = draw(st.integers(1, most_e)), draw(st.integers(0, most_m))
    bias = draw(st.integers(2**e_bits - 128, 127))
    largest = st.integers(2**m_bits, 2 ** (e_bits + m_bits) - 1)
    usual = st.none() if e_bits > 1 else st.just(2**m_bits)
    return CustomFloat(e_bits, m_bits, bias, largest=draw(st.one_of(largest, usual)))


@st.composite
def subnormal_formats(draw: st.DrawFn) -> CustomFloat:
    form = draw(formats(most_e=5))
    return replace(form, subnormals=True, bias=draw(st.integers(-10, 40)))


def as_floats(patterns: Patterns) -> Array:
    return patterns.view(np.float32)


def hard_patterns(form: CustomFloat, seed: int) -> Patterns:
    rng = np.random.default_rng(seed)
    return np.concatenate([boundaries(form), drawn(form, rng, 4000)])


def number_of(form: CustomFloat, magnitude: int) -> Fraction:
    """What a magnitude stands for."""
    exponent, mantissa = divmod(magnitude, 2**form.m_bits)
    share = Fraction(mantissa, 2**form.m_bits)
    lead = 1 if exponent else 0
    if not lead and not form.subnormals:
        return Fraction(0)
    return power(max(exponent, 1) - form.bias) * (lead + share)


def power(exponent: int) -> Fraction:
    return Fraction(2**exponent) if exponent >= 0 else Fraction(1, 2**-exponent)


def nearby(form: CustomFloat, value: float, rounding: Rounding) -> int:
    """The magnitude that a positive number should become, found among all that there are."""
    x = Fraction(value)
    used: list[int] = [0, *range(form.first, form.top + 1)]
    numbers = [number_of(form, magnitude) for magnitude in used]
    below = max(i for i, number in enumerate(numbers) if number <= x)
    if below + 1 == len(used):
        return form.top
    if below == 0 and not form.subnormals:
        return form.first if 2 * x >= numbers[1] else 0
    low, high = x - numbers[below], numbers[below + 1] - x
    # Without a mantissa two powers of two are neighbours, and ties go to the larger one.
    tie = used[below] % 2 == 1 or (form.m_bits == 0 and below > 0)
    if rounding == NEAREST and (low > high or (low == high and tie)):
        below += 1
    return used[below]


@given(formats(), st.integers(0, 2**32 - 1))
@BOTH
def test_bits_become_the_codes_of_their_numbers(
    rounding: Rounding, form: CustomFloat, seed: int
) -> None:
    patterns = hard_patterns(form, seed)
    codes = form.encode_bits(patterns, rounding)
    assert np.array_equal(codes, form.encode(as_floats(patterns), rounding))
    with np.errstate(invalid="ignore"):  # signalling NaN
        wide = as_floats(patterns).astype(np.float64)
    assert np.array_equal(codes, form.encode(wide, rounding))


@given(formats() | subnormal_formats(), st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_floats_become_the_ranks_of_their_fractions(
    rounding: Rounding, form: CustomFloat, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    near = boundaries(form)
    patterns = np.concatenate([rng.choice(near, 60), drawn(form, rng, 20)])
    floats = as_floats(patterns)
    floats = floats[np.isfinite(floats)]
    exact = np.array([Fraction(value) for value in floats.tolist()], dtype=object)
    assert np.array_equal(form.ranks(floats, rounding), form.ranks(exact, rounding))


@given(formats(4, 3) | subnormal_formats().filter(lambda form: form.bits < 9), st.data())
@BOTH
def test_numbers_become_those_nearby(
    rounding: Rounding, form: CustomFloat, data: st.DataObject
) -> None:
    near = np.abs(as_floats(boundaries(form)))
    floats = data.draw(st.lists(st.sampled_from(near[np.isfinite(near)].tolist()), max_size=20))
    found = form.ranks(np.array(floats), rounding).tolist()
    assert found == [nearby(form, value, rounding) for value in floats]
    assert form.ranks(-np.array(floats), rounding).tolist() == [-rank for rank in found]


@given(formats())
@BOTH
def test_infinities_and_nan_become_the_largest_number(
    rounding: Rounding, form: CustomFloat
) -> None:
    patterns = np.array([0x7F80_0000, 0x7F80_0001, 0x7FFF_FFFF], np.uint32)
    sign = np.uint32(1 << 31)
    assert (form.encode_bits(patterns, rounding) == form.top).all()
    assert (form.ranks_of(form.encode_bits(patterns | sign, rounding)) == -form.top).all()
    assert (form.ranks(as_floats(patterns | sign), rounding) == -form.top).all()


@given(formats() | subnormal_formats())
def test_codes_stand_for_what_the_formula_says(form: CustomFloat) -> None:
    codes = np.arange(0, 2**form.bits, 1 + form.bits // 10)
    for code, number in zip(codes.tolist(), form.decode(codes).tolist(), strict=True):
        negative, magnitude = divmod(code, 2 ** (form.bits - 1))
        assert Fraction(number) == (-1) ** negative * number_of(form, magnitude)
        assert number or not np.signbit(number)


def used_ranks(form: CustomFloat) -> IntArray:
    ranks = np.arange(-form.top, form.top + 1)
    return np.asarray(ranks[(np.abs(ranks) >= form.first) | (ranks == 0)])


@given(formats() | subnormal_formats())
@BOTH
def test_numbers_of_a_format_stay_as_they_are(rounding: Rounding, form: CustomFloat) -> None:
    ranks = used_ranks(form)
    numbers = form.decode(form.codes_of(ranks))
    assert np.array_equal(form.ranks(numbers, rounding), ranks)
    if not form.subnormals:
        patterns = numbers.astype(np.float32).view(np.uint32)
        assert np.array_equal(form.encode_bits(patterns, rounding), form.codes_of(ranks))


@given(formats(most_e=5) | subnormal_formats())
def test_ranks_codes_and_fixed_point_are_one_value(form: CustomFloat) -> None:
    ranks = used_ranks(form)
    codes = form.codes_of(ranks)
    assert np.array_equal(form.ranks_of(codes), ranks)
    assert np.array_equal(form.ranks_of(codes & (2**form.bits - 1)), ranks)
    fixed = form.fixed(ranks)
    assert (np.diff(fixed) > 0).all()
    assert (np.diff(form.decode(codes)) > 0).all()
    unit = form.unit
    numbers = form.decode(codes).tolist()
    assert [unit * step for step in fixed.tolist()] == [Fraction(x) for x in numbers]
    assert (form.fixed_type.lo, form.fixed_type.hi) == (fixed.min(), fixed.max())
    assert (form.rank_type.lo, form.rank_type.hi) == (ranks.min(), ranks.max())


@given(formats(4, 4) | subnormal_formats().filter(lambda form: form.bits < 10))
@BOTH
def test_roundings_change_at_turns_and_nowhere_else(rounding: Rounding, form: CustomFloat) -> None:
    turns = form.turns(rounding)
    around = [np.nextafter(turns, -np.inf), turns, np.nextafter(turns, np.inf)]
    below, at, above = (form.ranks(x, rounding) for x in around)
    same = (below == at) & (at == above)
    # Zero is among numbers that become zero, and the smallest one among those that become it.
    calm = {0, *form.decode(form.codes_of(np.array([-form.first, form.first])))}
    assert set(turns[same].tolist()) <= calm
    assert np.array_equal(above[:-1], below[1:])


def test_exponents_of_the_paper_make_fc8() -> None:
    form = CustomFloat.for_exponents(-14, -5, 3)
    assert form == CustomFloat(4, 3, 15)
    assert (form.bits, form.numbers.max()) == (8, 2.0**-1 * (2 - 2**-3))
    smallest = form.numbers[form.numbers > 0].min()
    assert smallest == 2.0**-14
    assert CustomFloat.for_exponents(-14, -1, 3).e_bits == 4
    assert CustomFloat.for_exponents(-14, 0, 3).e_bits == 5
    assert CustomFloat.for_exponents(3, 3, 0) == CustomFloat(2, 0, -2)


@given(formats() | subnormal_formats())
def test_formats_are_read_as_they_are_printed(form: CustomFloat) -> None:
    assert parse_format(str(form)) == form


@given(formats())
def test_knobs_name_the_format_itself(form: CustomFloat) -> None:
    if form.can_change:
        assert form.at(form.knobs) == form
    assert form.at(()) == form


@given(formats(), st.data())
def test_knobs_name_formats_no_wider(form: CustomFloat, data: st.DataObject) -> None:
    assume(form.can_change)
    knobs = tuple(data.draw(st.integers(1, most)) for most in form.knobs)
    found = form.at(knobs)
    assert found.e_bits == (knobs[0] if form.is_full else max(knobs[0], 2))
    assert found.m_bits == knobs[1] - 1
    # The exponent field of the smallest number, as float32 has it.
    smallest = found.decode(np.array([found.first])).astype(np.float32)
    assert smallest.view(np.uint32).tolist() == [knobs[2] << 23]
    assert found.is_full == form.is_full
    assert found.can_change
    assert found.top <= form.top
    assert found.at(found.knobs) == found


def test_knobs_by_hand() -> None:
    form = CustomFloat(4, 3, 7)
    assert form.knobs == (4, 4, 121)
    assert form.at((3, 1, 121)) == CustomFloat(3, 0, 7)
    assert form.at((1, 2, 1)) == CustomFloat(2, 1, 127)
    full = CustomFloat(4, 3, 7, full=True)
    assert full.at((1, 2, 120)) == CustomFloat(1, 1, 8, full=True)


@pytest.mark.parametrize(
    ("form", "can_change"),
    [
        (CustomFloat(4, 3, 7), True),
        (CustomFloat(4, 3, 7, full=True), True),
        (CustomFloat(4, 3, 7, largest=126), False),
        (CustomFloat(4, 3, 7, subnormals=True), False),
        (CustomFloat(4, 3, 127), True),
        (CustomFloat(4, 3, 128), False),
        (CustomFloat(7, 3, 0), True),
        (CustomFloat(7, 3, -1), False),
        (CustomFloat(8, 3, 127), False),
    ],
    ids=str,
)
def test_formats_that_may_change(form: CustomFloat, can_change: bool) -> None:
    assert form.can_change == can_change


@pytest.mark.parametrize("text", ["float<e0m3b7>", "float<e4m3b7, to 0>", "float<e9m3b7>", "e4m3"])
def test_other_texts_name_no_format(text: str) -> None:
    assert parse_format(text) is None


FLOAT_QUANTS = [
    CustomFloat(4, 3, 7, subnormals=True, largest=0x7E),  # E4M3 of OCP: all but NaN
    CustomFloat(4, 3, 7, subnormals=True, full=True),
    CustomFloat(5, 2, 15, subnormals=True),
    CustomFloat(3, 2, 3, subnormals=True, full=True),
    CustomFloat(2, 3, 1, subnormals=True, full=True),
    CustomFloat(2, 1, 1, subnormals=True, full=True),
    CustomFloat(5, 7, 15, subnormals=True),
    CustomFloat(3, 4, 16, subnormals=True, full=True),
]


@pytest.mark.parametrize("form", FLOAT_QUANTS, ids=str)
def test_nearest_with_subnormals_is_float_quant(form: CustomFloat) -> None:
    """The executor's logarithm is wrong below powers of two, where both steps lead to these."""
    rng = np.random.default_rng(form.bits)
    powers = np.arange(1, 255, dtype=np.uint32) << np.uint32(23)
    below = powers[:, None] + np.arange(-200, 20, dtype=np.int64).astype(np.uint32)
    patterns = np.concatenate([boundaries(form), drawn(form, rng, 50_000), below.ravel()])
    x = as_floats(patterns)
    x = x[np.isfinite(x)]
    largest = np.float32(form.numbers.max())
    scale, e_bits, m_bits, bias = (
        np.float32(number) for number in (1, form.e_bits, form.m_bits, form.bias)
    )
    with np.errstate(over="ignore"):
        wanted = float_quant(x, scale, e_bits, m_bits, bias, True, largest).astype(np.float32)
    assert np.array_equal(form.decode(form.encode(x, NEAREST)), wanted)


@given(
    st.lists(
        st.builds(lambda digits, shift: digits << shift, st.integers(-64, 64), st.integers(0, 40))
        | st.integers(-(2**40), 2**40),
        min_size=1,
    )
)
def test_the_narrowest_format_has_every_number(values: list[int]) -> None:
    bits = max(abs(value) for value in values).bit_length() + 1
    found = narrowest_format(np.array(values), bits)
    if found is None:
        return
    assert found.bits < bits
    exact = np.array([Fraction(value) for value in values], dtype=object)
    numbers = found.decode(found.codes_of(found.ranks(exact, NEAREST)))
    assert numbers.tolist() == values


def test_integers_of_many_digits_are_no_floats() -> None:
    assert narrowest_format(np.array([2**30 + 8, 2**30 + 24]), 32) is None
