"""The border from real numbers to a custom floating-point format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const, in_domain_of
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.graph import Op
from bitmason.ir.ops.float_knobs import check_knobs
from bitmason.ir.rounding import ROUNDINGS, Rounding
from bitmason.ir.types import Array, Int, IntArray, Real, TensorType, broadcasts, compact


@dataclass(frozen=True)
class QuantiseFloat(Op):
    """Map real numbers to the ranks of the numbers of `format` that `x / scale` rounds to.

    float32 operands are computed in float32, step by step as the QONNX executor does (FloatQuant,
    whose formats have subnormals); float64 and fractions are computed exactly.
    Where `knobs` is not empty, the format may change from frame to frame: see `Compress`.
    """

    name: ClassVar[str] = "quantise_float"

    scale: Const
    format: CustomFloat
    rounding: Rounding
    knobs: tuple[int, ...] = ()

    @property
    def out(self) -> Int:
        """Type of the result."""
        return self.format.rank_type

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if not isinstance(x.elem, Real):
            fail("I001", f"quantise_float needs a real operand, found {x}")
        if not broadcasts(self.scale.shape, x.shape):
            fail("I001", f"a scale of shape {list(self.scale.shape)} does not fit {x}")
        check_knobs(self.name, self.format, self.knobs)
        if self.rounding not in ROUNDINGS:
            fail("I001", f"there is no rounding mode {self.rounding}")
        return TensorType(x.shape, self.out)

    def position(self, x: Array) -> Array:
        """Return `x / scale`: where `x` lies among the numbers of the format."""
        return x / in_domain_of(self.scale.array, x)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        position = self.position(x)
        if position.dtype == np.float32 and self.format.subnormals:
            position, rounding = self._as_executor(position), "ROUND"
        else:
            rounding = self.rounding
        return compact(self.out, self.format.at(self.knobs).ranks(position, rounding))

    def _as_executor(self, x: Array) -> Array:
        """Return the number of the format, or one too large for it, that qonnx rounds `x` to.

        The logarithm is rounded: next to a power of two the step may be that of the other side.
        """
        f, one = self.format, np.float32(1)
        with np.errstate(all="ignore"):
            exponent = np.floor(np.log2(np.abs(x) + np.finfo(np.float32).tiny)) - f.m_bits * one
            step = np.exp2(np.maximum(exponent, (1 - f.bias - f.m_bits) * one))
            return np.asarray(step * ROUNDINGS[self.rounding](x / step))

    def to_turn(self, position: Array) -> Array:
        """Return how far each position is from the nearest one where the result may change."""
        turns = self.format.turns(self.rounding)
        x = position.astype(np.float64)
        above = np.clip(np.searchsorted(turns, x), 1, len(turns) - 1)
        return np.asarray(np.minimum(np.abs(x - turns[above - 1]), np.abs(turns[above] - x)))
