"""Thresholds as rounding to floating point: found where they are that, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.float_steps import FloatSteps, float_steps_of
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.real import Clip
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.passes.tabulate import Tabulate
from bitmason.ir.types import IntArray
from tests.ir.passes.checks import applied, made_by
from tests.ir.passes.networks import Sketch

ELEM = Int(12)
FORMATS = [
    CustomFloat(4, 3, 7, subnormals=True, largest=126),
    CustomFloat(3, 2, 3, True, True),
    CustomFloat(4, 0, 4),
    CustomFloat(4, 3, 3),
    CustomFloat(5, 2, 9, True),
]


def steps_for(
    format_: CustomFloat,
    rounding: str,
    scale: Fraction,
    offsets: tuple[Fraction, ...],
    lowest: float | None = None,
) -> Thresholds:
    net = Sketch()
    real = net.add(Dequantise((scale,), offsets), net.input(ELEM, len(offsets)))
    real = net.add(Clip(lowest, None), real)
    ranks = net.add(QuantiseFloat(Const(np.float32(1)), format_, rounding), real, name="ranks")
    op = made_by(applied(Tabulate(), net.finish(ranks)), "ranks").op
    assert isinstance(op, Thresholds)
    return op


def rounded(form: FloatSteps, x: IntArray) -> IntArray:
    """What a form says of integers `[n, channels]`, in fractions."""
    most = CustomFloat(8, form.m_bits, 0, True, form.subnormals)
    found = np.empty(x.shape, np.int64)
    for place, value in np.ndenumerate(x):
        total = (int(value) << form.shift) + int(form.offsets[place[1]])
        number = Fraction(total, 2**form.fraction) * most.unit
        found[place] = most.ranks(np.array([number], object), _rounding(form))[0]
    return np.clip(found, form.base, form.top)


def _rounding(form: FloatSteps) -> str:
    # Without mantissa ties go to the larger number, also where that is the first one.
    return "HALF_UP" if form.nearest and form.m_bits == 0 else NEAREST if form.nearest else TRUNCATE


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(FORMATS),
    st.sampled_from([NEAREST, TRUNCATE]),
    st.integers(-9, 0),
    st.lists(st.integers(-(2**11), 2**11), min_size=1, max_size=3),
    st.sampled_from([None, 0]),
)
def test_a_form_gives_the_same_results(
    format_: CustomFloat, rounding: str, power: int, offsets: list[int], lowest: float | None
) -> None:
    scale = Fraction(2) ** power
    op = steps_for(format_, rounding, scale, tuple(o * scale / 4 for o in offsets), lowest)
    form = float_steps_of(op, ELEM)
    if form is None:
        return
    x = np.arange(ELEM.lo, ELEM.hi + 1, 7)[:, np.newaxis].repeat(len(offsets), axis=1)
    assert np.array_equal(rounded(form, x), op.evaluate(x))


@pytest.mark.parametrize("rounding", [NEAREST, TRUNCATE])
@pytest.mark.parametrize("format_", FORMATS, ids=str)
def test_rounding_to_a_format_is_found(format_: CustomFloat, rounding: str) -> None:
    op = steps_for(format_, rounding, Fraction(1, 64), (Fraction(0), Fraction(37, 64)))
    form = float_steps_of(op, ELEM)
    assert form is not None
    assert (form.base, form.top) == (op.base, op.base + op.steps.shape[1])
    x = np.arange(ELEM.lo, ELEM.hi + 1)[:, np.newaxis].repeat(2, axis=1)
    assert np.array_equal(rounded(form, x), op.evaluate(x))


def test_offsets_between_two_integers_need_a_shift() -> None:
    op = steps_for(FORMATS[0], NEAREST, Fraction(1, 64), (Fraction(5, 128),))
    form = float_steps_of(op, ELEM)
    assert form is not None
    assert form.shift > 0


@pytest.mark.parametrize("scale", [Fraction(3, 64), Fraction(1, 37)])
def test_a_scale_that_is_no_power_of_two_has_no_form(scale: Fraction) -> None:
    op = steps_for(FORMATS[0], NEAREST, scale, (Fraction(0),))
    assert float_steps_of(op, ELEM) is None


@pytest.mark.parametrize("place", [3, 40, 80])
def test_one_step_out_of_place_has_no_form(place: int) -> None:
    op = steps_for(FORMATS[3], TRUNCATE, Fraction(1, 64), (Fraction(0),), 0.0)
    steps = op.steps.int64().copy()
    place = min(place, steps.shape[1] - 1)
    assert float_steps_of(op, ELEM) is not None
    # Where several steps are one, the last of them moves up and the first down.
    last = int(np.flatnonzero(steps[0] == steps[0, place])[-1])
    steps[0, last:] += 1
    assert float_steps_of(replace(op, steps=Const.integers(steps)), ELEM) is None


def test_few_steps_and_descending_channels_have_no_form() -> None:
    few = steps_for(CustomFloat(2, 1, 1, True, True), NEAREST, Fraction(1, 64), (Fraction(0),), 0.0)
    assert float_steps_of(few, ELEM) is None
    op = steps_for(FORMATS[0], NEAREST, Fraction(1, 64), (Fraction(0),))
    falling = replace(op, descending=Const(np.array([True])))
    assert float_steps_of(falling, ELEM) is None


def test_bipolar_numbers_have_no_form() -> None:
    """They travel as 0 and 1, to which no offset can be added."""
    op = steps_for(FORMATS[0], NEAREST, Fraction(1, 32), (Fraction(0),))
    assert float_steps_of(op, ELEM) is not None
    assert float_steps_of(op, Bipolar()) is None
