"""The borders between real numbers and integers: quantise and dequantise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const, in_domain_of
from bitmason.ir.graph import Op
from bitmason.ir.rounding import EXACT_ROUNDINGS, ROUNDINGS, Rounding
from bitmason.ir.types import (
    Array,
    Bipolar,
    IntArray,
    IntType,
    Real,
    TensorType,
    broadcasts,
    compact,
)

_EXACT_FLOAT64 = 2**53
_FLOAT64_EXPONENTS = 1024


@dataclass(frozen=True)
class Quantise(Op):
    """Map real numbers to integers as QONNX Quant and BipolarQuant do.

    `y = round(clamp(x / scale + zero_point, lo, hi))` with lo and hi of `out`; a bipolar `out` is
    +1 where `x / scale + zero_point >= 0` and -1 elsewhere. float32 operands are computed in
    float32, step by step as the QONNX executor does; fractions are computed exactly. Where a
    bound of `out` has more digits than the float has, the code still stays inside `out`.
    """

    name: ClassVar[str] = "quantise"

    scale: Const
    zero_point: Const
    out: IntType
    rounding: Rounding = "ROUND"

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if not isinstance(x.elem, Real):
            fail("I001", f"quantise needs a real operand, found {x}")
        for what, constant in (("scale", self.scale), ("zero point", self.zero_point)):
            if not broadcasts(constant.shape, x.shape):
                fail("I001", f"a {what} of shape {list(constant.shape)} does not fit {x}")
        if self.rounding not in ROUNDINGS:
            fail("I001", f"there is no rounding mode {self.rounding}")
        return TensorType(x.shape, self.out)

    def position(self, x: Array) -> Array:
        """Return `x / scale + zero_point`: where `x` lies on the integer grid, before rounding."""
        if self._is_unit:
            if x.dtype == np.dtype(object):
                return x
            kind = np.result_type(x, self.scale.array, self.zero_point.array)
            return x.astype(kind, copy=False)
        return x / in_domain_of(self.scale.array, x) + in_domain_of(self.zero_point.array, x)

    @cached_property
    def _is_unit(self) -> bool:
        return bool(np.all(self.scale.array == 1) and np.all(self.zero_point.array == 0))

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        position = self.position(x)
        if isinstance(self.out, Bipolar):
            positive: Array = (position >= 0).astype(np.int8)
            return 2 * positive - 1
        clamped = np.clip(position, self.out.lo, self.out.hi)
        if clamped.dtype == np.dtype(object):
            rounded: Array = np.frompyfunc(EXACT_ROUNDINGS[self.rounding], 1, 1)(clamped)
        else:
            rounded = ROUNDINGS[self.rounding](clamped)
        # Above 24 bits float32 cannot hold `hi`, so the clamp is only safe once more in integers.
        return compact(self.out, np.clip(rounded.astype(np.int64), self.out.lo, self.out.hi))


@dataclass(frozen=True)
class Dequantise(Op):
    """Map integers to the real numbers they stand for: `y = x * scale + offset`.

    `scale` and `offset` hold one fraction, or one per channel (last axis). The result is the
    exact value rounded once to float64, so equal rationals give equal bits however they are
    split into scale and offset; fractions stay fractions.
    """

    name: ClassVar[str] = "dequantise"

    scale: tuple[Fraction, ...]
    offset: tuple[Fraction, ...] = (Fraction(0),)

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if isinstance(x.elem, Real):
            fail("I001", f"dequantise needs an integer operand, found {x}")
        for what, values in (("scales", self.scale), ("offsets", self.offset)):
            if len(values) != 1 and (not x.shape or len(values) != x.shape[-1]):
                fail("I001", f"{len(values)} {what} do not fit {x}")
        return TensorType(x.shape, Real())

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        if x.dtype == np.dtype(object):
            s, o = (np.array(values, dtype=object) for values in (self.scale, self.offset))
            return np.asarray(x * s + o)
        scale, offset, divisor = self._over_common_divisor
        largest = max(int(x.max(initial=0)), -int(x.min(initial=0)))
        numerator = max(map(abs, scale)) * largest + max(map(abs, offset))
        if numerator < _EXACT_FLOAT64 and all(_is_float_power(d) for d in divisor):
            rows = (np.array(row, dtype=np.float64) for row in (scale, offset, divisor))
        else:  # Python's integers: exact, and their division rounds correctly
            rows = (np.array(row, dtype=object) for row in (scale, offset, divisor))
            x = x.astype(object)
        n, m, d = rows
        return np.asarray((x * n + m) / d, dtype=np.float64)

    @cached_property
    def _over_common_divisor(self) -> tuple[list[int], list[int], list[int]]:
        """Return integers n, m, d per channel with `y = (x * n + m) / d`."""
        count = max(len(self.scale), len(self.offset))
        pairs = zip(_stretch(self.scale, count), _stretch(self.offset, count), strict=True)
        rows = [(s, o, math.lcm(s.denominator, o.denominator)) for s, o in pairs]
        return (
            [int(s * d) for s, _, d in rows],
            [int(o * d) for _, o, d in rows],
            [r[2] for r in rows],
        )


def _is_float_power(divisor: int) -> bool:
    return divisor & (divisor - 1) == 0 and divisor.bit_length() < _FLOAT64_EXPONENTS


def _stretch(values: tuple[Fraction, ...], count: int) -> tuple[Fraction, ...]:
    return values * count if len(values) == 1 else values
