"""What a compressor and a decompressor make of float32 numbers, fast, for whole tensors.

Invariant: `compressed` is `decode(encode_bits(x))` of `bitmason.ir.custom_float`, bit for bit.
"""

from __future__ import annotations

import numpy as np

from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.rounding import Rounding
from bitmason.ir.types import Array

_BLOCK = 1 << 15  # as many numbers as stay in the cache through all steps
_MAGNITUDE = np.uint32(0x7FFF_FFFF)
_SIGN = np.uint32(0x8000_0000)


def compressed(values: Array, form: CustomFloat | None, rounding: Rounding = TRUNCATE) -> Array:
    """Return float32 numbers as they are after a round trip through `form`; None changes none."""
    values = np.ascontiguousarray(values, np.float32)
    if form is None:
        return values
    result = np.empty_like(values)
    source, target = values.reshape(-1).view(np.uint32), result.reshape(-1).view(np.uint32)
    for first in range(0, source.size, _BLOCK):
        part = slice(first, first + _BLOCK)
        _compress(source[part], target[part], form, rounding)
    return result


def _compress(bits: Array, out: Array, form: CustomFloat, rounding: Rounding) -> None:
    c = form.constants()
    np.bitwise_and(bits, _MAGNITUDE, out=out)
    keeps = out >= np.uint32(c.half_least)
    if rounding == NEAREST:
        _round(out, c.mantissa_shift, form.m_bits)
    np.bitwise_and(out, np.uint32(0xFFFF_FFFF << c.mantissa_shift & 0xFFFF_FFFF), out=out)
    np.clip(out, np.uint32(c.least), np.uint32(c.largest), out=out)
    np.bitwise_or(out, bits & _SIGN, out=out)
    np.multiply(out, keeps, out=out)


def _round(magnitude: Array, shift: int, m_bits: int) -> None:
    """Add what makes cutting the last `shift` bits off round to the nearest, ties to even."""
    if not shift:
        return
    half = np.uint32(1 << shift >> 1)
    if m_bits:
        last = (magnitude >> np.uint32(shift)) & np.uint32(1)
        np.add(magnitude, last + (half - np.uint32(1)), out=magnitude)
    else:  # no neighbour is even: the larger one
        np.add(magnitude, half, out=magnitude)
