"""What follows the last layer of a classifier and stays on the host: softmax and top-k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, Real, TensorType, int_type


@dataclass(frozen=True)
class Softmax(Op):
    """`y = exp(x - max(x)) / sum(exp(x - max(x)))` over one axis of the frame."""

    name: ClassVar[str] = "softmax"
    axis: int = -1

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if not isinstance(x.elem, Real) or not -len(x.shape) <= self.axis < 0:
            fail("I001", f"softmax over axis {self.axis} does not fit {x}")
        return x

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        raised = np.exp(x - x.max(axis=self.axis, keepdims=True))
        return np.asarray(raised / raised.sum(axis=self.axis, keepdims=True))


@dataclass(frozen=True)
class TopK(Op):
    """The `k` largest elements of the last axis, largest first, the lower index first on ties.

    `indices` chooses whether the result is their positions or their values.
    """

    name: ClassVar[str] = "top_k"
    k: int
    indices: bool

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if not x.shape or not 1 <= self.k <= x.shape[-1]:
            fail("I001", f"top_k with k = {self.k} does not fit {x}")
        elem = int_type(0, x.shape[-1] - 1) if self.indices else x.elem
        return TensorType((*x.shape[:-1], self.k), elem)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        # Turned round instead of negated: the least integer of a narrow array has no negative.
        rising = np.argsort(x[..., ::-1], axis=-1, kind="stable")
        order = (x.shape[-1] - 1 - rising)[..., ::-1][..., : self.k]
        return order.astype(np.int64) if self.indices else np.take_along_axis(x, order, axis=-1)
