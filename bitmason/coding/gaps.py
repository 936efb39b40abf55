"""Sparse codes as distances (Schindler, equations 5.15 to 5.18), and those as symbols.

Invariant: a matrix is read row by row, without a mark where a row ends. `gaps` are the distances of
the paper, d_j = i_j - i_(j-1) with i_(-1) = 0, so that the first alone may be 0; `runs` count the
zeros in front of each entry, which is one less, but for the first.

An alphabet of S symbols codes runs of any length: symbol s < S - 2 is an entry with s zeros in
front, S - 2 (escape) is S - 2 zeros and no entry, and S - 1 (end) says that all the rest is zeros.
"""

from __future__ import annotations

import numpy as np

from bitmason.ir.codebook import ZERO
from bitmason.ir.types import IntArray

LEAST_SYMBOLS = 3
MOST_SYMBOLS = 32


def escape_of(symbols: int) -> int:
    """Return the symbol of an alphabet that is no entry: as many zeros as its number says."""
    return symbols - 2


def gaps_of(codes: IntArray) -> tuple[IntArray, IntArray]:
    """Return the gaps of a matrix of codes, and the codes of its entries."""
    flat = codes.ravel()
    places = np.flatnonzero(flat != ZERO)
    return np.diff(places, prepend=0), flat[places]


def codes_of(gaps: IntArray, entries: IntArray, shape: tuple[int, int]) -> IntArray:
    """Return the matrix of codes that has these gaps and entries."""
    codes = np.full(shape, ZERO, dtype=np.int64)
    codes.reshape(-1)[np.cumsum(gaps)] = entries
    return codes


def runs_of(gaps: IntArray) -> IntArray:
    """Return how many zeros stand in front of each entry."""
    runs = gaps - 1
    runs[:1] += 1
    return runs


def gaps_from(runs: IntArray) -> IntArray:
    """Return the gaps that have these runs."""
    gaps = runs + 1
    gaps[:1] -= 1
    return gaps


def symbols_of(runs: IntArray, symbols: int) -> IntArray:
    """Return the symbols of some runs in an alphabet of `symbols`, with the end behind them."""
    escape = escape_of(symbols)
    ends = np.cumsum(runs // escape + 1)
    found = np.full(int(ends[-1]) + 1 if len(runs) else 1, escape, dtype=np.int64)
    found[ends - 1] = runs % escape
    found[-1] = symbols - 1
    return found


def runs_from(found: IntArray, symbols: int) -> IntArray:
    """Return the runs of some symbols."""
    escape = escape_of(symbols)
    entries = np.flatnonzero(found < escape)
    zeros = np.cumsum(np.where(found <= escape, found, 0))[entries]
    return np.diff(zeros, prepend=0)


def frequencies_of(runs: IntArray, symbols: int) -> IntArray:
    """Return how often each symbol of an alphabet codes some runs, the end once."""
    escape = escape_of(symbols)
    found = np.bincount(runs % escape, minlength=symbols)
    found[escape] = int(np.sum(runs // escape))
    found[symbols - 1] = 1
    return found
