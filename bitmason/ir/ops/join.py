"""Two streams of integers become one: sums, products, and tables of two integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Op
from bitmason.ir.ops.dense import MAX_ACCUMULATOR_BITS
from bitmason.ir.types import (
    Array,
    Bipolar,
    Int,
    IntArray,
    IntType,
    Real,
    TensorType,
    UInt,
    bits_needed,
    contains,
    int_type,
)


@dataclass(frozen=True)
class WeightedSum(Op):
    """`y[..., c] = factors[0, c] * a[..., c] + factors[1, c] * b[..., c]`.

    The sum of two tensors whose scales are whole multiples of a common one. `factors` has two rows
    and one column, or one per channel.
    """

    name: ClassVar[str] = "weighted_sum"
    arity: ClassVar[int | None] = 2

    factors: Const

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        a, b = _two_integers(self.name, operands)
        rows, columns = self.factors.matrix_shape(self.name)
        if rows != 2 or columns not in {1, operands[0].shape[-1]}:
            fail("I001", f"weighted_sum of {rows} x {columns} factors does not fit {operands[0]}")
        parts = self.factors.int64().tolist()
        ranges = [
            (min(k * a.lo, k * a.hi) + min(m * b.lo, m * b.hi),
             max(k * a.lo, k * a.hi) + max(m * b.lo, m * b.hi))
            for k, m in zip(*parts, strict=True)
        ]  # fmt: skip
        return TensorType(operands[0].shape, _sum_type(ranges))

    def evaluate(self, *operands: Array) -> IntArray:
        a, b = operands
        first, second = self.factors.int64()
        return np.asarray(first * a + second * b)


@dataclass(frozen=True)
class Product(Op):
    """`y = (a - shifts[0]) * (b - shifts[1])`: integers without their zero points, multiplied."""

    name: ClassVar[str] = "product"
    arity: ClassVar[int | None] = 2

    shifts: tuple[int, int] = (0, 0)

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        a, b = _two_integers(self.name, operands)
        z, w = self.shifts
        corners = [(x - z) * (y - w) for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
        return TensorType(operands[0].shape, _sum_type([(min(corners), max(corners))]))

    def evaluate(self, *operands: Array) -> IntArray:
        a, b = operands
        z, w = np.int64(self.shifts[0]), np.int64(self.shifts[1])
        return np.asarray((a - z) * (b - w))


@dataclass(frozen=True)
class JoinLookup(Op):
    """Any function of two integers, as a table.

    `y[..., c] = table[c, (b[..., c] - first[1]) * span + a[..., c] - first[0]]`, where `span` is
    the number of values that `a` may have; a table of one row serves every channel. The columns
    cover both operands' whole ranges, which begin at `first`.
    """

    name: ClassVar[str] = "join_lookup"
    arity: ClassVar[int | None] = 2

    table: Const
    first: tuple[int, int]
    span: int
    out: IntType

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        a, b = _two_integers(self.name, operands)
        rows, columns = self.table.matrix_shape(self.name)
        if rows not in {1, operands[0].shape[-1]}:
            fail("I001", f"join_lookup has {rows} rows, its operand is {operands[0]}")
        spans = (self.span, columns // max(self.span, 1))
        fits = self.span > 0 and spans[0] * spans[1] == columns
        for elem, first, span in zip((a, b), self.first, spans, strict=True):
            fits = fits and first <= elem.lo and elem.hi < first + span
        if not fits:
            shown = f"{spans[0]} x {spans[1]} values from {self.first}"
            fail("I001", f"join_lookup covers {shown}, its operands are {a} and {b}")
        if not contains(self.out, self.table.int64()):
            fail("I001", f"join_lookup holds values outside {self.out}")
        return TensorType(operands[0].shape, self.out)

    def evaluate(self, *operands: Array) -> IntArray:
        a, b = (operand.astype(np.int64) for operand in operands)
        table = self.table.int64()
        rows = np.arange(table.shape[0]) if table.shape[0] > 1 else 0
        picked: IntArray = table[rows, (b - self.first[1]) * self.span + a - self.first[0]]
        return picked


def _two_integers(op: str, operands: Sequence[TensorType]) -> tuple[UInt | Int, UInt | Int]:
    a, b = operands
    if a.shape != b.shape or not a.shape:
        fail("I001", f"{op} needs two operands of one shape, found {a} and {b}")
    for x in (a, b):
        if isinstance(x.elem, Real | Bipolar):
            fail("I001", f"{op} needs integers that are not bipolar, found {x}")
    assert not isinstance(a.elem, Real | Bipolar) and not isinstance(b.elem, Real | Bipolar)
    return a.elem, b.elem


def _sum_type(ranges: Sequence[tuple[int, int]]) -> IntType:
    lo, hi = min(low for low, _ in ranges), max(high for _, high in ranges)
    bits = bits_needed(lo, hi)
    if bits > MAX_ACCUMULATOR_BITS:
        fail("P004", f"the result needs {bits} bits, at most {MAX_ACCUMULATOR_BITS} are supported")
    return int_type(lo, hi)
