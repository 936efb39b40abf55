"""Arithmetic that carries bounds of its own rounding errors, on two machines at once.

Invariant: for operands that stay within their bounds, whatever a machine of the given unit roundoff
computes, in any order of summation, lies within the bound of the result (Higham, Accuracy and
Stability of Numerical Algorithms, 2nd edition, sections 2.2, 3.1 and 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bitmason.ir.types import Array, Shape

FLOAT32_UNIT: Final = 2.0**-24
# Sixteen times the unit of float64: room for another order of the same operations in float64.
FLOAT64_UNIT: Final = 2.0**-49
UNITS: Final = (FLOAT32_UNIT, FLOAT64_UNIT)
# Results below the normal numbers of float32 lose up to this much, or all where they are flushed.
_UNDERFLOW: Final = 2.0**-126
# onnxruntime's polynomial kernels stay below 6 units, relative to 1 + |y|, over all of float32.
_FUNCTION_UNITS: Final = 8
_CONVERSIONS: Final = 4  # roundings of the factors of a product that is computed in float32


@dataclass(frozen=True, eq=False)
class Running:
    """Exact numbers (as float64 has them), and how far computed ones may lie from them.

    `executor` bounds what the QONNX executor computes in float32, `golden` what the golden model
    computes in float64. Both broadcast to the numbers.
    """

    exact: Array
    executor: Array
    golden: Array

    @classmethod
    def exactly(cls, exact: Array) -> Running:
        """Return numbers that are computed without any error."""
        return cls(exact, np.zeros_like(exact), np.zeros_like(exact))

    @classmethod
    def unknown(cls, shape: Shape) -> Running:
        """Return numbers of which nothing is known, so that nothing they cause is excused."""
        return cls(*(np.full(shape, np.nan) for _ in range(3)))

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Both bounds, the executor's first."""
        return self.executor, self.golden

    @property
    def magnitudes(self) -> tuple[Array, Array]:
        """Upper bounds of the magnitudes of the computed numbers."""
        magnitude = np.abs(self.exact)
        return magnitude + self.executor, magnitude + self.golden

    def broadcast(self) -> Running:
        """Return the same with bounds of the shape of the numbers."""
        return self.moved(lambda array: array)

    def __add__(self, other: Running) -> Running:
        return _rounded_once(self.exact + other.exact, _sums(self.bounds, other.bounds))

    def __sub__(self, other: Running) -> Running:
        return _rounded_once(self.exact - other.exact, _sums(self.bounds, other.bounds))

    def __mul__(self, other: Running) -> Running:
        size = np.abs(self.exact)
        spread = [
            bound * magnitude + size * other_bound
            for bound, magnitude, other_bound in zip(
                self.bounds, other.magnitudes, other.bounds, strict=True
            )
        ]
        return _rounded_once(self.exact * other.exact, spread)

    def __truediv__(self, other: Running) -> Running:
        exact, size = self.exact / other.exact, np.abs(other.exact)
        spread = [
            (bound + np.abs(exact) * other_bound)
            / np.where(size - other_bound > 0, size - other_bound, np.nan)
            for bound, other_bound in zip(self.bounds, other.bounds, strict=True)
        ]
        return _rounded_once(exact, spread)

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
            multiply: computes the sums, in the precision of its operands; linear in each of them.
            count: the most products in one sum.
            start: another term of every sum, which broadcasts to the result.
        """
        roundings = count + 2 if start is None else count + 3
        exact = multiply(self.exact, other.exact)
        bounds: list[Array] = []
        is_within = not self.golden.any() and bool(np.all(other.golden <= other.executor))
        for index, unit in enumerate(UNITS):
            size, weight = self.magnitudes[index], other.magnitudes[index]
            relative = gamma(roundings, unit) + _largest_ratio(other.bounds[index], weight)
            if bounds and is_within:
                # The executor's bound has all these terms at least, with a factor of its own.
                bounds.append(bounds[0] * (relative / gamma(roundings, FLOAT32_UNIT)))
            else:
                bounds.append(
                    _at_most(multiply, self.bounds[index] + relative * size, weight, count)
                )
        result = Running(exact, *(bound + roundings * _UNDERFLOW for bound in bounds))
        if start is None:
            return result
        terms = [
            gamma(roundings, unit) * x for unit, x in zip(UNITS, start.magnitudes, strict=True)
        ]
        return Running(exact + start.exact, *_sums(_sums(result.bounds, start.bounds), terms))

    def weighted(self, function: Callable[[Array], Array], count: int) -> Running:
        """Return a linear function without negative weights, computed in `count` roundings."""
        bounds = [
            function(np.broadcast_to(bound + gamma(count, unit) * size, self.exact.shape))
            for unit, bound, size in zip(UNITS, self.bounds, self.magnitudes, strict=True)
        ]
        return Running(function(self.exact), *(bound + count * _UNDERFLOW for bound in bounds))

    def sqrt(self) -> Running:
        """Return the square root, which is correctly rounded everywhere."""
        exact = np.sqrt(self.exact)
        divisor = np.where(exact > 0, exact, np.nan)
        spread = [np.where(bound == 0, 0.0, bound / divisor) for bound in self.bounds]
        return _rounded_once(exact, spread)

    def moved(self, move: Callable[[Array], Array]) -> Running:
        """Return the same numbers at other places, which rounds nothing."""
        shape = self.exact.shape
        return Running(
            move(self.exact), *(move(np.broadcast_to(bound, shape)) for bound in self.bounds)
        )

    def monotone(self, function: Callable[[Array], Array]) -> Running:
        """Return a nondecreasing function that is computed without rounding, like a clamp."""
        exact = function(self.exact)
        spread = []
        for bound in self.bounds:
            if not bound.any():
                spread.append(np.zeros_like(exact))
                continue
            above, below = function(self.exact + bound), function(self.exact - bound)
            spread.append(np.maximum(above - exact, exact - below))
        return Running(exact, *spread)

    def approximated(self, function: Callable[[Array], Array], *, absolute: bool) -> Running:
        """Return a nondecreasing function that is computed by an approximation.

        Args:
            function: the function in float64.
            absolute: whether its error is relative to `1 + |y|` rather than to `|y|`.
        """
        plain = self.monotone(function)
        terms = [absolute + size for size in plain.magnitudes]
        return rounded(plain.exact, plain.bounds, terms, _FUNCTION_UNITS)

    def softmax(self, axis: int) -> Running:
        """Return `exp(x - max(x)) / sum(exp(x - max(x)))` along `axis`."""
        shifted = self.exact - self.exact.max(axis=axis, keepdims=True)
        raised = np.exp(shifted)
        exact = raised / raised.sum(axis=axis, keepdims=True)
        # A common shift cancels, so each exponent errs by its own error and the largest other one.
        worst = [
            (bound - unit * shifted).max(axis=axis, keepdims=True)
            for unit, bound in zip(UNITS, self.bounds, strict=True)
        ]
        count = self.exact.shape[axis] + 2 * _FUNCTION_UNITS
        terms = [exact * np.exp(2 * one) for one in worst]
        return rounded(exact, [exact * np.expm1(2 * one) for one in worst], terms, count)


def gamma(count: int, unit: float) -> float:
    """Return the largest relative error of `count` roundings; NaN where there is none."""
    return count * unit / (1 - count * unit) if count * unit < 1 else np.nan


def rounded(
    exact: Array, bounds: Sequence[Array], terms: Sequence[Array], count: int = 1
) -> Running:
    """Return a result that adds `count` roundings of numbers up to `terms` to `bounds`."""
    spread = [
        bound + gamma(count, unit) * term + count * _UNDERFLOW
        for unit, bound, term in zip(UNITS, bounds, terms, strict=True)
    ]
    return Running(exact, *spread)


def _rounded_once(exact: Array, bounds: Sequence[Array]) -> Running:
    size = np.abs(exact)
    return rounded(exact, bounds, [size + bound for bound in bounds])


def _sums(a: Sequence[Array], b: Sequence[Array]) -> list[Array]:
    return [one + other for one, other in zip(a, b, strict=True)]


def _largest_ratio(bound: Array, magnitude: Array) -> float:
    """Return the largest relative error of a factor; NaN where it is unknown."""
    if not bound.any():
        return 0.0
    found = (bound / np.where(magnitude > 0, magnitude, 1.0)).max()
    return float(found) * (1 + FLOAT32_UNIT)


def _at_most(multiply: Callable[[Array, Array], Array], a: Array, b: Array, count: int) -> Array:
    """Return sums of products of two arrays without negative numbers, or a little more.

    float32 is enough for that, in half of the time.
    """
    largest = max(1.0, float(a.max(initial=0.0)), float(b.max(initial=0.0)))
    found = multiply(a.astype(np.float32), b.astype(np.float32)).astype(np.float64)
    excess = 1 + gamma(2 * (count + _CONVERSIONS), FLOAT32_UNIT)
    return found * excess + count * _UNDERFLOW * largest
