"""Convolution of integers, in groups if wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Op
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.windows import Pair, Windows, output_extents
from bitmason.ir.types import Array, IntArray, IntType, Real, TensorType, contains

_ONE: Pair = (1, 1)


@dataclass(frozen=True)
class Conv(Op):
    """Slide integer kernels over an image, without padding: `pad` comes before.

    `y[i, j, o] = sum(weights[o, p, q, c] * x[i * s + p * d, j * s + q * d, g * CG + c])` over p, q
    and the CG = C / groups channels of o's group g, for `x[H, W, C]` and `weights[O, KH, KW, CG]`
    (ONNX Conv with the channels last). A signal of one dimension is an image of one row.
    """

    name: ClassVar[str] = "conv"

    weights: Const
    weight: IntType
    stride: Pair = _ONE
    dilation: Pair = _ONE
    groups: int = 1

    @property
    def kernel(self) -> Pair:
        """Rows and columns of the kernel."""
        return self.weights.shape[1], self.weights.shape[2]

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        weights = self.weights.array
        if weights.ndim != 4 or not weights.size or weights.dtype.kind not in "iu":
            found = f"{weights.dtype}{list(weights.shape)}"
            fail("I001", f"conv needs integer weights of four axes, found {found}")
        if not contains(self.weight, weights):
            fail("I001", f"conv holds weights outside {self.weight}")
        if isinstance(x.elem, Real):
            fail("I001", f"conv needs an integer operand, found {x}")
        output_extents(self.name, x, self.kernel, self.stride, self.dilation)
        outputs, _, _, channels = self.weights.shape
        if self.groups < 1 or outputs % self.groups or channels * self.groups != x.shape[2]:
            fail(
                "I001",
                f"conv of {outputs} kernels with {channels} channels in {self.groups} groups "
                f"does not fit {x}",
            )
        return self.product.infer([self.windows.infer([x])])

    @cached_property
    def windows(self) -> Windows:
        """The windows that the kernels are multiplied with, group after group."""
        return Windows(self.kernel, self.stride, self.dilation, self.weights.shape[3])

    @cached_property
    def product(self) -> Dense:
        """The product of `windows` with the kernels as rows."""
        rows = self.weights.array.reshape(len(self.weights.array), -1)
        return Dense(Const(rows), self.weight, self.groups)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        # Windows repeat every pixel: a few frames at a time keep them in the cache.
        parts = [
            self.product.evaluate(self.windows.evaluate(x[start : start + _FRAMES_AT_ONCE]))
            for start in range(0, len(x), _FRAMES_AT_ONCE)
        ]
        empty = self.product.evaluate(self.windows.evaluate(x)) if not parts else parts[0]
        return np.concatenate(parts) if len(parts) > 1 else empty


_FRAMES_AT_ONCE = 16
