"""Matrix-vector product of integers, the heart of every dense layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Op
from bitmason.ir.types import (
    Array,
    Bipolar,
    IntArray,
    IntType,
    Real,
    TensorType,
    bits_needed,
    contains,
    int_type,
)

MAX_ACCUMULATOR_BITS = 48
_EXACT_IN = ((2**24, np.float32), (2**53, np.float64))


@dataclass(frozen=True)
class Dense(Op):
    """Multiply the last axis by a constant integer matrix.

    `y[..., n] = sum(weights[n, k] * x[..., k] for k)`; `weights` has shape `(outputs, inputs)` and
    values of type `weight`. The result type is the exact range that these weights can reach.
    """

    name: ClassVar[str] = "dense"

    weights: Const
    weight: IntType

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        outputs = check_product_operand(self.name, x, self.weights, self.weight)
        lo, hi = self._bounds(x.int_elem)
        bits = bits_needed(lo, hi)
        if bits > MAX_ACCUMULATOR_BITS:
            fail("P004", f"the sum needs {bits} bits, at most {MAX_ACCUMULATOR_BITS} are supported")
        return TensorType((*x.shape[:-1], outputs), int_type(lo, hi))

    def _bounds(self, x: IntType) -> tuple[int, int]:
        w = self.weights.int64()
        positive, negative = np.maximum(w, 0).sum(axis=1), np.minimum(w, 0).sum(axis=1)
        # Python's integers: wide operands must reach the check of the width, not wrap before it.
        rows = list(zip(positive.tolist(), negative.tolist(), strict=True))
        lo = min(p * x.lo + n * x.hi for p, n in rows)
        return lo, max(p * x.hi + n * x.lo for p, n in rows)

    @cached_property
    def stored(self) -> IntType:
        """The narrowest type that holds these very weights: what the hardware stores."""
        w = self.weights.int64()
        if np.all(np.abs(w) == 1):
            return Bipolar()
        return int_type(int(w.min()), int(w.max()))

    @cached_property
    def _matrix(self) -> tuple[int, dict[type, Array]]:
        w = self.weights.int64()
        return int(np.abs(w).sum(axis=1).max()), {}

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        largest = max(int(x.max(initial=0)), -int(x.min(initial=0)))
        row_sum, cast = self._matrix
        return exact_product(x, self.weights, row_sum * largest, cast)


def exact_product(x: Array, weights: Const, bound: int, cast: dict[type, Array]) -> IntArray:
    """Return `x @ weights.T` as int64.

    A floating BLAS product stands in for the integer one where `bound`, the largest magnitude of
    any partial sum, proves it exact: it is some fifty times faster.
    """
    dtype: Any = next((kind for limit, kind in _EXACT_IN if bound < limit), np.int64)
    if dtype not in cast:
        cast[dtype] = np.ascontiguousarray(weights.array.T.astype(dtype))
    product: IntArray = (x.astype(dtype) @ cast[dtype]).astype(np.int64)
    return product


def check_product_operand(op: str, x: TensorType, weights: Const, weight: IntType) -> int:
    """Return the number of outputs of `weights`, of type `weight`, if `x` fits its columns."""
    outputs, inputs = weights.matrix_shape(op)
    if not contains(weight, weights.array):
        fail("I001", f"{op} holds weights outside {weight}")
    if isinstance(x.elem, Real):
        fail("I001", f"{op} needs an integer operand, found {x}")
    if not x.shape or x.shape[-1] != inputs:
        fail("I001", f"{op} has {inputs} columns, its operand is {x}")
    return outputs
