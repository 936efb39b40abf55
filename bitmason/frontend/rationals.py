"""Arrays of exact fractions: scales and offsets that broadcast.

Invariant: nothing here rounds; floating-point constants enter as the dyadic rationals they are. An
array has one axis at least, as NumPy turns arithmetic on object arrays without axes into scalars.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

import numpy as np

from bitmason.ir.constant import exact
from bitmason.ir.types import Array, IntArray, Shape

_EXACT_INT64 = 2**62


def rational(values: Array) -> Array:
    """Return numbers as exact fractions, in an array of one axis at least."""
    return np.asarray(exact(np.atleast_1d(values)), dtype=object)


def compress(array: Array) -> Array:
    """Return `array` with length 1 along every axis on which it does not vary."""
    for axis in range(array.ndim):
        first = array.take([0], axis)
        # A broadcast array says so by its strides; comparing fractions is slow.
        is_repeated = array.strides[axis] == 0 or bool(np.all(array == first))
        array = first if is_repeated else array
    return array


def last_axis(array: Array, shape: Shape) -> tuple[Fraction, ...] | None:
    """Return `array` as one number, or one per entry of the last axis of `shape`, if it is so."""
    small = compress(array)
    if small.size == 1:
        return (small.reshape(-1)[0],)
    return tuple(small.reshape(-1)) if small.size == small.shape[-1] == shape[-1] else None


def common_step(values: Array) -> Fraction:
    """Return the largest fraction of which all of `values`, not all zero, are whole multiples."""
    flat = [value for value in values.reshape(-1) if value]
    denominator = lcm(*(value.denominator for value in flat))
    return Fraction(gcd(*(int(value * denominator) for value in flat)), denominator)


def weighted_sums(weights: IntArray, factors: Array) -> Array:
    """Return `sum(weights[k, n] * factors[k] for k)` for every `n`, exactly."""
    denominator = lcm(*(factor.denominator for factor in factors))
    whole = [int(factor * denominator) for factor in factors]
    bound = max(map(abs, whole)) * int(np.abs(weights).max(initial=0)) * len(whole)
    sums = (
        np.array(whole, np.int64) @ weights
        if bound < _EXACT_INT64
        else np.array(whole, object) @ weights.astype(object)
    )
    return np.array([Fraction(int(total), denominator) for total in sums], dtype=object)


def zero() -> Array:
    """Return the fraction 0 as an array that broadcasts to any shape."""
    return np.array([Fraction(0)], dtype=object)
