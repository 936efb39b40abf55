"""Counting of thresholds on real numbers: the form in which FINN writes activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const, in_domain_of
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, IntArray, Real, TensorType, UInt, compact, int_type


@dataclass(frozen=True)
class Staircase(Op):
    """`y[..., c] = sum(x[..., c] >= steps[c, k] for k)` for real x and steps.

    One row of steps serves every channel (QONNX MultiThreshold, without its scale and bias).
    """

    name: ClassVar[str] = "staircase"

    steps: Const

    @property
    def out(self) -> UInt:
        """Type of the result."""
        counted = int_type(0, self.steps.shape[1])
        assert isinstance(counted, UInt)
        return counted

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if len(self.steps.shape) != 2 or not self.steps.array.size:
            fail("I001", f"staircase needs a matrix of steps, found {list(self.steps.shape)}")
        channels = x.shape[-1] if x.shape else 1
        if not isinstance(x.elem, Real) or self.steps.shape[0] not in {1, channels}:
            fail("I001", f"staircase has {self.steps.shape[0]} rows, its operand is {x}")
        return TensorType(x.shape, self.out)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        steps = in_domain_of(self.steps.array, x)
        total = np.zeros(x.shape, dtype=np.int64)
        for k in range(steps.shape[1]):
            total += np.asarray(x >= steps[:, k], dtype=bool)
        return compact(self.out, total)
