"""Custom floating-point formats: their codes, what these stand for, and how numbers become codes.

A code is a sign, `e_bits` of exponent and `m_bits` of mantissa. Its *magnitude* is the code without
the sign. Magnitudes are in the order of the numbers they stand for, so a magnitude with its sign is
an integer that may be compared in place of the number: its *rank*. Every number of a format is a
whole multiple of `unit`: its *fixed point*. Code, rank and fixed point are forms of one value.

Source: Zamirai, "Hybrid and adaptive deep learning", section 4.4 (SIEVE), as corrected by its own
worked example (docs/custom_float.md); with `subnormals`, QONNX FloatQuant.
Invariant: everything here is exact; a number between two codes is the only thing that is rounded.
"""

from __future__ import annotations

import math
import re
from dataclasses import InitVar, dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from bitmason.ir.rounding import EXACT_ROUNDINGS, HALVES, ROUNDINGS, Rounding
from bitmason.ir.types import MAX_BITS, Array, Int, IntArray

TRUNCATE: Rounding = "DOWN"
NEAREST: Rounding = "ROUND"
Knobs = tuple[int, ...]
_FLOAT32_MANTISSA = 23
_FLOAT32_BIAS = 127
_MAGNITUDE = 0x7FFF_FFFF


@dataclass(frozen=True)
class CustomFloat:
    """A format of one sign bit, `e_bits` of exponent (1 to 8) and `m_bits` of mantissa (0 to 23).

    With exponent field E >= 1 and mantissa field M a code stands for
    `2**(E - bias) * (1 + M / 2**m_bits)`. E = 0 is zero, whatever M is; with `subnormals` it is
    `2**(1 - bias) * M / 2**m_bits`. The all-ones exponent is not used, unless `largest` names
    another largest magnitude; `full` stands for the largest that there is. There are no infinities:
    what is too large becomes the largest number.

    Without subnormals, numbers below half of the smallest, `2**(1 - bias)`, become zero without a
    sign, and those from there on the smallest.
    """

    e_bits: int
    m_bits: int
    bias: int
    full: InitVar[bool] = False
    subnormals: bool = False
    largest: int | None = None

    def __post_init__(self, full: bool) -> None:
        assert 1 <= self.e_bits <= 8, self.e_bits
        assert 0 <= self.m_bits <= _FLOAT32_MANTISSA, self.m_bits
        whole = 2 ** (self.e_bits + self.m_bits) - 1
        if full:
            object.__setattr__(self, "largest", whole)
        if self.largest == whole - 2**self.m_bits:
            object.__setattr__(self, "largest", None)
        assert self.largest is None or self.largest <= whole, self
        assert self.top >= self.first, f"{self} has no numbers"

    @classmethod
    def for_exponents(cls, lowest: int, highest: int, m_bits: int) -> CustomFloat:
        """Return the narrowest format with numbers of all exponents from `lowest` to `highest`.

        The bias is `1 - lowest`, the width `ceil(log2(highest + bias + 2))`: zero and the all-ones
        exponent take a code each (section 4.4.1; the formulas printed there have signs lost).
        """
        bias = 1 - lowest
        return cls(max(1, math.ceil(math.log2(highest + bias + 2))), m_bits, bias)

    @property
    def bits(self) -> int:
        """Width of a code."""
        return 1 + self.e_bits + self.m_bits

    @property
    def top(self) -> int:
        """The largest magnitude."""
        if self.largest is not None:
            return self.largest
        unreserved: int = 2 ** (self.e_bits + self.m_bits) - 2**self.m_bits - 1
        return unreserved

    @property
    def greatest(self) -> float:
        """The largest number."""
        return float(self.decode(np.array([self.top]))[0])

    @property
    def first(self) -> int:
        """The smallest magnitude that is not zero."""
        return 1 if self.subnormals else 2**self.m_bits

    def __str__(self) -> str:
        parts = [f"e{self.e_bits}m{self.m_bits}b{self.bias}"]
        parts += ["subnormals"] if self.subnormals else []
        parts += [f"to {self.largest}"] if self.largest is not None else []
        return f"float<{', '.join(parts)}>"

    @property
    def rank_type(self) -> Int:
        """Type of ranks."""
        return Int(self.bits, -self.top, self.top)

    @property
    def unit(self) -> Fraction:
        """What one step of the fixed point stands for."""
        return Fraction(2) ** (1 - self.bias - self.m_bits)

    @property
    def knobs(self) -> Knobs:
        """The numbers by which hardware is told a format at run time, as `at` takes them."""
        return self.e_bits, self.m_bits + 1, _FLOAT32_BIAS + 1 - self.bias

    def at(self, knobs: Knobs) -> CustomFloat:
        """Return the format that engines built for this one have at run time.

        Args:
            knobs: bits of the exponent (1 counts as 2, unless the all-ones exponent is used), bits
                of the mantissa with its leading one, and the exponent field that the smallest
                number has in float32; each from 1 to this format's own.
        """
        if not knobs:
            return self
        e_bits, significand, least = knobs
        least_e_bits = 1 if self.is_full else 2
        bias = _FLOAT32_BIAS + 1 - least
        return CustomFloat(max(e_bits, least_e_bits), significand - 1, bias, self.is_full)

    @property
    def is_full(self) -> bool:
        """Whether all magnitudes are used."""
        whole: int = 2 ** (self.e_bits + self.m_bits) - 1
        return self.top == whole

    @property
    def can_change(self) -> bool:
        """Whether engines built for the format can be told others at run time."""
        plain = self.largest is None or self.is_full
        return plain and self.fits_float32 and not self.subnormals

    @property
    def fits_float32(self) -> bool:
        """Whether what any code stands for, used or not, is zero or a normal float32."""
        lowest: int = 2**self.e_bits - 1 - _FLOAT32_BIAS
        below = self.m_bits if self.subnormals else 0
        return lowest <= self.bias <= _FLOAT32_BIAS - below

    @property
    def fixed_type(self) -> Int:
        """Type of the fixed point of the numbers of the format."""
        digits, shift = self.parts(np.array([self.top]))
        largest = int(digits[0]) << int(shift[0])
        return Int(largest.bit_length() + 1, -largest, largest)

    def fixed(self, ranks: IntArray) -> IntArray:
        """Return the numbers of `ranks`, any integers of `bits`, in steps of `unit`."""
        assert 2**self.e_bits + self.m_bits <= MAX_BITS, self
        digits, shift = self.parts(ranks)
        return np.asarray(digits << shift)

    def decode(self, codes: Array) -> Array:
        """Return the numbers of `codes`, any numbers of `bits` bits, as float64; -0 counts as 0."""
        digits, shift = self.parts(self.ranks_of(codes))
        return np.ldexp(digits.astype(np.float64), shift + (1 - self.bias - self.m_bits))

    def parts(self, ranks: IntArray) -> tuple[IntArray, IntArray]:
        """Return the digits of ranks, with their sign, and how far above `unit` the last one is."""
        ranks = np.asarray(ranks, dtype=np.int64)
        magnitude = np.abs(ranks)
        exponent, mantissa = magnitude >> self.m_bits, magnitude & (2**self.m_bits - 1)
        small = mantissa if self.subnormals else 0
        digits = np.where(exponent > 0, mantissa + 2**self.m_bits, small)
        return np.sign(ranks) * digits, np.maximum(exponent - 1, 0)

    def ranks_of(self, codes: Array) -> IntArray:
        """Return the ranks of `codes`."""
        codes = np.asarray(codes, dtype=np.int64)
        magnitude = codes & (2 ** (self.bits - 1) - 1)
        return np.asarray(np.where(codes >> (self.bits - 1) != 0, -magnitude, magnitude))

    def codes_of(self, ranks: Array) -> IntArray:
        """Return the codes of `ranks`."""
        ranks = np.asarray(ranks, dtype=np.int64)
        return np.asarray(np.abs(ranks) | ((ranks < 0).astype(np.int64) << (self.bits - 1)))

    @cached_property
    def numbers(self) -> Array:
        """All numbers of the format, ascending, as float64."""
        return self.decode(self.codes_of(np.arange(-self.top, self.top + 1)))

    def turns(self, rounding: Rounding) -> Array:
        """Return the numbers at which a rounding may change what it gives, ascending."""
        numbers = np.unique(self.numbers)
        between = (numbers[1:] + numbers[:-1]) / 2
        if rounding in HALVES:
            return np.asarray(between)
        least = [] if self.subnormals else [-math.ldexp(1, -self.bias), math.ldexp(1, -self.bias)]
        return np.unique([*numbers, *least])

    def encode(self, values: Array, rounding: Rounding = TRUNCATE) -> IntArray:
        """Return the codes of `values`, as `ranks` has them."""
        return self.codes_of(self.ranks(values, rounding))

    def ranks(self, values: Array, rounding: Rounding = TRUNCATE) -> IntArray:
        """Return the ranks of floating-point numbers or of fractions (an object array).

        Infinities and NaN have the largest magnitude, with their sign: a NaN's bits are those of a
        number beyond all others, and the engines compare bits.
        """
        if values.dtype == np.dtype(object):
            rank = np.frompyfunc(lambda value: self._rank(value, rounding), 1, 1)
            return np.asarray(rank(values), dtype=np.int64)
        wild = ~np.isfinite(values)
        x = np.where(wild, 0, values).astype(np.float64)
        exponent = np.maximum(np.frexp(x)[1] - 1, 1 - self.bias)
        steps = ROUNDINGS[rounding](np.ldexp(x, self.m_bits - exponent))
        ranks = self._limited(steps.astype(np.int64), exponent + self.bias - 1)
        if not self.subnormals:
            ranks = self._flushed(ranks, np.abs(x), np.signbit(x))
        return np.asarray(np.where(wild, np.where(np.signbit(values), -self.top, self.top), ranks))

    def _limited(self, steps: IntArray, binade: IntArray) -> IntArray:
        """Return ranks of `steps` of a mantissa's last bit, `binade` above the lowest one.

        A mantissa that was rounded up to the next power of two carries into the exponent.
        """
        lifted = np.minimum(binade, 2**self.e_bits).astype(np.int64) << self.m_bits
        return np.asarray(np.clip(steps + np.sign(steps) * lifted, -self.top, self.top))

    def _flushed(self, ranks: IntArray, magnitude: Array, negative: Array) -> IntArray:
        least = math.ldexp(1.0, 1 - self.bias)
        small = np.where(magnitude < least / 2, 0, np.where(negative, -self.first, self.first))
        return np.asarray(np.where(magnitude < least, small, ranks))

    def _rank(self, value: Fraction, rounding: Rounding) -> int:
        least = Fraction(2) ** (1 - self.bias)
        if not self.subnormals and abs(value) < least:
            return 0 if 2 * abs(value) < least else int(math.copysign(self.first, value))
        binade = max(floor_log2(abs(value)) + self.bias - 1, 0) if value else 0
        steps = EXACT_ROUNDINGS[rounding](value / (self.unit * 2**binade))
        sign = (steps > 0) - (steps < 0)
        return sign * min(abs(steps) + (binade << self.m_bits), self.top)

    def encode_bits(self, patterns: Array, rounding: Rounding = TRUNCATE) -> IntArray:
        """Return the codes of float32 bit patterns (uint32), as the compressor engine has them.

        Args:
            patterns: any bit patterns: subnormal numbers count as what they are, infinities and NaN
                as numbers beyond the largest.
            rounding: TRUNCATE or NEAREST (ties to even).
        """
        c = self.constants()
        patterns = np.asarray(patterns, dtype=np.uint32)
        magnitude = (patterns & np.uint32(_MAGNITUDE)).astype(np.int64)
        rounded = magnitude
        if rounding == NEAREST:
            half = (1 << c.mantissa_shift) >> 1
            # Without mantissa neither neighbour is even: the larger one (IEEE 754-2019, 4.3.1).
            last = (magnitude >> c.mantissa_shift) & 1 if self.m_bits else 1
            rounded = magnitude + np.where(half, half - 1 + last, 0)
        shifted = (rounded >> c.mantissa_shift) - (c.adjusted_bias << self.m_bits)
        code = np.where(magnitude < c.least, self.first, np.minimum(shifted, self.top))
        code = np.where(magnitude < c.half_least, 0, code)
        negative = (patterns >> np.uint32(31)).astype(np.int64) & (code != 0)
        return np.asarray(code | (negative << (self.bits - 1)))

    def constants(self) -> Constants:
        """Return the constants of a compressor of float32 (figure 4.11)."""
        assert self.fits_float32 and not self.subnormals, self
        adjusted = _FLOAT32_BIAS - self.bias
        least = (adjusted + 1) << _FLOAT32_MANTISSA
        shift = _FLOAT32_MANTISSA - self.m_bits
        return Constants(
            half_least=least - (1 << _FLOAT32_MANTISSA) if adjusted else least >> 1,
            least=least,
            largest=((adjusted << self.m_bits) + self.top) << shift,
            adjusted_bias=adjusted,
            mantissa_shift=shift,
            exponent_mask=2**self.e_bits - 1,
            sign_shift=31 - (self.bits - 1),
        )


