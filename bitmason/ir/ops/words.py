"""Integers as dense words, for a bus: no bit is unused but at the end of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, Bipolar, IntArray, IntType, Real, Shape, TensorType, UInt

BYTE = UInt(8)


@dataclass(frozen=True)
class Pack(Op):
    """Lay the codes of a frame's elements, as `elem`, side by side in words of `word` bytes.

    Element 0 has the lowest bits of byte 0. Zeros fill the last word up.
    """

    name: ClassVar[str] = "pack"

    elem: IntType
    word: int

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if self.word < 1 or isinstance(x.elem, Real) or not _holds(self.elem, x.elem):
            fail("I001", f"pack needs words of a byte or more, and {self.elem}, found {x}")
        return TensorType((packed_bytes(TensorType(x.shape, self.elem), self.word),), BYTE)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        frames, size = len(x), prod(x.shape[1:])
        codes = self.elem.encode(x.reshape(frames, size).astype(np.int64))
        bits = (codes[..., np.newaxis] >> np.arange(self.elem.bits)) & 1
        flat = bits.astype(np.uint8).reshape(frames, size * self.elem.bits)
        packed = np.packbits(flat, axis=1, bitorder="little")
        missing = -packed.shape[1] % self.word
        return np.pad(packed, ((0, 0), (0, missing))).astype(np.int16)


@dataclass(frozen=True)
class Unpack(Op):
    """Cut the bits of words of `word` bytes into a frame of `shape` and `out`: `pack` undone."""

    name: ClassVar[str] = "unpack"

    out: IntType
    shape: Shape
    word: int

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        made = TensorType(self.shape, self.out)
        if self.word < 1 or min(self.shape, default=1) < 1:
            fail("I001", "unpack needs words of a byte or more, and elements to make")
        packed = TensorType((packed_bytes(made, self.word),), BYTE)
        if x != packed:
            fail("I001", f"unpack makes {made} of {packed}, found {x}")
        return made

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        size = prod(self.shape)
        flat = np.unpackbits(
            x.astype(np.uint8), axis=1, count=size * self.out.bits, bitorder="little"
        )
        bits = flat.reshape(len(x), size, self.out.bits).astype(np.int64)
        codes = (bits << np.arange(self.out.bits)).sum(axis=2)
        return self.out.decode(codes).reshape(len(x), *self.shape)


def _holds(wide: IntType, narrow: IntType) -> bool:
    """Return whether every value of one type is one of the other."""
    if Bipolar() in (wide, narrow):
        return wide == narrow
    return wide.lo <= narrow.lo and narrow.hi <= wide.hi


def packed_bytes(type_: TensorType, word: int) -> int:
    """Return the bytes of a frame of `type_` in whole words of `word` bytes."""
    bits = type_.size * type_.int_elem.bits
    return -(-bits // (8 * word)) * word
