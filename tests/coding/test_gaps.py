"""Gaps and symbols: Schindler's example, and that nothing is lost whatever the matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.coding.gaps import (
    codes_of,
    frequencies_of,
    gaps_from,
    gaps_of,
    runs_from,
    runs_of,
    symbols_of,
)
from bitmason.ir.codebook import Codebook, codebook_of
from tests.coding.strategies import layers

SIZES = st.integers(3, 32)


def test_the_worked_example() -> None:
    """Equations 5.15 to 5.18; the formula there has the wrong sign, the vectors are right."""
    p, n = 5, -3
    weights = np.array([[0, p, p, 0, n], [n, 0, 0, p, 0], [p, n, 0, n, n]])
    found = codebook_of(weights)
    assert found is not None
    gaps, entries = gaps_of(found.codes)
    signs = [int(found.values[code] < 0) for code in entries]
    assert signs == [0, 0, 1, 1, 0, 0, 1, 1, 1]
    assert np.cumsum(gaps).tolist() == [1, 2, 4, 5, 8, 10, 11, 13, 14]
    assert gaps.tolist() == [1, 1, 2, 1, 3, 2, 1, 2, 1]
    assert np.array_equal(codes_of(gaps, entries, (3, 5)), found.codes)
    assert runs_of(gaps).tolist() == [1, 0, 1, 0, 2, 1, 0, 1, 0]


@given(layers())
def test_gaps_hold_the_codes(layer: Codebook) -> None:
    gaps, entries = gaps_of(layer.codes)
    assert (gaps[1:] >= 1).all()
    rows, columns = layer.codes.shape
    assert np.array_equal(codes_of(gaps, entries, (rows, columns)), layer.codes)
    assert np.array_equal(gaps_from(runs_of(gaps)), gaps)


@given(layers(), SIZES)
def test_symbols_hold_the_runs(layer: Codebook, size: int) -> None:
    runs = runs_of(gaps_of(layer.codes)[0])
    symbols = symbols_of(runs, size)
    assert symbols.tolist().index(size - 1) == len(symbols) - 1
    assert np.array_equal(runs_from(symbols, size), runs)
    assert np.array_equal(np.bincount(symbols, minlength=size), frequencies_of(runs, size))


@pytest.mark.parametrize(
    ("runs", "symbols"),
    [
        ([], [4]),
        ([0, 2], [0, 2, 4]),
        ([3, 7], [3, 0, 3, 3, 1, 4]),
    ],
)
def test_long_runs_are_escapes(runs: list[int], symbols: list[int]) -> None:
    """An escape of an alphabet of five is three zeros without an entry behind them."""
    assert symbols_of(np.array(runs, dtype=np.int64), 5).tolist() == symbols
