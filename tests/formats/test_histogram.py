"""Which exponents a format gets: the rules of section 4.4.1, on histograms like the paper's."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.formats.histogram import Histogram, exponents_of
from bitmason.formats.sweep import Rules, windows
from bitmason.frontend.float_format import MOST_E_BITS
from bitmason.ir.custom_float import CustomFloat

KEPT = Fraction(995, 1000)
# Like FC8 of AlexNet (figure 4.7): nearly all from -14 to -5, tails to -32 and -4.
FC8 = Histogram(
    {
        **dict.fromkeys(range(-32, -14), 2),
        **dict(
            zip(range(-14, -4), (90, 180, 360, 700, 1300, 2200, 2900, 1600, 500, 60), strict=True)
        ),
        -4: 6,
    },
    zeros=7,
)
COUNTS = st.dictionaries(st.integers(-126, 127), st.integers(1, 50), max_size=12)


def test_fc8_of_the_paper() -> None:
    assert FC8.kept(KEPT) == (-14, -5)
    form = FC8.widest(KEPT)
    assert (form.e_bits, form.bias) == (4, 15)
    assert exponents_of(form) == (-14, -1)


def test_all_exponents_of_fc8_take_five_bits() -> None:
    form = FC8.widest(Fraction(1))
    assert (form.e_bits, form.bias) == (5, 33)


def test_narrower_windows_hold_the_most_numbers() -> None:
    assert exponents_of(FC8.window(3)) == (-11, -6)
    assert exponents_of(FC8.window(2)) == (-9, -8)


def test_windows_stop_below_half_of_the_numbers() -> None:
    flat = Histogram(dict.fromkeys(range(12), 10))
    assert [form.e_bits for form in windows(flat, Rules())] == [4, 3]  # two of twelve: too few
    assert [form.e_bits for form in windows(FC8, Rules())] == [4, 3, 2]
    assert FC8.coverage(FC8.window(2)) == Fraction(5100, FC8.total)


@pytest.mark.parametrize("e_bits", [2, 3, 5])
def test_of_equal_windows_the_highest(e_bits: int) -> None:
    assert exponents_of(Histogram({3: 5}).window(e_bits))[0] == 3


@given(COUNTS, st.integers(2, MOST_E_BITS))
def test_no_window_holds_more(counts: dict[int, int], e_bits: int) -> None:
    histogram = Histogram(counts)
    form = histogram.window(e_bits)
    lowest, highest = exponents_of(form)
    held = histogram.mass(lowest, highest)
    within = list(range(-126, 130 - 2**e_bits))
    assert form.fits_float32
    assert held == max(histogram.mass(e, e + 2**e_bits - 3) for e in within)


@given(COUNTS, st.fractions(Fraction(1, 2), 1))
def test_kept_is_the_smallest_window_with_the_share(
    counts: dict[int, int], share: Fraction
) -> None:
    histogram = Histogram(counts)
    lowest, highest = histogram.kept(share)
    assert histogram.mass(lowest, highest) >= share * histogram.total
    narrower = highest - lowest - 1
    starts = range(min(counts, default=0) - 1, max(counts, default=0) + 1)
    assert all(histogram.mass(e, e + narrower) < share * histogram.total for e in starts if counts)


@given(COUNTS)
def test_the_widest_format_is_one_of_the_engines(counts: dict[int, int]) -> None:
    form = Histogram(counts).widest(KEPT)
    assert isinstance(form, CustomFloat)
    assert 2 <= form.e_bits <= MOST_E_BITS
    assert form.fits_float32


def test_counts_exponents_and_zeros_apart() -> None:
    values = np.array([0, -0.0, 1, -1.5, 0.25, 1e-42, 2**-126, -(2.0**127)], np.float32)
    histogram = Histogram.of(values)
    assert histogram.counts == {0: 2, -2: 1, -126: 1, 127: 1}
    assert histogram.zeros == 3  # a subnormal number is flushed like a zero
    assert histogram.total == 5


def test_a_tensor_of_zeros_has_a_format() -> None:
    histogram = Histogram.of(np.zeros(3, np.float32))
    assert histogram.coverage(histogram.widest(KEPT)) == 1
