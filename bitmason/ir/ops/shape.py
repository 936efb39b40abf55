"""Reshape and transpose: the order of elements, never their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, TensorType


@dataclass(frozen=True)
class Reshape(Op):
    """Give a frame another shape; its elements keep their row-major order."""

    name: ClassVar[str] = "reshape"

    shape: tuple[int, ...]

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if min(self.shape, default=1) < 0 or prod(self.shape) != x.size:
            fail("I001", f"cannot give {x} the shape {list(self.shape)}: the sizes differ")
        return TensorType(self.shape, x.elem)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return x.reshape(len(x), *self.shape)


@dataclass(frozen=True)
class Transpose(Op):
    """Permute the axes of a frame: axis `i` of the result is axis `perm[i]` of the operand."""

    name: ClassVar[str] = "transpose"

    perm: tuple[int, ...]

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if sorted(self.perm) != list(range(len(x.shape))):
            fail("I001", f"{list(self.perm)} is not a permutation of the axes of {x}")
        return TensorType(tuple(x.shape[axis] for axis in self.perm), x.elem)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return np.ascontiguousarray(x.transpose(0, *(axis + 1 for axis in self.perm)))
