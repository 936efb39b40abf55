"""Elementwise functions of real numbers: what stands between an integer and its next quantiser.

Invariant: each works alike on float32 (as the QONNX executor computes), float64 and exact
fractions; none reaches the hardware, tabulation turns them into thresholds or tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const, exact, in_domain_of
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, Real, TensorType, broadcasts


def _need_real(op: str, operands: Sequence[TensorType]) -> None:
    for operand in operands:
        if not isinstance(operand.elem, Real):
            fail("I001", f"{op} needs real operands, found {operand}")


def _constant_result(op: str, operands: Sequence[TensorType], constant: Const) -> TensorType:
    (x,) = operands
    _need_real(op, operands)
    if not broadcasts(constant.shape, x.shape):
        fail("I001", f"{op}: a constant of shape {list(constant.shape)} does not fit {x}")
    return x


@dataclass(frozen=True)
class AddConst(Op):
    """`y = x + value`, the constant broadcast over the frame."""

    name: ClassVar[str] = "add_const"
    value: Const

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        return _constant_result(self.name, operands, self.value)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return x + in_domain_of(self.value.array, x)


@dataclass(frozen=True)
class MulConst(Op):
    """`y = x * value`, the constant broadcast over the frame."""

    name: ClassVar[str] = "mul_const"
    value: Const

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        return _constant_result(self.name, operands, self.value)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return x * in_domain_of(self.value.array, x)


@dataclass(frozen=True)
class DivConst(Op):
    """`y = x / value`, the constant broadcast over the frame."""

    name: ClassVar[str] = "div_const"
    value: Const

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        return _constant_result(self.name, operands, self.value)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return x / in_domain_of(self.value.array, x)


def _binary_result(op: str, operands: Sequence[TensorType]) -> TensorType:
    _need_real(op, operands)
    a, b = operands
    if a.shape != b.shape:
        fail("I001", f"{op} needs operands of one shape, found {a} and {b}")
    return a


@dataclass(frozen=True)
class Add(Op):
    """`y = a + b`, elementwise."""

    name: ClassVar[str] = "add"
    arity: ClassVar[int] = 2

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        return _binary_result(self.name, operands)

    def evaluate(self, *operands: Array) -> Array:
        a, b = operands
        return a + b


@dataclass(frozen=True)
class Sub(Op):
    """`y = a - b`, elementwise."""

    name: ClassVar[str] = "sub"
    arity: ClassVar[int] = 2

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        return _binary_result(self.name, operands)

    def evaluate(self, *operands: Array) -> Array:
        a, b = operands
        return a - b


@dataclass(frozen=True)
class Mul(Op):
    """`y = a * b`, elementwise."""

    name: ClassVar[str] = "mul"
    arity: ClassVar[int] = 2

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        return _binary_result(self.name, operands)

    def evaluate(self, *operands: Array) -> Array:
        a, b = operands
        return a * b


@dataclass(frozen=True)
class Clip(Op):
    """`y = min(max(x, lo), hi)`; a bound of None is absent. ReLU is `clip(lo = 0)`."""

    name: ClassVar[str] = "clip"
    lo: float | None = None
    hi: float | None = None

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        _need_real(self.name, operands)
        return x

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        number: Any = Fraction if x.dtype == np.dtype(object) else x.dtype.type
        if self.lo is not None and self.lo != -math.inf:
            x = np.maximum(x, number(self.lo))
        if self.hi is not None and self.hi != math.inf:
            x = np.minimum(x, number(self.hi))
        return x


@dataclass(frozen=True)
class LeakyRelu(Op):
    """`y = x` where `x >= 0`, `alpha * x` elsewhere; PReLU has one `alpha` per channel."""

    name: ClassVar[str] = "leaky_relu"
    alpha: Const

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        return _constant_result(self.name, operands, self.alpha)

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        return np.asarray(np.where(x >= 0, x, x * in_domain_of(self.alpha.array, x)))


def _sigmoid(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -700.0, 700.0))))


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, np.zeros_like(x))


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


_TRANSCENDENTAL: dict[str, Callable[[Array], Array]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "exp": np.exp,
    "softplus": _softplus,
    "elu": _elu,
}
_RATIONAL: dict[str, Callable[[Array], Array]] = {"sign": np.sign, "abs": np.abs}
_LARGEST = np.finfo(np.float64).max
FUNCTIONS = tuple({**_TRANSCENDENTAL, **_RATIONAL})


@dataclass(frozen=True)
class Unary(Op):
    """`y = function(x)`: sigmoid, tanh, exp, softplus, elu (alpha 1), sign or abs.

    The transcendental ones are defined by their float64 value, also where fractions flow; there
    the largest float64 stands for infinity.
    """

    name: ClassVar[str] = "unary"
    function: str

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        _need_real(self.name, operands)
        if self.function not in FUNCTIONS:
            fail("I001", f"there is no function {self.function}")
        return x

    def evaluate(self, *operands: Array) -> Array:
        (x,) = operands
        if self.function in _RATIONAL:
            return _RATIONAL[self.function](x)
        function = _TRANSCENDENTAL[self.function]
        with np.errstate(over="ignore"):
            if x.dtype == np.dtype(object):
                return exact(np.clip(function(x.astype(np.float64)), -_LARGEST, _LARGEST))
            return function(x)
