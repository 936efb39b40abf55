"""Types of the IR: integers with exact bounds, real numbers, and tensors of either.

Invariant: an integer type knows its value range and its code in hardware; nothing else does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.signedinteger[Any]]
Array = npt.NDArray[Any]
Shape = tuple[int, ...]

MAX_BITS = 62  # sums of two stay inside the int64 arrays of the golden model


@dataclass(frozen=True)
class UInt:
    """Unsigned integer of `bits` bits; `hi` may be tighter than the width allows."""

    bits: int
    upper: int | None = None

    def __post_init__(self) -> None:
        assert 1 <= self.bits <= MAX_BITS, self.bits
        if self.upper == 2**self.bits - 1:
            object.__setattr__(self, "upper", None)
        assert self.upper is None or 0 <= self.upper < 2**self.bits, self

    lo = 0
    signed = False

    @property
    def hi(self) -> int:
        """Largest value."""
        return 2**self.bits - 1 if self.upper is None else self.upper

    def encode(self, values: IntArray) -> IntArray:
        """Return the codes of `values` in hardware: the values themselves."""
        return values

    def decode(self, codes: IntArray) -> IntArray:
        """Return the values of `codes`."""
        return codes

    def __str__(self) -> str:
        return f"uint{self.bits}" + ("" if self.upper is None else f"<0..{self.upper}>")


@dataclass(frozen=True)
class Int:
    """Two's complement integer of `bits` bits; the range may be tighter than the width allows."""

    bits: int
    lower: int | None = None
    upper: int | None = None

    def __post_init__(self) -> None:
        assert 1 <= self.bits <= MAX_BITS, self.bits
        if self.lower == -(2 ** (self.bits - 1)):
            object.__setattr__(self, "lower", None)
        if self.upper == 2 ** (self.bits - 1) - 1:
            object.__setattr__(self, "upper", None)
        assert -(2 ** (self.bits - 1)) <= self.lo <= self.hi < 2 ** (self.bits - 1), self

    signed = True

    @property
    def lo(self) -> int:
        """Smallest value."""
        return -(2 ** (self.bits - 1)) if self.lower is None else self.lower

    @property
    def hi(self) -> int:
        """Largest value."""
        return 2 ** (self.bits - 1) - 1 if self.upper is None else self.upper

    def encode(self, values: IntArray) -> IntArray:
        """Return the two's complement codes of `values`, as non-negative numbers."""
        return values & np.int64(2**self.bits - 1)

    def decode(self, codes: IntArray) -> IntArray:
        """Return the values of two's complement `codes`."""
        sign = np.int64(2 ** (self.bits - 1))
        return (codes ^ sign) - sign

    def __str__(self) -> str:
        tight = self.lower is not None or self.upper is not None
        return f"int{self.bits}" + (f"<{self.lo}..{self.hi}>" if tight else "")


@dataclass(frozen=True)
class Bipolar:
    """-1 or +1, coded in one bit as 0 or 1."""

    bits = 1
    lo = -1
    hi = 1
    signed = True

    def encode(self, values: IntArray) -> IntArray:
        """Return 0 for -1 and 1 for +1."""
        return (values + 1) >> 1

    def decode(self, codes: IntArray) -> IntArray:
        """Return -1 for 0 and +1 for 1."""
        return 2 * codes - 1

    def __str__(self) -> str:
        return "bipolar"


IntType = UInt | Int | Bipolar


@dataclass(frozen=True)
class Real:
    """A real number: float32 as the executor has it, float64, or an exact fraction."""

    def __str__(self) -> str:
        return "real"


@dataclass(frozen=True)
class TensorType:
    """A tensor's static shape and element type. Channels are the last axis."""

    shape: Shape
    elem: IntType | Real

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def int_elem(self) -> IntType:
        """The element type of a tensor that is known to be integer."""
        assert not isinstance(self.elem, Real), self
        return self.elem

    def __str__(self) -> str:
        return f"{self.elem}[{', '.join(map(str, self.shape))}]"


def int_type(lo: int, hi: int) -> UInt | Int:
    """Return the narrowest type that holds every integer from `lo` to `hi`.

    A signed type has two bits at least: one signed bit would be -1 and 0, which nothing expects.
    """
    assert lo <= hi, (lo, hi)
    bits = bits_needed(lo, hi)
    return UInt(bits, hi) if lo >= 0 else Int(bits, lo, hi)


def bits_needed(lo: int, hi: int) -> int:
    """Return the width of `int_type(lo, hi)`, also where no type is as wide."""
    if lo >= 0:
        return max(1, hi.bit_length())
    return 1 + max(1, (-lo - 1).bit_length(), hi.bit_length() if hi > 0 else 0)


def broadcasts(constant: Shape, frame: Shape) -> bool:
    """Return whether a constant of this shape can meet a frame without changing its shape."""
    pairs = zip(reversed(constant), reversed(frame), strict=False)
    return len(constant) <= len(frame) and all(c in {1, f} for c, f in pairs)


def compact(elem: IntType, values: Array) -> IntArray:
    """Return `values` of `elem` in few bytes: activations are many, and memory is slow."""
    for dtype in (np.int8, np.int16):
        if np.iinfo(dtype).min <= elem.lo and elem.hi <= np.iinfo(dtype).max:
            return values.astype(dtype)
    return values.astype(np.int64)


def contains(elem: IntType, values: IntArray) -> bool:
    """Return whether every one of `values` is a value of `elem`."""
    if isinstance(elem, Bipolar):
        return bool(np.all(np.abs(values) == 1))
    return bool(np.all((values >= elem.lo) & (values <= elem.hi)))


_TYPE_TEXT = re.compile(
    r"(?:(u?)int(\d{1,2})(?:<(-?\d{1,20})\.\.(-?\d{1,20})>)?|bipolar|real)", re.ASCII
)


def parse_elem(text: str) -> IntType | Real | None:
    """Return the element type that `text` names, as `str` prints it, or None."""
    match = _TYPE_TEXT.fullmatch(text)
    if match is None:
        return None
    if text == "bipolar":
        return Bipolar()
    if text == "real":
        return Real()
    unsigned, bits, lower, upper = match.groups()
    if not 1 <= int(bits) <= MAX_BITS:
        return None
    widest = UInt(int(bits)) if unsigned else Int(int(bits))
    lo, hi = (widest.lo, widest.hi) if lower is None else (int(lower), int(upper))
    if not widest.lo <= lo <= hi <= widest.hi or (unsigned and lo != 0):
        return None
    return UInt(int(bits), hi) if unsigned else Int(int(bits), lo, hi)
