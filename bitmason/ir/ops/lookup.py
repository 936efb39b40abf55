"""Table of a function of one integer, for what thresholds cannot express."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, IntArray, IntType, Real, TensorType, contains


@dataclass(frozen=True)
class Lookup(Op):
    """Replace each element by its entry in a table.

    `y[..., c] = table[c, x[..., c] - first]`; a table of one row serves every channel. The columns
    cover the operand's whole range, `first` being its smallest value.
    """

    name: ClassVar[str] = "lookup"

    table: Const
    first: int
    out: IntType

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        rows, columns = self.table.matrix_shape(self.name)
        if isinstance(x.elem, Real) or not x.shape or rows not in {1, x.shape[-1]}:
            fail("I001", f"lookup has {rows} rows, its operand is {x}")
        if x.elem.lo < self.first or x.elem.hi >= self.first + columns:
            fail(
                "I001",
                f"lookup covers {self.first}..{self.first + columns - 1}, its operand is {x}",
            )
        if not contains(self.out, self.table.int64()):
            fail("I001", f"lookup holds values outside {self.out}")
        return TensorType(x.shape, self.out)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        table = self.table.int64()
        rows = np.arange(table.shape[0]) if table.shape[0] > 1 else 0
        picked: IntArray = table[rows, x.astype(np.int64) - self.first]
        return picked
