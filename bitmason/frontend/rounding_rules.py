"""What each ONNX operator does to the rounding errors of its operands.

Invariant: a rule bounds every order of operations that onnxruntime may choose for its operator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bitmason.frontend.node_view import NodeView
from bitmason.frontend.running_error import FLOAT64_UNIT, Running
from bitmason.ir.types import Array

Rule = Callable[..., Running]


def _number(node: NodeView, name: str, default: float, like: Running) -> Running:
    exact = np.asarray(np.float32(node.number(name, default)), dtype=np.float64)
    return Running.exactly(exact, like.unit)


def _matmul(node: NodeView, shape: Sequence[int], a: Running, b: Running) -> Running:
    return a @ _integers(b)


def _integers(weights: Running) -> Running:
    """Return weights as the golden model has them: integers, not rounded real numbers."""
    if weights.unit == FLOAT64_UNIT:
        return Running(weights.exact, np.zeros_like(weights.exact), weights.unit)
    return weights


def _gemm(
    node: NodeView, shape: Sequence[int], a: Running, b: Running, c: Running | None = None
) -> Running:
    a = a.moved(np.transpose) if node.integer("transA", 0) else a
    b = b.moved(np.transpose) if node.integer("transB", 0) else b
    product = _scaled(a @ _integers(b), node, "alpha")
    return product if c is None else product + _scaled(c, node, "beta")


def _scaled(x: Running, node: NodeView, name: str) -> Running:
    factor = _number(node, name, 1.0, x)
    return x if factor.exact == 1 else x * factor


def _batch_norm(node: NodeView, shape: Sequence[int], x: Running, *rows: Running) -> Running:
    """Follow onnxruntime, which folds the four rows into a factor and a summand first."""
    channels = (-1,) + (1,) * (len(shape) - 2)
    gamma, beta, mean, variance = (row.moved(lambda array: array.reshape(channels)) for row in rows)
    spread = (variance + _number(node, "epsilon", 1e-5, x)).sqrt()
    scale = Running.exactly(np.ones(()), x.unit) / spread * gamma
    return x * scale + (beta - mean * scale)


def _clip(node: NodeView, shape: Sequence[int], x: Running, *bounds: Running | None) -> Running:
    given: list[Any] = [None if bound is None else bound.exact for bound in (*bounds, None, None)]
    lo = given[0] if given[0] is not None else node.number("min", -np.inf)
    hi = given[1] if given[1] is not None else node.number("max", np.inf)
    return x.monotone(lambda array: np.minimum(np.maximum(array, lo), hi))


def _hard_sigmoid(node: NodeView, shape: Sequence[int], x: Running) -> Running:
    line = x * _number(node, "alpha", 0.2, x) + _number(node, "beta", 0.5, x)
    return line.monotone(lambda array: np.clip(array, 0.0, 1.0))


def _extreme(choose: Callable[[Array, Array], Array]) -> Rule:
    def rule(node: NodeView, shape: Sequence[int], x: Running, limit: Running) -> Running:
        return x.monotone(lambda array: choose(array, limit.exact))

    return rule


def _leaky(x: Running, slope: Array) -> Running:
    exact = np.where(x.exact >= 0, x.exact, x.exact * slope)
    bound = x.bound * np.maximum(1.0, np.abs(slope))
    return x.rounded(exact, bound, np.abs(exact) + bound)


def _pow(node: NodeView, shape: Sequence[int], x: Running, exponent: Running) -> Running:
    positive = Running(np.where(x.exact - x.bound > 0, x.exact, np.nan), x.bound, x.unit)
    power = exponent.exact
    raised = positive.approximated(lambda array: np.power(array, np.abs(power)), absolute=False)
    one = Running.exactly(np.ones(()), x.unit)
    return raised if np.all(power >= 0) else one / raised


def _rearrange(node: NodeView, shape: Sequence[int], x: Running, *_: Running | None) -> Running:
    return x.moved(lambda array: array.reshape(shape))


def _transpose(node: NodeView, shape: Sequence[int], x: Running) -> Running:
    return x.moved(lambda array: array.transpose(node.integers("perm")))


def _top_k(node: NodeView, shape: Sequence[int], x: Running, *_: Running | None) -> Running:
    """Order statistics move no further than the operand that moves most."""
    axis = node.integer("axis", -1)
    ordered = np.flip(np.sort(x.exact, axis=axis), axis=axis)
    worst = np.broadcast_to(x.bound.max(axis=axis, keepdims=True), x.exact.shape)
    kept = np.arange(shape[axis])
    return Running(ordered.take(kept, axis=axis), worst.take(kept, axis=axis), x.unit)


def _function(function: Callable[[Array], Array], *, absolute: bool = True) -> Rule:
    return lambda node, shape, x: x.approximated(function, absolute=absolute)


def _step(function: Callable[[Array], Array]) -> Rule:
    return lambda node, shape, x: x.monotone(function)


# These only place numbers elsewhere.
MOVING = frozenset(
    {"Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"}
)
# NumPy and onnxruntime fold these to the same bits.
CORRECTLY_ROUNDED = frozenset(
    {"Add", "Sub", "Mul", "Div", "Sqrt", "Relu", "Clip", "Min", "Max", "Abs", "Sign", "Neg", "Cast"}
)
RULES: dict[str, Rule] = {
    "Add": lambda node, shape, a, b: a + b,
    "Sub": lambda node, shape, a, b: a - b,
    "Mul": lambda node, shape, a, b: a * b,
    "Div": lambda node, shape, a, b: a / b,
    "Sqrt": lambda node, shape, x: x.sqrt(),
    "Pow": _pow,
    "MatMul": _matmul,
    "Gemm": _gemm,
    "BatchNormalization": _batch_norm,
    "Relu": _step(lambda x: np.maximum(x, 0)),
    "Clip": _clip,
    "Min": _extreme(np.minimum),
    "Max": _extreme(np.maximum),
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": lambda node, shape, x: _leaky(x, _number(node, "alpha", 0.01, x).exact),
    "PRelu": lambda node, shape, x, slope: _leaky(x, slope.exact),
    "Sigmoid": _function(lambda x: 1 / (1 + np.exp(-x))),
    "Tanh": _function(np.tanh),
    "Softplus": _function(lambda x: np.logaddexp(x, 0.0)),
    "Elu": _function(lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "Exp": _function(np.exp, absolute=False),
    "Sign": _step(np.sign),
    "Abs": lambda node, shape, x: Running(np.abs(x.exact), x.bound, x.unit),
    "Neg": lambda node, shape, x: Running(-x.exact, x.bound, x.unit),
    "Softmax": lambda node, shape, x: x.softmax(node.integer("axis", -1)),
    "TopK": _top_k,
    "Cast": _rearrange,
    "Identity": _rearrange,
    "Dropout": _rearrange,
    "Reshape": _rearrange,
    "Flatten": _rearrange,
    "Squeeze": _rearrange,
    "Unsqueeze": _rearrange,
    "Transpose": _transpose,
}
