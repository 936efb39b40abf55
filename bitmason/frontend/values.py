"""What an ONNX tensor is while a model is imported.

Invariant: a value is immutable; integers that a quantiser made keep their exact scale (fractions of
the file's floating-point constants) until a matrix product or an addition decides what they become.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bitmason.diagnostics import Loc
from bitmason.frontend.axes import Axes
from bitmason.ir import IntType
from bitmason.ir.types import Array, IntArray, Shape


@dataclass(frozen=True, eq=False)
class Constant:
    """Numbers known at import.

    `elem` is the range that integers were declared to have; `rounded` marks codes that
    QuantizeLinear made of stored real numbers, which a Clip behind it may still saturate.
    """

    array: Array
    elem: IntType | None = None
    rounded: bool = False


@dataclass(frozen=True, eq=False)
class Quantised:
    """Constant integers and the real numbers they stand for: `(codes - zero_point) * scale`.

    `scale` (fractions) and `zero_point` broadcast to the shape of `codes`.
    """

    codes: IntArray
    scale: Array
    zero_point: IntArray
    elem: IntType

    def real(self) -> Array:
        """Return the real numbers in float32, rounded as the QONNX executor rounds them."""
        shifted = (self.codes - self.zero_point).astype(np.float64)
        product: Array = shifted * self.scale.astype(np.float64)
        return product.astype(np.float32)

    def transposed(self, perm: Sequence[int]) -> Quantised:
        """Return the same numbers with their axes permuted."""
        rank = self.codes.ndim
        scale, zero_point = (
            part.reshape((1,) * (rank - part.ndim) + part.shape).transpose(perm)
            for part in (self.scale, self.zero_point)
        )
        return replace(self, codes=self.codes.transpose(perm), scale=scale, zero_point=zero_point)

    def columns(self, places: IntArray) -> Quantised:
        """Return the columns of a matrix in the order `places`."""
        scale, zero_point = (
            np.broadcast_to(part, self.codes.shape)[:, places] if part.size > 1 else part
            for part in (self.scale, self.zero_point)
        )
        return replace(self, codes=self.codes[:, places], scale=scale, zero_point=zero_point)

    def reshaped(self, shape: Shape) -> Quantised:
        """Return the same numbers in another shape."""
        scale, zero_point = (
            part.reshape(-1)
            if part.size == 1
            else np.broadcast_to(part, self.codes.shape).reshape(shape)
            for part in (self.scale, self.zero_point)
        )
        return replace(self, codes=self.codes.reshape(shape), scale=scale, zero_point=zero_point)


@dataclass(frozen=True)
class Activation:
    """A value of the IR graph that is being built, by name.

    `axes` tells where the axes of the ONNX tensor lie in it; None where they lie in order.
    """

    name: str
    axes: Axes | None = None


@dataclass(frozen=True, eq=False)
class Codes:
    """Integers that QuantizeLinear makes: `clamp(round(source / scale) + zero_point, lo, hi)`.

    They enter the graph where DequantizeLinear gives them their meaning, so that a Clip in
    between can narrow their range first; `label` and `loc` are those of QuantizeLinear.
    """

    source: Activation
    scale: Array
    zero_point: int
    lo: int
    hi: int
    label: str
    loc: Loc


@dataclass(frozen=True)
class Poison:
    """The result of a node that failed; whatever reads it stays silent."""


Value = Constant | Quantised | Activation | Codes | Poison
