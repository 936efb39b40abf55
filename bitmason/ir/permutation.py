"""Permutations of the elements of a frame in row-major order.

Invariant: a permutation `order` says where elements come from: element i of the result is element
`order[i]` of the operand.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from bitmason.ir.types import IntArray, Shape

_MAX_AXES = 5


def is_identity(order: IntArray) -> bool:
    """Return whether every element stays where it is."""
    return bool(np.array_equal(order, np.arange(order.size)))


def inverse(order: IntArray) -> IntArray:
    """Return the permutation that undoes `order`."""
    back = np.empty_like(order)
    back[order] = np.arange(order.size)
    return back


def split(order: IntArray, length: int) -> tuple[IntArray, IntArray] | None:
    """Return how `order` moves whole vectors of `length`, and how it permutes each of them.

    None where vectors are torn apart, or permuted differently.
    """
    rows = order.reshape(-1, length)
    blocks = rows[:, 0] // length
    inner = rows[0] % length
    if np.array_equal(rows, blocks[:, np.newaxis] * length + inner):
        return blocks, inner
    return None


def inside(order: IntArray, length: int) -> IntArray | None:
    """Return how `order` permutes each vector of `length` in its place, or None if it does more."""
    parts = split(order, length)
    return parts[1] if parts is not None and is_identity(parts[0]) else None


def smallest_block(order: IntArray) -> IntArray:
    """Return the shortest permutation that does what `order` does, block after block."""
    size = order.size
    for length in range(1, size // 2 + 1):
        if size % length == 0:
            inner = inside(order, length)
            if inner is not None:
                return inner
    return order


def transposition(order: IntArray, shape: Shape) -> tuple[int, ...] | None:
    """Return the permutation of the axes of `shape` that moves elements as `order` does, if any."""
    if len(shape) > _MAX_AXES:
        return None
    axes = np.arange(order.size).reshape(shape)
    for perm in permutations(range(len(shape))):
        if np.array_equal(axes.transpose(perm).reshape(-1), order):
            return perm
    return None
