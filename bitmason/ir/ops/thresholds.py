"""Multi-threshold activation, the integer form of a quantised monotone function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, Bipolar, IntArray, IntType, Real, TensorType, compact, int_type

_FEW_STEPS = 8
_MAX_KEY = 2**62  # shifted channels must stay inside int64


@dataclass(frozen=True)
class Thresholds(Op):
    """For each channel, count how many of its thresholds the input reaches.

    `count[..., c] = sum(x[..., c] >= steps[c, k] for k)`; the result is `base + count` in an
    ascending channel and `base + K - count` in a descending one, K thresholds per channel. A
    bipolar result has K = 1 and stands for -1 and +1. The rows of `steps` ascend. Ties of the
    rounding that made them are already in the integers, so the comparison is exact.
    """

    name: ClassVar[str] = "thresholds"

    steps: Const
    descending: Const
    base: int
    out: IntType

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        channels, count = self.steps.matrix_shape(self.name)
        if isinstance(x.elem, Real) or not x.shape or x.shape[-1] != channels:
            fail("I001", f"thresholds has {channels} integer channels, its operand is {x}")
        if self.descending.shape != (channels,) or np.any(np.diff(self.steps.int64(), axis=1) < 0):
            fail("I001", "thresholds needs ascending rows and one direction per channel")
        if isinstance(self.out, Bipolar):
            fits = (self.base, count) == (0, 1)
        else:
            fits = self.out.lo <= self.base and self.base + count <= self.out.hi
        if not fits:
            fail("I001", f"thresholds reach {self.base}..{self.base + count}, outside {self.out}")
        return TensorType(x.shape, self.out)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        factor, summand = self._affine
        count = self._count(x, factor.dtype)
        count *= factor
        count += summand
        return compact(self.out, count)

    @cached_property
    def _affine(self) -> tuple[IntArray, IntArray]:
        """Return what turns a count into the result, per channel, in few bytes."""
        total, falls = self.steps.shape[1], self.descending.array
        sign, start = np.where(falls, -1, 1), np.where(falls, self.base + total, self.base)
        if isinstance(self.out, Bipolar):
            sign, start = 2 * sign, 2 * start - 1
        reach = 2 * total + abs(self.base)
        elem = int_type(-reach, reach)
        return compact(elem, sign), compact(elem, start)

    @property
    def any_descending(self) -> bool:
        """Whether any channel descends."""
        return bool(self.descending.array.any())

    def _count(self, x: Array, dtype: np.dtype[Any]) -> IntArray:
        steps = self.steps.int64()
        channels, count = steps.shape
        low = min(int(steps.min()), int(x.min(initial=0)))
        span = max(int(steps.max()), int(x.max(initial=0))) - low + 1
        if count <= _FEW_STEPS or channels * span > _MAX_KEY:
            known = np.iinfo(x.dtype)
            if known.min <= steps.min() and steps.max() <= known.max:
                steps = steps.astype(x.dtype)
            total: IntArray = (x >= steps[:, 0]).astype(dtype)
            for k in range(1, count):
                total += x >= steps[:, k]
            return total
        # One search for all channels: shift every channel into a range of its own.
        shift = np.arange(channels, dtype=np.int64) * span - low
        keys = (steps + shift[:, np.newaxis]).reshape(-1)
        found = np.searchsorted(keys, (x + shift).reshape(-1), side="right").reshape(x.shape)
        found -= np.arange(channels, dtype=np.int64) * count
        return found.astype(dtype)
