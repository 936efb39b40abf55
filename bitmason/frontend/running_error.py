"""Arithmetic that carries a bound of its own rounding error.

Invariant: for operands that stay within their bounds, whatever a machine of the given unit roundoff
computes, in any order of summation, lies within the bound of the result (Higham, Accuracy and
Stability of Numerical Algorithms, 2nd edition, sections 2.2, 3.1 and 3.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from bitmason.ir.types import Array, Shape

FLOAT32_UNIT: Final = 2.0**-24
# Sixteen times the unit of float64: room for another order of the same operations in float64.
FLOAT64_UNIT: Final = 2.0**-49
# Results below the normal numbers of float32 lose up to this much, or all where they are flushed.
_UNDERFLOW: Final = 2.0**-126
# onnxruntime's polynomial kernels stay below 6 units, relative to 1 + |y|, over all of float32.
_FUNCTION_UNITS: Final = 8


@dataclass(frozen=True, eq=False)
class Running:
    """Exact numbers (as float64 has them) and how far computed ones may lie from them."""

    exact: Array
    bound: Array
    unit: float

    @classmethod
    def exactly(cls, exact: Array, unit: float) -> Running:
        """Return numbers that are computed without any error."""
        return cls(exact, np.zeros_like(exact), unit)

    @classmethod
    def unknown(cls, shape: Shape, unit: float) -> Running:
        """Return numbers of which nothing is known, so that nothing they cause is excused."""
        return cls(np.full(shape, np.nan), np.full(shape, np.nan), unit)

    @property
    def magnitude(self) -> Array:
        """Upper bound of the magnitude of the computed numbers."""
        return np.abs(self.exact) + self.bound

    def rounded(self, exact: Array, bound: Array, terms: Array, count: int = 1) -> Running:
        """Return a result that adds `count` roundings of numbers up to `terms` to `bound`."""
        gamma = count * self.unit / (1 - count * self.unit)
        return Running(exact, bound + gamma * terms + count * _UNDERFLOW, self.unit)

    def __add__(self, other: Running) -> Running:
        exact, bound = self.exact + other.exact, self.bound + other.bound
        return self.rounded(exact, bound, np.abs(exact) + bound)

    def __sub__(self, other: Running) -> Running:
        exact, bound = self.exact - other.exact, self.bound + other.bound
        return self.rounded(exact, bound, np.abs(exact) + bound)

    def __mul__(self, other: Running) -> Running:
        exact = self.exact * other.exact
        bound = self.bound * other.magnitude + np.abs(self.exact) * other.bound
        return self.rounded(exact, bound, np.abs(exact) + bound)

    def __truediv__(self, other: Running) -> Running:
        exact = self.exact / other.exact
        least = np.abs(other.exact) - other.bound
        bound = (self.bound + np.abs(exact) * other.bound) / np.where(least > 0, least, np.nan)
        return self.rounded(exact, bound, np.abs(exact) + bound)

    def __matmul__(self, other: Running) -> Running:
        return self.product(other, np.matmul, self.exact.shape[-1])

    def product(
        self,
        other: Running,
        multiply: Callable[[Array, Array], Array],
        count: int,
        start: Running | None = None,
    ) -> Running:
        """Return sums of at most `count` products, to which `start` may be added, in any order.

        Args:
            other: the second factors.
            multiply: computes the sums of two arrays in float64; linear in each.
            count: the most products in one sum.
            start: another term of every sum, which broadcasts to the result.
        """
        exact = multiply(self.exact, other.exact)
        bound = np.zeros_like(exact)
        if self.bound.any():
            bound = multiply(np.broadcast_to(self.bound, self.exact.shape), other.magnitude)
        if other.bound.any():
            spread = np.broadcast_to(other.bound, other.exact.shape)
            bound = bound + multiply(np.abs(self.exact), spread)
        terms = multiply(self.magnitude, other.magnitude)
        if start is not None:
            exact, bound = exact + start.exact, bound + start.bound
            terms, count = terms + start.magnitude, count + 1
        return self.rounded(exact, bound, terms, count + 2)

    def weighted(self, function: Callable[[Array], Array], count: int) -> Running:
        """Return a linear function without negative weights, computed in `count` roundings."""
        bound = np.broadcast_to(self.bound, self.exact.shape)
        return self.rounded(function(self.exact), function(bound), function(self.magnitude), count)

    def sqrt(self) -> Running:
        """Return the square root, which is correctly rounded everywhere."""
        exact = np.sqrt(self.exact)
        bound = self.bound / np.where(exact > 0, exact, np.nan)
        bound = np.where(self.bound == 0, 0.0, bound)
        return self.rounded(exact, bound, exact + bound)

    def moved(self, move: Callable[[Array], Array]) -> Running:
        """Return the same numbers at other places, which rounds nothing."""
        return Running(
            move(self.exact), move(np.broadcast_to(self.bound, self.exact.shape)), self.unit
        )

    def monotone(self, function: Callable[[Array], Array]) -> Running:
        """Return a nondecreasing function that is computed without rounding, like a clamp."""
        exact = function(self.exact)
        above, below = function(self.exact + self.bound), function(self.exact - self.bound)
        return Running(exact, np.maximum(above - exact, exact - below), self.unit)

    def approximated(self, function: Callable[[Array], Array], *, absolute: bool) -> Running:
        """Return a nondecreasing function that is computed by an approximation.

        Args:
            function: the function in float64.
            absolute: whether its error is relative to `1 + |y|` rather than to `|y|`.
        """
        plain = self.monotone(function)
        return self.rounded(plain.exact, plain.bound, absolute + plain.magnitude, _FUNCTION_UNITS)

    def softmax(self, axis: int) -> Running:
        """Return `exp(x - max(x)) / sum(exp(x - max(x)))` along `axis`."""
        shifted = self.exact - self.exact.max(axis=axis, keepdims=True)
        raised = np.exp(shifted)
        exact = raised / raised.sum(axis=axis, keepdims=True)
        # A common shift cancels, so each exponent errs by its own error and the largest other one.
        worst = (self.bound - self.unit * shifted).max(axis=axis, keepdims=True)
        terms = exact * np.exp(2 * worst)
        count = self.exact.shape[axis] + 2 * _FUNCTION_UNITS
        return self.rounded(exact, exact * np.expm1(2 * worst), terms, count)
