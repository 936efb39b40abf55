"""Thresholds seen as rounding to floating point, the form in which a compressor computes them.

Invariant: a view, as codebooks are. What a network computes stands in its steps alone; a form is
returned only where it gives the very same results for every integer that can arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.types import Bipolar, IntArray, IntType

_MOST_M_BITS = 7
_MOST_SHIFT = 12  # more of it only serves offsets finer than any network has them
_FEWEST = 8  # thresholds below which no compressor is smaller
_MOST_BITS = 60


@dataclass(frozen=True, eq=False)
class FloatSteps:
    """Ranks of `(x << shift) + offsets[c]`, which has `fraction` bits behind a unit of the format.

    The format has `m_bits` of mantissa and any exponent; ranks are limited to `base` and `top`.
    """

    m_bits: int
    subnormals: bool
    nearest: bool
    fraction: int
    shift: int
    offsets: IntArray
    base: int
    top: int


@lru_cache(maxsize=256)
def float_steps_of(op: Thresholds, elem: IntType) -> FloatSteps | None:
    """Return thresholds on integers of `elem` as rounding to a floating-point format, or None."""
    count = op.steps.shape[1]
    # -1 and +1 travel as 0 and 1, which nobody adds an offset to.
    if Bipolar() in (op.out, elem) or op.any_descending or count < _FEWEST:
        return None
    steps = np.clip(op.steps.int64(), elem.lo, elem.hi + 1)
    ranks = op.base + np.arange(1, count + 1)
    for m_bits, subnormals, nearest in product(
        range(_MOST_M_BITS + 1), (False, True), (False, True)
    ):
        form = _Form(m_bits, subnormals, nearest)
        for fraction, shift in _scales(form, ranks, steps, elem):
            offsets = _offsets(form.bounds(ranks, fraction + shift), steps, shift, elem)
            if offsets is not None:
                top = op.base + count
                return FloatSteps(
                    m_bits, subnormals, nearest, fraction + shift, shift, offsets, op.base, top
                )
    return None


@dataclass(frozen=True)
class _Form:
    """A mantissa and a way to round."""

    m_bits: int
    subnormals: bool
    nearest: bool

    def bounds(self, ranks: IntArray, fraction: int) -> IntArray:
        """Return the smallest integers, of `fraction` bits behind a unit, with at least `ranks`."""
        above = self._bounds(np.maximum(ranks, 1), fraction)
        below = 1 - self._bounds(np.maximum(1 - ranks, 1), fraction)
        return np.where(ranks > 0, above, below)

    def _bounds(self, ranks: IntArray, fraction: int) -> IntArray:
        first = 1 if self.subnormals else 2**self.m_bits
        ranks = np.maximum(ranks, first)
        if self.nearest:
            twice = self.numbers(ranks) + self.numbers(ranks - 1)
            whole = twice << (fraction - 1)
            # Ties go to even ranks; without mantissa, to the larger number.
            bounds = whole + (ranks % 2 if self.m_bits else 0)
        else:
            bounds = self.numbers(ranks) << fraction
        if self.subnormals:
            return bounds
        return np.where(ranks == first, 2**self.m_bits << fraction >> 1, bounds)

    def numbers(self, ranks: IntArray) -> IntArray:
        """Return what positive ranks stand for, in units."""
        exponent = ranks >> self.m_bits
        normal = (ranks & (2**self.m_bits - 1)) + 2**self.m_bits << np.maximum(exponent - 1, 0)
        return np.where(exponent > 0, normal, ranks)


def _scales(
    form: _Form, ranks: IntArray, steps: IntArray, elem: IntType
) -> Iterator[tuple[int, int]]:
    """Yield the fraction bits that the distance of two steps tells, with the shifts to try."""
    inside = (steps > elem.lo) & (steps <= elem.hi)
    channel = int(np.argmax(inside.sum(axis=1)))
    places = np.flatnonzero(inside[channel])
    least = 1 if form.nearest or not form.subnormals else 0
    if len(places) < 2 or int(abs(ranks).max()) >> form.m_bits > _MOST_BITS - form.m_bits:
        return
    first, last = places[0], places[-1]
    distance = int(steps[channel, last] - steps[channel, first])
    ends = form.bounds(ranks[[first, last]], 1) / 2
    if distance <= 0 or ends[1] <= ends[0]:
        return
    fraction = round(np.log2(distance / (ends[1] - ends[0])))
    greatest = int(abs(ranks).max())
    digits = (greatest >> form.m_bits) + form.m_bits
    for shift in range(max(0, least - fraction), _MOST_SHIFT + 1):
        if digits + fraction + shift <= _MOST_BITS and elem.bits + shift <= _MOST_BITS:
            yield fraction, shift


def _offsets(bounds: IntArray, steps: IntArray, shift: int, elem: IntType) -> IntArray | None:
    """Return per channel what has to be added, or None where no number would do.

    A step must be the first integer to reach its bound, but where integers end before it.
    """
    wide = np.int64(1) << _MOST_BITS
    at_least = np.where(steps <= elem.hi, bounds - (steps << shift), -wide)
    below = np.where(steps > elem.lo, bounds - ((steps - 1) << shift) - 1, wide)
    low, high = at_least.max(axis=1), below.min(axis=1)
    if np.any(low > high):
        return None
    # The one nearest to zero has the fewest bits.
    return np.asarray(np.clip(0, low, high))
