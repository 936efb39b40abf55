"""From the ranks of a custom floating-point format to fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.graph import Op
from bitmason.ir.types import (
    MAX_BITS,
    Array,
    Bipolar,
    IntArray,
    Real,
    TensorType,
    compact,
    int_type,
)


@dataclass(frozen=True)
class Expand(Op):
    """Replace each rank by the number that it stands for, in steps of the format's `unit`.

    A decompressor (Zamirai, figure 4.12), not to float32 but to fixed point, where products and
    sums are exact.
    """

    name: ClassVar[str] = "expand"

    format: CustomFloat

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        elem, top = x.elem, self.format.top
        if isinstance(elem, Real | Bipolar) or elem.lo < -top or elem.hi > top:
            fail("I001", f"expand needs ranks of {self.format}, found {x}")
        bits = 2**self.format.e_bits + self.format.m_bits
        if bits > MAX_BITS:
            fail("I001", f"expand makes at most {MAX_BITS} bits, {self.format} has {bits}")
        lo, hi = self.format.fixed(np.array([elem.lo, elem.hi])).tolist()
        return TensorType(x.shape, int_type(lo, hi))

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        wide = self.format.fixed(x)
        return compact(self.format.fixed_type, wide)
