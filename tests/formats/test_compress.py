"""The fast round trip is the golden model's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.formats.compress import compressed
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.rounding import Rounding
from bitmason.ir.types import Array

ROUNDINGS = (TRUNCATE, NEAREST)


def golden(patterns: Array, form: CustomFloat, rounding: Rounding) -> Array:
    return form.decode(form.encode_bits(patterns, rounding)).astype(np.float32)


def edges(form: CustomFloat) -> Array:
    """Return the bit patterns around all numbers, ties and constants of a format."""
    codes = np.arange(2 ** (form.bits - 1))
    exact = form.decode(codes).astype(np.float32).view(np.uint32).astype(np.int64)
    ties = exact + (1 << 22 - form.m_bits) if form.m_bits < 23 else exact
    c = form.constants()
    marks = [0, c.half_least, c.least, c.largest, 0x7F80_0000, 0x7FFF_FFFF]
    centre = np.concatenate([exact, ties, marks])
    near = (centre[:, np.newaxis] + np.arange(-2, 3)).reshape(-1)
    near = np.clip(near, 0, 0x7FFF_FFFF)
    return np.concatenate([near, near | 0x8000_0000]).astype(np.uint32)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("m_bits", range(7))
@pytest.mark.parametrize("e_bits", range(2, 7))
def test_equal_to_golden(e_bits: int, m_bits: int, rounding: Rounding) -> None:
    form = CustomFloat(e_bits, m_bits, 2 ** (e_bits - 1) + 3)
    random = np.random.default_rng(e_bits).integers(0, 2**32, 40_000, dtype=np.uint32)
    near_one = (random & 0x87FF_FFFF) | 0x3800_0000
    for patterns in (edges(form), random, near_one):
        found = compressed(patterns.view(np.float32), form, rounding)
        np.testing.assert_array_equal(
            found.view(np.uint32), golden(patterns, form, rounding).view(np.uint32)
        )


@given(st.data(), st.integers(2, 7), st.integers(0, 23), st.sampled_from(ROUNDINGS))
def test_equal_to_golden_in_any_format(
    data: st.DataObject, e_bits: int, m_bits: int, rounding: Rounding
) -> None:
    lowest = 2**e_bits - 128
    form = CustomFloat(e_bits, m_bits, data.draw(st.integers(lowest, 127)))
    patterns = np.array(data.draw(st.lists(st.integers(0, 2**32 - 1), max_size=20)), np.uint32)
    found = compressed(patterns.view(np.float32), form, rounding)
    np.testing.assert_array_equal(
        found.view(np.uint32), golden(patterns, form, rounding).view(np.uint32)
    )


def test_shape_and_source_stay() -> None:
    values = np.random.default_rng(0).normal(size=(7, 5, 3)).astype(np.float32)
    before = values.copy()
    found = compressed(values.transpose(2, 0, 1), CustomFloat(3, 1, 5))
    assert found.shape == (3, 7, 5)
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(found, compressed(found, CustomFloat(3, 1, 5)))


def test_without_a_format_nothing_changes() -> None:
    values = np.array([1.23, np.inf], np.float32)
    np.testing.assert_array_equal(compressed(values, None), values)
