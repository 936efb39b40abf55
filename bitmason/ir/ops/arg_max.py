"""Index of the largest channel, the label of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, IntArray, TensorType, int_type


@dataclass(frozen=True)
class ArgMax(Op):
    """Index of the largest element of the last axis; the lowest index where several are largest.

    The axis stays, with length 1.
    """

    name: ClassVar[str] = "arg_max"

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if not x.shape or x.shape[-1] == 0:
            fail("I001", f"arg_max needs a channel, found {x}")
        return TensorType((*x.shape[:-1], 1), int_type(0, x.shape[-1] - 1))

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        index: IntArray = np.argmax(x, axis=-1, keepdims=True).astype(np.int64)
        return index
