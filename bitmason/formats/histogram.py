"""Exponents of a tensor's numbers: how often each occurs, and which of them a format shall hold.

Invariant: what is chosen follows from the counts alone. Zeros are counted apart, and so are numbers
below the smallest normal float32, which the engines flush like zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bitmason.frontend.float_format import MOST_E_BITS
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.types import Array

MIN_E_BITS = 2
_FLOAT32_BIAS = 127
_FLOAT32_MANTISSA = 23
_FIELDS = 256
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Histogram:
    """How many numbers have each exponent `floor(log2(abs(x)))`, those with none left out."""

    counts: Mapping[int, int]
    zeros: int = 0

    @classmethod
    def of(cls, values: Array) -> Histogram:
        """Return the histogram of finite float32 numbers."""
        return cls.from_fields(exponent_fields(values))

    @classmethod
    def from_fields(cls, fields: Array) -> Histogram:
        """Return the histogram of what `exponent_fields` counted."""
        counts = {
            int(field) - _FLOAT32_BIAS: int(fields[field])
            for field in np.flatnonzero(fields)
            if field > 0
        }
        return cls(counts, int(fields[0]))

    @property
    def total(self) -> int:
        """How many numbers are not zero."""
        return sum(self.counts.values())

    @property
    def exponents(self) -> tuple[int, int]:
        """The lowest and the highest exponent; 0 where there is none."""
        return min(self.counts, default=0), max(self.counts, default=0)

    def mass(self, lowest: int, highest: int) -> int:
        """Return how many numbers have exponents from `lowest` to `highest`."""
        return sum(count for e, count in self.counts.items() if lowest <= e <= highest)

    def coverage(self, form: CustomFloat) -> Fraction:
        """Return the share of the numbers whose exponents `form` has; 1 where all are zero."""
        if not self.total:
            return Fraction(1)
        return Fraction(self.mass(*exponents_of(form)), self.total)

    def kept(self, share: Fraction) -> tuple[int, int]:
        """Return the fewest exponents in a row that hold `share` of the numbers.

        Of several the one that holds most, and of those the highest: a number that is too large
        does more harm than one that is too small.
        """
        lowest, highest = self.exponents
        wanted = share * self.total
        for width in range(1, highest - lowest + 1):
            low = self._best(width)
            if self.mass(low, low + width - 1) >= wanted:
                return low, low + width - 1
        return lowest, highest

    def _best(self, width: int) -> int:
        """Return the lowest exponent of the `width` exponents in a row that hold most numbers."""
        lowest, highest = self.exponents
        starts = range(lowest - width + 1, highest + 1)
        return max(starts, key=lambda e: (self._held(e, width), e))

    def widest(self, share: Fraction) -> CustomFloat:
        """Return the format, without mantissa, that the rules give for `share` of the numbers.

        Bias and width are those of section 4.4.1; the engines have no more than MOST_E_BITS.
        """
        lowest, highest = self.kept(share)
        e_bits = CustomFloat.for_exponents(0, highest - lowest, 0).e_bits
        if e_bits > MOST_E_BITS:
            return self.window(MOST_E_BITS)
        return _with_lowest(max(e_bits, MIN_E_BITS), lowest)

    def window(self, e_bits: int) -> CustomFloat:
        """Return the format of `e_bits`, without mantissa, whose exponents hold most numbers.

        Of several the one with the highest exponents, where the lowest one is in use.
        """
        width = 2**e_bits - 2
        first, last = (1 - bias for bias in _biases(e_bits)[::-1])
        lowest, highest = self.exponents
        starts = range(max(first, lowest - width + 1), min(last, highest) + 1)
        return _with_lowest(
            e_bits, max(starts or [lowest], key=lambda e: (self._held(e, width), e))
        )

    def _held(self, lowest: int, width: int) -> int:
        return self.mass(lowest, lowest + width - 1)


def exponents_of(form: CustomFloat) -> tuple[int, int]:
    """Return the lowest and the highest exponent of a format's numbers."""
    return 1 - form.bias, (form.top >> form.m_bits) - form.bias


def _with_lowest(e_bits: int, lowest: int) -> CustomFloat:
    """Return a format of float32 numbers, as near to the lowest exponent asked for as there is."""
    least, most = _biases(e_bits)
    return CustomFloat(e_bits, 0, min(max(1 - lowest, least), most))


def _biases(e_bits: int) -> tuple[int, int]:
    """Return the least and the largest bias of formats whose numbers are float32."""
    return 2**e_bits - 1 - _FLOAT32_BIAS, _FLOAT32_BIAS


def exponent_fields(values: Array) -> Array:
    """Count the exponent fields, 0 to 255, of float32 numbers."""
    bits = np.ascontiguousarray(values, np.float32).reshape(-1).view(np.uint32)
    counts = np.zeros(_FIELDS, np.int64)
    for first in range(0, bits.size, _BLOCK):
        fields = (bits[first : first + _BLOCK] >> np.uint32(_FLOAT32_MANTISSA)) & np.uint32(255)
        counts += np.bincount(fields, minlength=_FIELDS)
    return counts
