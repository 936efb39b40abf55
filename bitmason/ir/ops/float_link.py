"""float32 numbers as the bits that a bus carries, and compressors and decompressors of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.graph import Op
from bitmason.ir.ops.float_knobs import check_knobs
from bitmason.ir.rounding import Rounding
from bitmason.ir.types import Array, Bipolar, IntArray, Real, TensorType, UInt, compact

PATTERN = UInt(32)


@dataclass(frozen=True)
class FloatBits(Op):
    """Read a real number, rounded to float32, as its bits."""

    name: ClassVar[str] = "float_bits"

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if not isinstance(x.elem, Real):
            fail("I001", f"float_bits needs a real operand, found {x}")
        return TensorType(x.shape, PATTERN)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        return np.ascontiguousarray(x, dtype=np.float32).view(np.uint32).astype(np.int64)


@dataclass(frozen=True)
class BitsFloat(Op):
    """Read the bits of a float32 as the number."""

    name: ClassVar[str] = "bits_float"

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if x.elem != PATTERN:
            fail("I001", f"bits_float needs {PATTERN}, found {x}")
        return TensorType(x.shape, Real())

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return np.ascontiguousarray(x, dtype=np.uint32).view(np.float32)


@dataclass(frozen=True)
class Compress(Op):
    """Round the float32 of each bit pattern to a number of `format`, as its rank.

    The compressor engine (Zamirai, figure 4.11); NaN and infinities become the largest number.
    `rounding` is TRUNCATE or NEAREST. Where `knobs` is not empty, the format may change from frame
    to frame: it is the one that they name (`CustomFloat.at`), and ranks are those of that format.
    """

    name: ClassVar[str] = "compress"

    format: CustomFloat
    rounding: Rounding
    knobs: tuple[int, ...] = ()

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        check_knobs(self.name, self.format, self.knobs)
        if x.elem != PATTERN:
            fail("I001", f"compress needs {PATTERN}, found {x}")
        if not self.format.fits_float32 or self.format.subnormals:
            fail("I001", f"compress cannot make {self.format} of float32")
        if self.rounding not in (TRUNCATE, NEAREST):
            fail("I001", f"compress cannot round by {self.rounding}")
        return TensorType(x.shape, self.format.rank_type)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        format_ = self.format.at(self.knobs)
        codes = format_.encode_bits(x.astype(np.uint32), self.rounding)
        return compact(self.format.rank_type, format_.ranks_of(codes))


@dataclass(frozen=True)
class Decompress(Op):
    """Give the float32 of each rank of `format`, as its bits (Zamirai, figure 4.12).

    `knobs` are those of `Compress`.
    """

    name: ClassVar[str] = "decompress"

    format: CustomFloat
    knobs: tuple[int, ...] = ()

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        check_knobs(self.name, self.format, self.knobs)
        elem, top = x.elem, self.format.top
        if isinstance(elem, Real | Bipolar) or elem.lo < -top or elem.hi > top:
            fail("I001", f"decompress needs ranks of {self.format}, found {x}")
        if not self.format.fits_float32:
            fail("I001", f"decompress cannot make float32 of {self.format}")
        return TensorType(x.shape, PATTERN)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        return values_of(self.format.at(self.knobs), x).view(np.uint32).astype(np.int64)


@dataclass(frozen=True)
class RankValue(Op):
    """Give the real number of each rank of `format`, where this may change: on the host.

    `knobs` are those of `Compress`.
    """

    name: ClassVar[str] = "rank_value"

    format: CustomFloat
    knobs: tuple[int, ...] = ()

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        check_knobs(self.name, self.format, self.knobs)
        if isinstance(x.elem, Real) or x.elem.lo < -self.format.top or x.elem.hi > self.format.top:
            fail("I001", f"rank_value needs ranks of {self.format}, found {x}")
        return TensorType(x.shape, Real())

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return values_of(self.format.at(self.knobs), x)


def values_of(format_: CustomFloat, ranks: IntArray) -> Array:
    """Return the numbers of ranks as float32, of the bits of their magnitude that a format has."""
    ranks = ranks.astype(np.int64)  # where they come in narrow arrays
    kept = np.abs(ranks) & (2 ** (format_.bits - 1) - 1)
    return format_.decode(format_.codes_of(np.where(ranks < 0, -kept, kept))).astype(np.float32)
