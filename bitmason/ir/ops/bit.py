"""Read a bipolar value as the bit that codes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bitmason.diagnostics import fail
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, Bipolar, IntArray, TensorType, UInt


@dataclass(frozen=True)
class Bit(Op):
    """`y = (x + 1) / 2` for bipolar x: 0 for -1 and 1 for +1. The code in hardware is the same."""

    name: ClassVar[str] = "bit"

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if not isinstance(x.elem, Bipolar):
            fail("I001", f"bit needs a bipolar operand, found {x}")
        return TensorType(x.shape, UInt(1))

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        bits: IntArray = (x + 1) >> 1
        return bits
