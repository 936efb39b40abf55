"""Pools: the largest element or the sum of each window, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.graph import Op
from bitmason.ir.ops.windows import Pair, output_extents, window_view
from bitmason.ir.types import (
    Array,
    Bipolar,
    IntArray,
    IntType,
    Real,
    TensorType,
    bits_needed,
    int_type,
)

KINDS = ("max", "sum")
_ONE: Pair = (1, 1)
_NONE: Pair = (0, 0)
_MAX_SUM_BITS = 48


@dataclass(frozen=True)
class MaxPool(Op):
    """Keep the largest element of each window of each channel; pixels outside never win.

    `x[H, W, C]`, integer or real, becomes `y[OH, OW, C]` (ONNX MaxPool with the channels last).
    `low` and `high` are the rows and columns that windows may reach beyond the image, before and
    behind it.
    """

    name: ClassVar[str] = "max_pool"

    kernel: Pair
    stride: Pair = _ONE
    dilation: Pair = _ONE
    low: Pair = _NONE
    high: Pair = _NONE

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if len(x.shape) != 3:
            fail("I001", f"max_pool needs an image of three axes, found {x}")
        if min(*self.low, *self.high) < 0:
            fail("I001", "max_pool has negative padding")
        height, width, channels = x.shape
        padded = (
            height + self.low[0] + self.high[0],
            width + self.low[1] + self.high[1],
            channels,
        )
        image = TensorType(padded, x.elem)
        positions = output_extents(self.name, image, self.kernel, self.stride, self.dilation)
        for axis, count in enumerate(positions):
            if not self._meets_pixels(axis, count, x.shape[axis]):
                fail("I001", f"max_pool has windows that lie beyond {x}")
        return TensorType((*positions, channels), x.elem)

    def _meets_pixels(self, axis: int, count: int, extent: int) -> bool:
        """Return whether every window has a tap inside the image, along one axis."""
        origins = np.arange(count)[:, np.newaxis] * self.stride[axis] - self.low[axis]
        taps = origins + np.arange(self.kernel[axis]) * self.dilation[axis]
        return bool(np.all(np.any((taps >= 0) & (taps < extent), axis=1)))

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        if any(self.low) or any(self.high):
            (top, left), (bottom, right) = self.low, self.high
            around = ((0, 0), (top, bottom), (left, right), (0, 0))
            least = -np.inf if x.dtype.kind not in "iu" else np.iinfo(x.dtype).min
            x = np.pad(x, around, constant_values=least)
        view = window_view(x, self.kernel, self.stride, self.dilation)
        best: Array = view.max(axis=(3, 4))
        return best


@dataclass(frozen=True)
class SumPool(Op):
    """Sum each window of each channel: an average pool whose division is left to the scale.

    Integer `x[H, W, C]` becomes `y[OH, OW, C]` (ONNX AveragePool with the channels last).
    """

    name: ClassVar[str] = "sum_pool"

    kernel: Pair
    stride: Pair = _ONE
    dilation: Pair = _ONE

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        positions = output_extents(self.name, x, self.kernel, self.stride, self.dilation)
        elem = reduced(self.name, "sum", x.elem, self.kernel[0] * self.kernel[1])
        return TensorType((*positions, x.shape[2]), elem)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        view = window_view(x, self.kernel, self.stride, self.dilation)
        total: IntArray = view.sum(axis=(3, 4), dtype=np.int64)
        return total


@dataclass(frozen=True)
class GlobalPool(Op):
    """Take the largest element or the sum of each channel of a whole image.

    `x[H, W, C]` becomes `y[1, 1, C]`; `kind` is "max" or "sum".
    """

    name: ClassVar[str] = "global_pool"

    kind: str

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if len(x.shape) != 3:
            fail("I001", f"global_pool needs an image of three axes, found {x}")
        elem = reduced(self.name, self.kind, x.elem, x.shape[0] * x.shape[1])
        return TensorType((1, 1, x.shape[2]), elem)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        return reduce(self.kind, x, (1, 2), keepdims=True)


@dataclass(frozen=True)
class Pool(Op):
    """Take the largest element or the sum over the taps of windows, channel by channel.

    `x[..., taps * C]`, in the order (c // block, tap, c % block) that `windows` makes, becomes
    `y[..., C]`; `kind` is "max" or "sum".
    """

    name: ClassVar[str] = "pool"

    kind: str
    taps: int
    block: int

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if min(self.taps, self.block) < 1 or not x.shape or x.shape[-1] % (self.taps * self.block):
            fail("I001", f"pool of {self.taps} taps in blocks of {self.block} does not fit {x}")
        elem = reduced(self.name, self.kind, x.elem, self.taps)
        return TensorType((*x.shape[:-1], x.shape[-1] // self.taps), elem)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        channels = x.shape[-1] // self.taps
        split = x.reshape(*x.shape[:-1], channels // self.block, self.taps, self.block)
        return reduce(self.kind, split, -2).reshape(*x.shape[:-1], channels)


def reduced(op: str, kind: str, elem: IntType | Real, count: int) -> IntType:
    """Return the type of the maximum or the sum of `count` integers of type `elem`."""
    if kind not in KINDS:
        fail("I001", f"{op} takes the {' or the '.join(KINDS)}, not '{kind}'")
    if isinstance(elem, Real):
        fail("I001", f"{op} needs an integer operand, found {elem}")
    if kind == "max":
        return elem
    if isinstance(elem, Bipolar):
        fail("I001", f"{op} sums bits or integers, not bipolar values: bit comes before")
    lo, hi = elem.lo * count, elem.hi * count
    if bits_needed(lo, hi) > _MAX_SUM_BITS:
        fail("P004", f"the sum needs {bits_needed(lo, hi)} bits, at most {_MAX_SUM_BITS}")
    return int_type(lo, hi)


def reduce(kind: str, x: Array, axis: int | tuple[int, ...], *, keepdims: bool = False) -> IntArray:
    """Return the maximum or the sum of integers along `axis`."""
    if kind == "max":
        best: IntArray = x.max(axis=axis, keepdims=keepdims)
        return best
    total: IntArray = x.sum(axis=axis, keepdims=keepdims, dtype=np.int64)
    return total
