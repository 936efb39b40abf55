"""What each cell computes, in NumPy integers, written apart from the compiler's own model."""

from __future__ import annotations

import numpy as np

from hw_tests.bench.packing import IntArray


def matvec(x: IntArray, weights: IntArray) -> IntArray:
    """Sums of products; ``weights`` is neurons by elements."""
    return weights @ x


def bipolar(bits: IntArray) -> IntArray:
    """The value of one-bit codes: 0 stands for -1, 1 for +1."""
    return 2 * bits - 1


def agreements(x: IntArray, weights: IntArray) -> IntArray:
    """For each neuron, the number of positions where one-bit inputs and weights agree."""
    return np.asarray(np.sum(weights == x, axis=1, dtype=np.int64))


def thresholds(x: IntArray, steps: IntArray, descending: IntArray, base: int) -> IntArray:
    """Steps reached per channel, counted up from ``base`` or down from the top."""
    reached = np.sum(x[:, np.newaxis] >= steps, axis=1, dtype=np.int64)
    counted: IntArray = np.where(descending == 1, steps.shape[1] - reached, reached)
    return base + counted


def lookup(x: IntArray, tables: IntArray) -> IntArray:
    """The entry of each channel's table; ``x`` holds raw bits."""
    return np.take_along_axis(tables, x[:, np.newaxis], axis=1)[:, 0]
