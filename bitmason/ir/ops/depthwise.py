"""Depthwise product: one kernel for each channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Op
from bitmason.ir.ops.dense import (
    MAX_ACCUMULATOR_BITS,
    accumulator,
    bounds_of,
    reach_of,
    stored_type,
)
from bitmason.ir.types import (
    Array,
    IntArray,
    IntType,
    Real,
    TensorType,
    bits_needed,
    contains,
    int_type,
)


@dataclass(frozen=True)
class Depthwise(Op):
    """Multiply the taps of each channel's window by a kernel of the channel's own.

    `y[..., c] = sum(weights[c, t] * x[..., c, t] for t)` for `x[..., taps * C]` in the order
    (c // block, tap, c % block) that `windows` makes; `weights` has shape `(C, taps)`.
    """

    name: ClassVar[str] = "depthwise"

    weights: Const
    weight: IntType
    block: int

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        channels, taps = self.weights.matrix_shape(self.name)
        if not contains(self.weight, self.weights.array):
            fail("I001", f"depthwise holds weights outside {self.weight}")
        if isinstance(x.elem, Real):
            fail("I001", f"depthwise needs an integer operand, found {x}")
        if not x.shape or x.shape[-1] != channels * taps:
            fail("I001", f"depthwise has {channels} x {taps} weights, its operand is {x}")
        if self.block < 1 or channels % self.block:
            fail("I001", f"depthwise in blocks of {self.block} cannot hold {channels} channels")
        lo, hi = bounds_of(self.weights.int64(), x.elem)
        bits = bits_needed(lo, hi)
        if bits > MAX_ACCUMULATOR_BITS:
            fail("P004", f"the sum needs {bits} bits, at most {MAX_ACCUMULATOR_BITS} are supported")
        return TensorType((*x.shape[:-1], channels), int_type(lo, hi))

    @property
    def stored(self) -> IntType:
        """The narrowest type that holds these very weights."""
        return stored_type(self.weights.int64())

    @cached_property
    def _reach(self) -> int:
        return reach_of(self.weights.int64())

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        channels, taps = self.weights.shape
        split = x.reshape(*x.shape[:-1], channels // self.block, taps, self.block)
        weights = self.weights.array.reshape(channels // self.block, self.block, taps)
        dtype = accumulator(x, self._reach)
        total: IntArray = np.zeros((*x.shape[:-1], channels // self.block, self.block), dtype)
        for tap in range(taps):
            total += split[..., tap, :] * weights[..., tap].astype(dtype)
        return total.reshape(*x.shape[:-1], channels)
