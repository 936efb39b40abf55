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
    accumulator,
    counted_weights,
    product_type,
    reach_of,
    stored_type,
)
from bitmason.ir.planes import check_cleared, clear_planes
from bitmason.ir.types import Array, IntArray, IntType, Real, TensorType, contains


@dataclass(frozen=True)
class Depthwise(Op):
    """Multiply the taps of each channel's window by a kernel of the channel's own.

    `y[..., c] = sum(weights[c, t] * x[..., c, t] for t)` for `x[..., taps * C]` in the order
    (c // block, tap, c % block) that `windows` makes; `weights` has shape `(C, taps)`. `cleared`
    as in `dense`.
    """

    name: ClassVar[str] = "depthwise"

    weights: Const
    weight: IntType
    block: int
    cleared: tuple[int, ...] = ()

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
        check_cleared(self.name, self.cleared, self.stored, x.elem)
        elem = product_type(self.weights.int64(), x.elem, reducible=bool(self.cleared))
        return TensorType((*x.shape[:-1], channels), elem)

    @property
    def stored(self) -> IntType:
        """The narrowest type that holds these very weights."""
        return stored_type(self.weights.int64())

    @cached_property
    def _counted(self) -> tuple[Const, int]:
        counted = counted_weights(self.weights, self.cleared)
        return counted, reach_of(counted.int64())

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        x = clear_planes(x, self.cleared[1]) if self.cleared else x
        counted, reach = self._counted
        channels, taps = self.weights.shape
        split = x.reshape(*x.shape[:-1], channels // self.block, taps, self.block)
        weights = counted.array.reshape(channels // self.block, self.block, taps)
        dtype = accumulator(x, reach)
        total: IntArray = np.zeros((*x.shape[:-1], channels // self.block, self.block), dtype)
        for tap in range(taps):
            total += split[..., tap, :] * weights[..., tap].astype(dtype)
        return total.reshape(*x.shape[:-1], channels)
