"""Which elements of which tensor, and where: concatenation, cropping, repetition, reordering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Op
from bitmason.ir.ops.pad import widened
from bitmason.ir.ops.windows import Pair
from bitmason.ir.types import Array, Real, TensorType


@dataclass(frozen=True)
class Concat(Op):
    """Put tensors side by side along their last axis, the channels."""

    name: ClassVar[str] = "concat"
    arity: ClassVar[int | None] = None

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        first = operands[0]
        elem = first.elem
        for x in operands:
            if not x.shape or x.shape[:-1] != first.shape[:-1]:
                fail("I001", f"concat cannot join {first} and {x}: their shapes differ")
            if isinstance(elem, Real) or isinstance(x.elem, Real):
                if elem != x.elem:
                    fail("I001", f"concat cannot join {first} and {x}")
            elif elem != x.elem:
                elem = widened(elem, x.elem.lo, x.elem.hi)
        channels = sum(x.shape[-1] for x in operands)
        return TensorType((*first.shape[:-1], channels), elem)

    def evaluate(self, *operands: Array) -> Array:
        return np.concatenate(operands, axis=-1)


@dataclass(frozen=True)
class Crop(Op):
    """Keep a part of a tensor: `size` elements of each axis from `start` on, `step` apart."""

    name: ClassVar[str] = "crop"

    start: tuple[int, ...]
    size: tuple[int, ...]
    step: tuple[int, ...]

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if not len(self.start) == len(self.size) == len(self.step) == len(x.shape):
            fail("I001", f"crop of {len(self.start)} axes does not fit {x}")
        axes = zip(self.start, self.size, self.step, x.shape, strict=True)
        for start, size, step, extent in axes:
            if start < 0 or size < 1 or step < 1 or start + (size - 1) * step >= extent:
                fail("I001", f"crop of {size} from {start} in steps of {step} does not fit {x}")
        return TensorType(self.size, x.elem)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        axes = zip(self.start, self.size, self.step, strict=True)
        kept = tuple(slice(start, start + (n - 1) * step + 1, step) for start, n, step in axes)
        return np.ascontiguousarray(x[(slice(None), *kept)])


@dataclass(frozen=True)
class Upsample(Op):
    """Repeat every pixel of `x[H, W, C]`, `factors` times down and across (nearest neighbour)."""

    name: ClassVar[str] = "upsample"

    factors: Pair

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if len(x.shape) != 3 or min(self.factors) < 1:
            fail("I001", f"upsample by {self.factors} does not fit {x}")
        height, width, channels = x.shape
        return TensorType((height * self.factors[0], width * self.factors[1], channels), x.elem)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return x.repeat(self.factors[0], axis=1).repeat(self.factors[1], axis=2)


@dataclass(frozen=True)
class Reorder(Op):
    """Permute the elements inside each block of a frame, then give the frame a shape.

    A frame in row-major order is cut into blocks of as many elements as `order` has; element i of
    the new block is element `order[i]` of the old one.
    """

    name: ClassVar[str] = "reorder"

    order: Const
    shape: tuple[int, ...]

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        order = self.order.array
        length = order.size
        whole = length > 0 and order.dtype.kind in "iu"
        if not whole or not np.array_equal(np.sort(order), np.arange(length)):
            fail("I001", "reorder needs a permutation")
        if x.size % length or min(self.shape, default=1) < 0 or prod(self.shape) != x.size:
            fail("I001", f"reorder of blocks of {length} to {list(self.shape)} does not fit {x}")
        return TensorType(self.shape, x.elem)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        length = self.order.array.size
        blocks = x.reshape(len(x), prod(self.shape) // length, length)
        moved: Array = blocks[:, :, self.order.array]
        return moved.reshape(len(x), *self.shape)
