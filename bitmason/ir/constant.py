"""Immutable array constants that compare and hash by content.

Invariant: the array inside a `Const` can never be written to.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.types import Array, IntArray

_KINDS = {
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "u8": np.uint8,
    "bool": np.bool_,
    "f32": np.float32,
    "f64": np.float64,
}
_KIND_OF = {np.dtype(dtype): kind for kind, dtype in _KINDS.items()}
_INLINE_ELEMENTS = 8


class Const:
    """An immutable n-dimensional array, usable as a field of a frozen dataclass."""

    __slots__ = ("_array", "_digest")

    def __init__(self, array: Any) -> None:
        """Copy `array` (numbers or booleans of a kind that the text form knows)."""
        copied = np.array(array, order="C")
        assert copied.dtype in _KIND_OF, copied.dtype
        copied.setflags(write=False)
        self._array = copied
        self._digest: bytes | None = None

    @classmethod
    def integers(cls, array: IntArray) -> Const:
        """Return `array` in the narrowest signed integers that hold it."""
        lo, hi = (int(array.min()), int(array.max())) if array.size else (0, 0)
        for dtype in (np.int8, np.int16, np.int32, np.int64):
            if np.iinfo(dtype).min <= lo and hi <= np.iinfo(dtype).max:
                return cls(array.astype(dtype))
        raise AssertionError((lo, hi))

    @property
    def array(self) -> Array:
        """The array itself, read-only."""
        return self._array

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self._array.shape

    def matrix_shape(self, op: str) -> tuple[int, int]:
        """Return rows and columns of what `op` needs to be a matrix of integers.

        Raises:
            CompileError: I001 when it is something else.
        """
        if self._array.ndim != 2 or self._array.size == 0 or self._array.dtype.kind not in "iu":
            form = f"{_KIND_OF[self._array.dtype]}[{', '.join(map(str, self.shape))}]"
            fail("I001", f"{op} needs a matrix of integers, found {form}")
        rows, columns = self.shape
        return rows, columns

    def int64(self) -> IntArray:
        """Return the array as 64-bit integers."""
        return self._array.astype(np.int64)

    def _key(self) -> bytes:
        if self._digest is None:
            self._digest = hashlib.sha256(self._array.tobytes()).digest()
        return self._digest

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Const):
            return NotImplemented
        same_form = (self.shape, self._array.dtype) == (other.shape, other._array.dtype)
        return same_form and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.shape, self._array.dtype.str, self._key()))

    def __repr__(self) -> str:
        return f"Const({self.text()})"

    def text(self) -> str:
        """Return `kind[shape]`, then the elements: written out when few, else zlib and base64."""
        head = f"{_KIND_OF[self._array.dtype]}[{', '.join(map(str, self.shape))}]"
        if self._array.size <= _INLINE_ELEMENTS:
            return f"{head}({', '.join(repr(item) for item in self._array.reshape(-1).tolist())})"
        packed = zlib.compress(self._array.tobytes(), 6)
        return f'{head}"{base64.b64encode(packed).decode()}"'

    @classmethod
    def from_text(cls, kind: str, shape: tuple[int, ...], body: str) -> Const | None:
        """Return the constant whose `text` had these parts, or None if they do not fit."""
        if kind not in _KINDS:
            return None
        size = prod(shape)
        if body.startswith('"'):
            limit = size * np.dtype(_KINDS[kind]).itemsize + 1
            raw = zlib.decompressobj().decompress(base64.b64decode(body[1:-1]), limit)
            flat: Array = np.frombuffer(raw, dtype=_KINDS[kind])
        else:
            words = [word.strip() for word in body[1:-1].split(",") if word.strip()]
            flat = np.array([_number(kind, word) for word in words], dtype=_KINDS[kind])
        return cls(flat.reshape(shape)) if flat.size == size else None


def _number(kind: str, word: str) -> float | int | bool:
    if kind == "bool":
        return ("False", "True").index(word) == 1
    return float(word) if kind.startswith("f") else int(word)


def in_domain_of(constant: Array, x: Array) -> Array:
    """Return `constant` ready for arithmetic with `x`: as exact fractions where `x` holds those.

    Otherwise the constant keeps its own precision, so that float32 data stays float32, bit for
    bit as the executor computes it.
    """
    if x.dtype != np.dtype(object):
        return constant
    return exact(constant)


def exact(values: Array) -> Array:
    """Return `values` as an object array of exact fractions. Floats are dyadic rationals."""
    as_object = np.asarray(values, dtype=object)
    return np.frompyfunc(_fraction, 1, 1)(as_object)  # type: ignore[no-any-return]


def _fraction(value: Any) -> Fraction:
    return Fraction(value.item() if isinstance(value, np.generic) else value)
