"""Matrix-vector product of integers, the heart of every dense layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.codebook import Codebook, codebook_of
from bitmason.ir.constant import Const
from bitmason.ir.custom_float import CustomFloat, narrowest_format
from bitmason.ir.graph import Op
from bitmason.ir.ops.expand import Expand
from bitmason.ir.planes import check_cleared, clear_planes
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
_ELEMENTS_AT_ONCE = 2**18  # of the operand, as floats: they should stay in the cache


@dataclass(frozen=True)
class Dense(Op):
    """Multiply the last axis by a constant integer matrix.

    `y[..., n] = sum(weights[n, k] * x[..., k] for k)`; `weights` has shape `(outputs, inputs)` and
    values of type `weight`. The result type is the exact range that these weights can reach.
    With G `groups` the operand holds G vectors side by side, and each meets its own share of the
    rows: row n reads the vector n // (outputs / G).
    Where `cleared` is not empty, precision may change from frame to frame: it tells how many of
    the least significant bit planes of weights and operand count as zeros. The result type then
    holds the products for any number of them.
    With `ranks`, the operand's integers are ranks of that format, and stand for its numbers, in
    steps of its unit.
    """

    name: ClassVar[str] = "dense"

    weights: Const
    weight: IntType
    groups: int = 1
    cleared: tuple[int, ...] = ()
    ranks: CustomFloat | None = None

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        outputs = check_product_operand(self.name, x, self.weights, self.weight, self.groups)
        check_cleared(self.name, self.cleared, self.stored, x.int_elem)
        if self.ranks is not None and self.cleared:
            fail("I001", "dense cannot clear planes of ranks")
        factor = self.factor(x).int_elem
        elem = product_type(self.weights.int64(), factor, reducible=bool(self.cleared))
        return TensorType((*x.shape[:-1], outputs), elem)

    def factor(self, x: TensorType) -> TensorType:
        """Return the type of what is multiplied, for an operand of type `x`."""
        return x if self.ranks is None else Expand(self.ranks).infer([x])

    @cached_property
    def stored(self) -> IntType:
        """The narrowest type that holds these very weights: what the hardware stores."""
        return stored_type(self.weights.int64())

    @cached_property
    def codebook(self) -> Codebook | None:
        """The weights as codes of a few values, where they are few."""
        return codebook_of(self.weights.int64())

    @cached_property
    def compressed(self) -> CustomFloat | None:
        """The format of the weights as floating-point numbers, where that takes fewer bits."""
        return narrowest_format(self.weights.int64(), self.stored.bits)

    @cached_property
    def sparsity(self) -> float:
        """The part of the weights that are zero."""
        return 1 - int(np.count_nonzero(self.weights.array)) / self.weights.array.size

    @cached_property
    def _matrix(self) -> tuple[Const, int, dict[type, Array]]:
        counted = counted_weights(self.weights, self.cleared)
        return counted, reach_of(counted.int64()), {}

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        x = clear_planes(x, self.cleared[1]) if self.cleared else x
        x = x if self.ranks is None else Expand(self.ranks).evaluate(x)
        largest = max(int(x.max(initial=0)), -int(x.min(initial=0)))
        weights, reach, cast = self._matrix
        return exact_product(x, weights, (reach, largest), cast, self.groups)


def product_type(weights: IntArray, x: IntType, *, reducible: bool = False) -> IntType:
    """Return the narrowest type of the products of rows of `weights` with values of type `x`.

    Where they are `reducible`, it holds those with any planes of either cleared.

    Raises:
        CompileError: P004 when it is wider than the accumulators that are supported.
    """
    bounds = [bounds_of(weights, x)]
    if reducible:
        floor = int_type(-(2 ** (x.bits - 1)), x.hi) if x.lo < 0 else x
        planes = range(stored_type(weights).bits)
        bounds += [bounds_of(clear_planes(weights, cleared), floor) for cleared in planes]
    lo, hi = min(low for low, _ in bounds), max(high for _, high in bounds)
    bits = bits_needed(lo, hi)
    if bits > MAX_ACCUMULATOR_BITS:
        fail("P004", f"the sum needs {bits} bits, at most {MAX_ACCUMULATOR_BITS} are supported")
    return int_type(lo, hi)


def counted_weights(weights: Const, cleared: tuple[int, ...]) -> Const:
    """Return `weights` as they count with `cleared` planes of them and of the operand."""
    if not any(cleared[:1]):
        return weights
    return Const.integers(clear_planes(weights.int64(), cleared[0]))


def bounds_of(weights: IntArray, x: IntType) -> tuple[int, int]:
    """Return the smallest and largest product of a row of `weights` with values of type `x`."""
    # Python's integers: wide values must reach the check of the width, not wrap before it.
    fits = int(np.abs(weights).max()) * weights.shape[1] < 2**63
    w: Array = weights if fits else weights.astype(object)
    positive, negative = np.maximum(w, 0).sum(axis=1), np.minimum(w, 0).sum(axis=1)
    rows = list(zip(positive.tolist(), negative.tolist(), strict=True))
    lo = min(p * x.lo + n * x.hi for p, n in rows)
    return lo, max(p * x.hi + n * x.lo for p, n in rows)


def stored_type(weights: IntArray) -> IntType:
    """Return the narrowest type that holds `weights`."""
    if np.all(np.abs(weights) == 1):
        return Bipolar()
    return int_type(int(weights.min()), int(weights.max()))


def exact_product(
    x: Array, weights: Const, bounds: tuple[int, int], cast: dict[type, Array], groups: int = 1
) -> IntArray:
    """Return `x @ weights.T`, each of `groups` parts of `x` with its part of the rows.

    A floating BLAS product stands in for the integer one where `bounds`, the reach of the weights
    and the largest magnitude in `x`, prove it exact: it is some fifty times faster.
    """
    reach, largest = bounds
    dtype: Any = next((kind for limit, kind in _EXACT_IN if reach * largest < limit), np.int64)
    rows, columns = weights.shape
    if dtype not in cast:
        by_group = weights.array.reshape(groups, rows // groups, columns).transpose(0, 2, 1)
        cast[dtype] = np.ascontiguousarray(by_group.astype(dtype))
    matrices = cast[dtype]
    vectors = prod(x.shape[:-1])
    flat = x.reshape(vectors, groups, columns)
    result = np.empty((vectors, groups, rows // groups), dtype=accumulator(x, reach))
    at_once = max(1, _ELEMENTS_AT_ONCE // (groups * columns))
    for start in range(0, vectors, at_once):
        part = flat[start : start + at_once].transpose(1, 0, 2).astype(dtype, order="C")
        result[start : start + at_once] = np.matmul(part, matrices).transpose(1, 0, 2)
    return result.reshape(*x.shape[:-1], rows)


def reach_of(weights: IntArray) -> int:
    """Return the largest sum that a row of `weights` can make of numbers from -1 to 1."""
    return int(np.abs(weights).sum(axis=1).max())


def accumulator(x: Array, reach: int) -> type[np.signedinteger[Any]]:
    """Return int32 where it holds every product of arrays like `x`, whatever their values."""
    return np.int32 if reach << 8 * x.dtype.itemsize < 2**31 else np.int64


def check_product_operand(
    op: str, x: TensorType, weights: Const, weight: IntType, groups: int = 1
) -> int:
    """Return the number of outputs of `weights`, of type `weight`, if `x` fits its columns."""
    outputs, inputs = weights.matrix_shape(op)
    if not contains(weight, weights.array):
        fail("I001", f"{op} holds weights outside {weight}")
    if isinstance(x.elem, Real):
        fail("I001", f"{op} needs an integer operand, found {x}")
    if groups < 1 or outputs % groups:
        fail("I001", f"{op} cannot share {outputs} rows among {groups} groups")
    if not x.shape or x.shape[-1] != inputs * groups:
        fail("I001", f"{op} has {inputs * groups} columns, its operand is {x}")
    return outputs
