"""What convolutions and pools do to the rounding errors of their operands.

Invariant: a rule bounds every order of operations that onnxruntime may choose for its operator, and
reads where its windows lie from the shape of the executor's own result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from bitmason.frontend.node_view import NodeView
from bitmason.frontend.running_error import Running
from bitmason.ir.types import Array, Shape


@dataclass(frozen=True)
class _Windows:
    """Where the windows of an operator lie along the axes behind batch and channels."""

    kernel: Shape
    stride: Shape
    dilation: Shape
    low: Shape
    high: Shape
    count: Shape

    @classmethod
    def of(cls, node: NodeView, kernel: Shape, image: Shape, count: Shape) -> _Windows:
        """Return the windows of `node` over an `image`, `count` of them along each axis."""
        rank = len(kernel)
        stride = node.integers("strides") or (1,) * rank
        dilation = node.integers("dilations") or (1,) * rank
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        covered = [(n - 1) * s + span for n, s, span in zip(count, stride, spans, strict=True)]
        spare = [max(length - extent, 0) for length, extent in zip(covered, image, strict=True)]
        pads = _pads(node, spare)
        return cls(kernel, stride, dilation, pads[:rank], pads[rank:], count)

    def over(self, x: Array, fill: float) -> Array:
        """Return a view `(frames, channels, *count, *kernel)` of `x`, surrounded by `fill`."""
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        steps = zip(self.count, self.stride, spans, strict=True)
        framed = _framed(x, self.low, [(n - 1) * s + span for n, s, span in steps], fill)
        axes = tuple(range(2, x.ndim))
        view = np.lib.stride_tricks.sliding_window_view(framed, spans, axis=axes)
        every = [slice(None, None, step) for step in (*self.stride, *self.dilation)]
        return view[(slice(None), slice(None), *every)]


def _pads(node: NodeView, spare: Sequence[int]) -> Shape:
    """Return the padding before and behind each axis, of which `spare` is what it adds up to."""
    rule = node.text("auto_pad", "NOTSET")
    if rule in ("SAME_UPPER", "SAME_LOWER"):
        smaller = tuple(length // 2 for length in spare)
        larger = tuple(length - half for length, half in zip(spare, smaller, strict=True))
        return smaller + larger if rule == "SAME_UPPER" else larger + smaller
    return node.integers("pads") or (0,) * (2 * len(spare))


def _framed(x: Array, low: Sequence[int], reach: Sequence[int], fill: float) -> Array:
    """Return `reach` elements along each axis behind the channels, from `low` before `x` on."""
    kept, around = [slice(None)] * 2, [(0, 0)] * 2
    for before, length, extent in zip(low, reach, x.shape[2:], strict=True):
        first, last = max(-before, 0), min(length - before, extent)
        kept.append(slice(first, last))
        around.append((max(before, 0), max(length - before - extent, 0)))
    inside = x[tuple(kept)]
    if not any(map(any, around)):
        return inside
    return np.pad(inside, around, constant_values=fill)


def _convolve(x: Array, weights: Array, windows: _Windows, groups: int) -> Array:
    """Return the sums of products, frame by frame: windows repeat every pixel."""
    outputs, rank = len(weights), len(windows.kernel)
    rows = weights.reshape(groups, outputs // groups, -1)
    positions, taps = range(1, 1 + rank), range(1 + rank, 1 + 2 * rank)
    products = [
        rows @ view.transpose(0, *taps, *positions).reshape(groups, rows.shape[2], -1)
        for view in windows.over(x, 0.0)
    ]
    return np.stack(products).reshape(len(x), outputs, *windows.count)


def integers(weights: Running) -> Running:
    """Return weights as the golden model has them: integers, not rounded real numbers."""
    return replace(weights, golden=np.zeros_like(weights.exact))


def conv(
    node: NodeView, shape: Shape, x: Running, weights: Running, bias: Running | None = None
) -> Running:
    """Bound Conv, whose bias is one more term of every sum."""
    kernel, image = weights.exact.shape[2:], x.exact.shape[2:]
    windows = _Windows.of(node, kernel, image, shape[2:])
    groups = node.integer("group", 1)
    return x.product(
        integers(weights),
        lambda a, b: _convolve(a, b, windows, groups),
        prod(weights.exact.shape[1:]),
        _per_channel(bias, len(kernel)),
    )


def conv_transpose(
    node: NodeView, shape: Shape, x: Running, weights: Running, bias: Running | None = None
) -> Running:
    """Bound ConvTranspose: a convolution of the image, spread out by the stride."""
    inputs, kernel, rank = len(weights.exact), weights.exact.shape[2:], x.exact.ndim - 2
    groups, stride = node.integer("group", 1), node.integers("strides") or (1,) * rank
    dilation = node.integers("dilations") or (1,) * rank
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    spread = [(n - 1) * s + 1 for n, s in zip(x.exact.shape[2:], stride, strict=True)]
    extra = node.integers("output_padding") or (0,) * rank
    whole = [n + span - 1 + more for n, span, more in zip(spread, spans, extra, strict=True)]
    spare = [length - extent for length, extent in zip(whole, shape[2:], strict=True)]
    cut = _transposed_pads(node, spare)
    low = tuple(span - 1 - length for span, length in zip(spans, cut, strict=False))
    windows = _Windows(kernel, (1,) * rank, dilation, low, (0,) * rank, tuple(shape[2:]))

    def multiply(a: Array, b: Array) -> Array:
        image = np.zeros((*a.shape[:2], *spread), a.dtype)
        image[(slice(None), slice(None), *(slice(None, None, step) for step in stride))] = a
        split = b.reshape(groups, inputs // groups, -1, *kernel).swapaxes(1, 2)
        turned = np.flip(split, axis=tuple(range(3, 3 + rank)))
        return _convolve(image, turned.reshape(-1, inputs // groups, *kernel), windows, groups)

    count = inputs // groups * prod(kernel)
    return x.product(integers(weights), multiply, count, _per_channel(bias, rank))


def _transposed_pads(node: NodeView, spare: Sequence[int]) -> Shape:
    """Return what is cut off before and behind each axis, `spare` in all."""
    if node.integers("output_shape") is None:
        return _pads(node, spare)
    smaller = tuple(length // 2 for length in spare)
    larger = tuple(length - half for length, half in zip(spare, smaller, strict=True))
    return smaller + larger if node.text("auto_pad", "NOTSET") == "SAME_UPPER" else larger + smaller


def _per_channel(bias: Running | None, rank: int) -> Running | None:
    return None if bias is None else bias.moved(lambda row: row.reshape(-1, *(1,) * rank))


def max_pool(node: NodeView, shape: Shape, x: Running) -> Running:
    """Bound MaxPool, which rounds nothing."""
    windows = _pool(node, shape, x)
    axes = _last(len(windows.kernel))
    return x.monotone(lambda array: windows.over(array, -np.inf).max(axis=axes))


def average_pool(node: NodeView, shape: Shape, x: Running) -> Running:
    """Bound AveragePool: a sum, and a division or a multiplication by a rounded reciprocal."""
    windows = _pool(node, shape, x)
    axes, around = _last(len(windows.kernel)), zip(windows.low, windows.high, strict=True)
    with_padding = bool(node.integer("count_include_pad", 0))
    counted = np.pad(
        np.ones((1, 1, *x.exact.shape[2:])),
        ((0, 0), (0, 0), *around),
        constant_values=float(with_padding),
    )
    from_there = replace(windows, low=(0,) * len(axes))
    divisor = from_there.over(counted, 0.0).sum(axis=axes)

    def mean(array: Array) -> Array:
        return np.asarray(windows.over(array, 0.0).sum(axis=axes) / divisor)

    return x.weighted(mean, prod(windows.kernel) + 2)


def _pool(node: NodeView, shape: Shape, x: Running) -> _Windows:
    kernel = node.integers("kernel_shape")
    assert kernel is not None, "every pool has a kernel"
    return _Windows.of(node, kernel, x.exact.shape[2:], tuple(shape[2:]))


def _last(rank: int) -> tuple[int, ...]:
    return tuple(range(-rank, 0))


def reduced(node: NodeView, x: Running, axes: Running | None) -> tuple[int, ...]:
    """Return the axes that a reduction or a global pool is over."""
    if node.op.startswith("Global"):
        return tuple(range(2, x.exact.ndim))
    given: Any = node.integers("axes") if axes is None else axes.exact.reshape(-1)
    if given is None or not len(given):
        return () if node.integer("noop_with_empty_axes", 0) else tuple(range(x.exact.ndim))
    return tuple(int(axis) for axis in given)


def average(node: NodeView, shape: Shape, x: Running, axes: Running | None = None) -> Running:
    """Bound ReduceMean and GlobalAveragePool."""
    over = reduced(node, x, axes)
    count = prod(x.exact.shape[axis] for axis in over)
    return x.weighted(lambda array: array.mean(axis=over).reshape(shape), count + 2)


def total(node: NodeView, shape: Shape, x: Running, axes: Running | None = None) -> Running:
    """Bound ReduceSum."""
    over = reduced(node, x, axes)
    count = prod(x.exact.shape[axis] for axis in over)
    return x.weighted(lambda array: array.sum(axis=over).reshape(shape), count)


def largest(node: NodeView, shape: Shape, x: Running, axes: Running | None = None) -> Running:
    """Bound ReduceMax and GlobalMaxPool, which round nothing."""
    over = reduced(node, x, axes)
    return x.monotone(lambda array: array.max(axis=over).reshape(shape))