@dataclass(frozen=True)
class Constants:
    """What a compressor of float32 needs to know of a format; the first three are bit patterns.

    `half_least`, `least` and `largest` are Min/2, Min and Max of the paper.
    """

    half_least: int
    least: int
    largest: int
    adjusted_bias: int
    mantissa_shift: int
    exponent_mask: int
    sign_shift: int


def narrowest_format(values: IntArray, below: int) -> CustomFloat | None:
    """Return the narrowest format that has all of `values` among its numbers.

    None where no format has fewer than `below` bits, or all of them are zero. As with codebooks,
    the values alone decide.
    """
    magnitudes = np.unique(np.abs(values))
    magnitudes = magnitudes[magnitudes > 0]
    if not len(magnitudes):
        return None
    exponents = _exponents(magnitudes)
    last_bits = _exponents(magnitudes & -magnitudes)
    m_bits, highest = int((exponents - last_bits).max()), int(exponents.max())
    lowest = {False: int(exponents.min()), True: int(last_bits.min()) + m_bits}
    widths = {kind: max(highest - first + 1, 1).bit_length() for kind, first in lowest.items()}
    subnormals = widths[True] < widths[False]
    width = widths[subnormals]
    if 1 + width + m_bits >= below or 2**width + m_bits > MAX_BITS or m_bits > _FLOAT32_MANTISSA:
        return None
    return CustomFloat(width, m_bits, 1 - lowest[subnormals], True, subnormals)


def _exponents(magnitudes: IntArray) -> IntArray:
    return np.asarray(np.frexp(magnitudes.astype(np.float64))[1] - 1, dtype=np.int64)


def floor_log2(value: Fraction) -> int:
    """Return the exponent of a positive fraction: the largest e with `2**e <= value`."""
    e = value.numerator.bit_length() - value.denominator.bit_length()
    return e if value >= Fraction(2) ** e else e - 1


_TEXT = re.compile(
    r"float<e(\d)m(\d{1,2})b(-?\d{1,3})(, subnormals)?(?:, to (\d{1,9}))?>", re.ASCII
)


def parse_format(text: str) -> CustomFloat | None:
    """Return the format that `text` names, as `str` prints it, or None."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    e_bits, m_bits, bias = map(int, match.groups()[:3])
    largest = None if match[5] is None else int(match[5])
    try:
        return CustomFloat(e_bits, m_bits, bias, subnormals=bool(match[4]), largest=largest)
    except AssertionError:
        return None
