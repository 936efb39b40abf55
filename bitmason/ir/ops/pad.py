"""Padding around an image and between its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.graph import Op
from bitmason.ir.ops.windows import Pair
from bitmason.ir.types import (
    Array,
    Bipolar,
    IntArray,
    IntType,
    Real,
    TensorType,
    bits_needed,
    compact,
    contains,
    int_type,
)

MAX_PADDED_BITS = 48


@dataclass(frozen=True)
class Pad(Op):
    """Put pixels of a constant value around an image and between its pixels.

    `x[H, W, C]` becomes `y[low + (H - 1) * step + 1 + high, ..., C]`, as XLA's Pad with an
    interior padding of `step - 1`. `value` is one integer, or one per channel: the code of zero
    where a convolution is padded.
    """

    name: ClassVar[str] = "pad"

    low: Pair
    high: Pair
    value: tuple[int, ...] = (0,)
    step: Pair = (1, 1)

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if isinstance(x.elem, Real) or len(x.shape) != 3:
            fail("I001", f"pad needs an integer image of three axes, found {x}")
        if min(*self.low, *self.high) < 0 or min(self.step) < 1:
            fail("I001", "pad needs widths of 0 or more and steps of 1 or more")
        if len(self.value) not in {1, x.shape[2]}:
            fail("I001", f"pad has {len(self.value)} values for {x.shape[2]} channels")
        known = contains(x.elem, np.array(self.value))
        elem = x.elem if known else widened(x.elem, min(self.value), max(self.value))
        rows, columns = self._extents(x.shape[0], x.shape[1])
        return TensorType((rows, columns, x.shape[2]), elem)

    def _extents(self, height: int, width: int) -> Pair:
        (top, left), (bottom, right) = self.low, self.high
        down, across = self.step
        return (
            top + (height - 1) * down + 1 + bottom,
            left + (width - 1) * across + 1 + right,
        )

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        frames, height, width, channels = x.shape
        value = np.array(self.value, dtype=np.int64)
        largest = int_type(
            min(int(value.min()), int(x.min(initial=0))),
            max(int(value.max()), int(x.max(initial=0))),
        )
        padded = np.empty((frames, *self._extents(height, width), channels), np.int64)
        padded = compact(largest, padded)
        padded[:] = value
        (top, left), (down, across) = self.low, self.step
        bottom, right = top + (height - 1) * down + 1, left + (width - 1) * across + 1
        padded[:, top:bottom:down, left:right:across] = x
        return padded


def widened(elem: IntType, lo: int, hi: int) -> IntType:
    """Return a type that also holds every integer from `lo` to `hi`; `elem` itself if it does.

    Raises:
        CompileError: I001 when no type is as wide.
    """
    if not isinstance(elem, Bipolar) and elem.lo <= lo <= hi <= elem.hi:
        return elem
    lowest, highest = min(lo, elem.lo), max(hi, elem.hi)
    if bits_needed(lowest, highest) > MAX_PADDED_BITS:
        fail("I001", f"values {lowest}..{highest} need more than {MAX_PADDED_BITS} bits")
    return int_type(lowest, highest)
