"""How the axes of an ONNX tensor lie in a value of the graph.

Invariant: `Axes` lists, for each axis of a frame in the file, the graph axes that it runs over in
row-major order; graph axes that no entry names have length 1. Nothing here moves data of a network.
"""

from __future__ import annotations

from math import prod

import numpy as np

from bitmason.ir.types import Array, Shape

Axes = tuple[tuple[int, ...], ...]


def identity(rank: int) -> Axes:
    """Return the axes of a value that lies in the graph as it does in the file."""
    return tuple((axis,) for axis in range(rank))


def frame_of(shape: Shape, axes: Axes) -> Shape:
    """Return the file's shape of a frame that has `shape` in the graph."""
    return tuple(prod(shape[axis] for axis in group) for group in axes)


def flat_order(axes: Axes, rank: int) -> tuple[int, ...]:
    """Return all graph axes in the file's order, those that `axes` does not name at the end."""
    named = tuple(axis for group in axes for axis in group)
    return (*named, *(axis for axis in range(rank) if axis not in named))


def to_graph(array: Array, axes: Axes, shape: Shape) -> Array:
    """Return a constant that broadcasts to the file's frames as one for frames of the graph.

    `array` has as many axes as `axes`, each of full length or 1; an axis that it does not vary
    along keeps the length 1.
    """
    split = [
        tuple(shape[axis] for axis in group) if array.shape[i] != 1 else (1,) * len(group)
        for i, group in enumerate(axes)
    ]
    order = flat_order(axes, len(shape))
    sizes = [size for group in split for size in group]
    parts = array.reshape(*sizes, *(1 for _ in range(len(order) - len(sizes))))
    return parts.transpose(np.argsort(order))


def refined(shape: Shape, target: Shape) -> list[tuple[int, ...]] | None:
    """Return how each length of `target` splits so that the pieces also make up `shape` in turn.

    `target` is another factorisation of the same product; None where an axis of one straddles
    axes of the other. Lengths of 1 become no piece at all.
    """
    left, pieces = [size for size in shape if size > 1], []
    for length in target:
        group: list[int] = []
        while prod(group) < length:
            wanted = length // prod(group)
            piece = min(wanted, left[0])
            if wanted % piece or left[0] % piece:
                return None
            group.append(piece)
            left[0] //= piece
            if left[0] == 1:
                left.pop(0)
        pieces.append(tuple(group))
    return pieces
