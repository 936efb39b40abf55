"""Operators that only put numbers at other places: they round nothing, and errors move along.

Invariant: every element of a result is an element of an operand, or padding, with its own bound.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bitmason.frontend.node_view import NodeView
from bitmason.frontend.running_error import Running
from bitmason.ir.types import Array, Shape

_FAR = 2**31  # files say "to the end" by the largest int64, which float64 does not have
_PIXEL_RANK = 4


def rearrange(node: NodeView, shape: Shape, x: Running, *_: Running | None) -> Running:
    """Follow Reshape and its like."""
    return x.moved(lambda array: array.reshape(shape))


def transpose(node: NodeView, shape: Shape, x: Running) -> Running:
    """Follow Transpose."""
    return x.moved(lambda array: array.transpose(node.integers("perm")))


def concat(node: NodeView, shape: Shape, *operands: Running) -> Running:
    """Follow Concat."""
    full, axis = [x.broadcast() for x in operands], node.integer("axis", 1)
    parts = ([x.exact for x in full], [x.executor for x in full], [x.golden for x in full])
    return Running(*(np.concatenate(part, axis) for part in parts))


def split(
    node: NodeView, shape: Shape, x: Running, sizes: Running | None = None
) -> tuple[Running, ...]:
    """Follow Split, the first of whose results has the given shape."""
    axis = node.integer("axis", 0)
    lengths = node.integers("split") if sizes is None else _whole(sizes)
    whole = x.exact.shape[axis]
    if lengths is None:
        lengths = (shape[axis],) * (len(node.outputs) - 1)
    cuts = [cut for cut in np.cumsum(lengths) if cut < whole][: len(node.outputs) - 1]
    starts, ends = [0, *cuts], [*cuts, whole]
    parts = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
    return tuple(_part(x, axis, part) for part in parts)


def cut(node: NodeView, shape: Shape, x: Running, *given: Running | None) -> Running:
    """Follow Slice, whose limits are operands or, in old files, attributes."""
    names = ("starts", "ends", "axes", "steps")
    limits = [
        node.integers(name) if operand is None else _whole(operand)
        for name, operand in zip(names, (*given, None, None, None, None), strict=False)
    ]
    starts, ends, axes, steps = limits
    assert starts is not None and ends is not None, "every Slice has limits"
    axes = axes if axes is not None else tuple(range(len(starts)))
    steps = steps if steps is not None else (1,) * len(starts)
    kept = [slice(None)] * x.exact.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        is_past_front = step < 0 and end < -x.exact.shape[axis]
        kept[axis] = slice(start, None if is_past_front else end, step)
    return x.moved(lambda array: array[tuple(kept)])


def _part(x: Running, axis: int, part: slice) -> Running:
    kept = [slice(None)] * x.exact.ndim
    kept[axis] = part
    return x.moved(lambda array: array[tuple(kept)])


def _whole(operand: Running) -> tuple[int, ...]:
    return tuple(int(item) for item in np.clip(operand.exact.reshape(-1), -_FAR, _FAR))


def pad(node: NodeView, shape: Shape, x: Running, *given: Running | None) -> Running:
    """Follow Pad; opset 18 may name the axes."""
    widths, value, axes = (*given, None, None, None)[:3]
    pads = node.integers("pads") if widths is None else _whole(widths)
    assert pads is not None, "every Pad has widths"
    over = range(x.exact.ndim) if axes is None else _whole(axes)
    around = [(0, 0)] * x.exact.ndim
    for index, axis in enumerate(over):
        around[axis] = (pads[index], pads[index + len(pads) // 2])
    mode = node.text("mode", "constant")
    if mode != "constant":
        return x.moved(lambda array: np.pad(array, around, mode=_PAD_MODES[mode]))
    fill = node.number("value", 0.0) if value is None else value.exact.item()
    exactly_0 = x.moved(lambda array: np.pad(array, around))
    return replace(exactly_0, exact=np.pad(x.exact, around, constant_values=fill))


_PAD_MODES: dict[str, Any] = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def resize(node: NodeView, shape: Shape, x: Running, *_: Running | None) -> Running:
    """Follow Resize and Upsample to the nearest neighbour by whole factors."""
    factors = [new // old for new, old in zip(shape, x.exact.shape, strict=True)]
    exact = tuple(old * factor for old, factor in zip(x.exact.shape, factors, strict=True))
    if node.text("mode", "nearest") != "nearest" or exact != tuple(shape):
        return Running.unknown(tuple(shape))

    def repeated(array: Array) -> Array:
        for axis, factor in enumerate(factors):
            array = array.repeat(factor, axis) if factor > 1 else array
        return array

    return x.moved(repeated)


def depth_to_space(node: NodeView, shape: Shape, x: Running) -> Running:
    """Follow DepthToSpace in both of its orders."""
    side = node.integer("blocksize", 1)
    frames, depth, height, width = x.exact.shape
    inner = depth // side**2
    if node.text("mode", "DCR") == "CRD":
        parts, order = (frames, inner, side, side, height, width), (0, 1, 4, 2, 5, 3)
    else:
        parts, order = (frames, side, side, inner, height, width), (0, 3, 4, 1, 5, 2)
    return x.moved(lambda array: array.reshape(parts).transpose(order).reshape(shape))


def space_to_depth(node: NodeView, shape: Shape, x: Running) -> Running:
    """Follow SpaceToDepth."""
    side = node.integer("blocksize", 1)
    frames, depth, height, width = x.exact.shape
    parts = (frames, depth, height // side, side, width // side, side)
    return x.moved(lambda array: array.reshape(parts).transpose(0, 3, 5, 1, 2, 4).reshape(shape))


def gather(node: NodeView, shape: Shape, x: Running, indices: Running) -> Running:
    """Follow Gather with constant indices."""
    picked, axis = indices.exact.astype(np.int64), node.integer("axis", 0)
    return x.moved(lambda array: array.take(picked, axis))


def expand(node: NodeView, shape: Shape, x: Running, *_: Running | None) -> Running:
    """Follow Expand."""
    return x.moved(lambda array: np.broadcast_to(array, shape))


def tile(node: NodeView, shape: Shape, x: Running, repeats: Running) -> Running:
    """Follow Tile."""
    return x.moved(lambda array: np.tile(array, _whole(repeats)))


def channels_first(x: Running) -> Running:
    """Return numbers whose last axis, the channels, comes second."""
    return x.moved(lambda array: np.moveaxis(array, -1, 1))


def channels_last(x: Running) -> Running:
    """Return numbers whose second axis, the channels, comes last."""
    return x.moved(lambda array: np.moveaxis(array, 1, -1))
