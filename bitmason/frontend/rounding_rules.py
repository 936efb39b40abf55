"""What each ONNX operator does to the rounding errors of its operands.

Invariant: a rule bounds every order of operations that onnxruntime may choose for its operator.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from bitmason.frontend import rounding_moves as moves
from bitmason.frontend import rounding_windows as windows
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.running_error import Running, rounded
from bitmason.ir.types import Array, Shape

Rule = Callable[..., Running | tuple[Running, ...]]
_CHANNELS_LAST = "qonnx.custom_op.channels_last"


def rule_of(node: NodeView) -> Rule | None:
    """Return what `node` does to errors: of its first result, or of each, given its operands."""
    rule = RULES.get(node.op)
    if rule is None or node.domain != _CHANNELS_LAST:
        return rule
    return _with_channels_last(rule)


def _with_channels_last(rule: Rule) -> Rule:
    """Wrap a rule as qonnx wraps the operator: images and kernels are turned around it."""

    def wrapped(node: NodeView, shape: Shape, x: Running, *others: Running) -> Running:
        kernels = 1 if node.op == "Conv" else 0
        turned = [moves.channels_first(other) for other in (x, *others[:kernels])]
        inner = (shape[0], shape[-1], *shape[1:-1])
        found = rule(node, inner, *turned, *others[kernels:])
        assert isinstance(found, Running), "these operators have one result"
        return moves.channels_last(found)

    return wrapped


def _number(node: NodeView, name: str, default: float) -> Running:
    return Running.exactly(np.asarray(np.float32(node.number(name, default)), dtype=np.float64))


def _matmul(node: NodeView, shape: Shape, a: Running, b: Running) -> Running:
    return a @ windows.integers(b)


def _gemm(
    node: NodeView, shape: Shape, a: Running, b: Running, c: Running | None = None
) -> Running:
    a = a.moved(np.transpose) if node.integer("transA", 0) else a
    b = b.moved(np.transpose) if node.integer("transB", 0) else b
    product = _scaled(a @ windows.integers(b), node, "alpha")
    return product if c is None else product + _scaled(c, node, "beta")


def _scaled(x: Running, node: NodeView, name: str) -> Running:
    factor = _number(node, name, 1.0)
    return x if factor.exact == 1 else x * factor


def _batch_norm(node: NodeView, shape: Shape, x: Running, *rows: Running) -> Running:
    """Follow onnxruntime, which folds the four rows into a factor and a summand first."""
    channels = (-1,) + (1,) * (len(shape) - 2)
    gamma, beta, mean, variance = (row.moved(lambda array: array.reshape(channels)) for row in rows)
    spread = (variance + _number(node, "epsilon", 1e-5)).sqrt()
    scale = Running.exactly(np.ones(())) / spread * gamma
    return x * scale + (beta - mean * scale)


def _clip(node: NodeView, shape: Shape, x: Running, *bounds: Running | None) -> Running:
    given: list[Any] = [None if bound is None else bound.exact for bound in (*bounds, None, None)]
    lo = given[0] if given[0] is not None else node.number("min", -np.inf)
    hi = given[1] if given[1] is not None else node.number("max", np.inf)
    return x.monotone(lambda array: np.minimum(np.maximum(array, lo), hi))


def _hard_sigmoid(node: NodeView, shape: Shape, x: Running) -> Running:
    line = x * _number(node, "alpha", 0.2) + _number(node, "beta", 0.5)
    return line.monotone(lambda array: np.clip(array, 0.0, 1.0))


def _extreme(choose: Callable[[Array, Array], Array]) -> Rule:
    def rule(node: NodeView, shape: Shape, x: Running, limit: Running) -> Running:
        return x.monotone(lambda array: choose(array, limit.exact))

    return rule


def _leaky(x: Running, slope: Array) -> Running:
    exact = np.where(x.exact >= 0, x.exact, x.exact * slope)
    bounds = [bound * np.maximum(1.0, np.abs(slope)) for bound in x.bounds]
    return rounded(exact, bounds, [np.abs(exact) + bound for bound in bounds])


def _pow(node: NodeView, shape: Shape, x: Running, exponent: Running) -> Running:
    positive = replace(x, exact=np.where(x.exact - x.executor > 0, x.exact, np.nan))
    power = exponent.exact
    raised = positive.approximated(lambda array: np.power(array, np.abs(power)), absolute=False)
    one = Running.exactly(np.ones(()))
    return raised if np.all(power >= 0) else one / raised


def _top_k(node: NodeView, shape: Shape, x: Running, *_: Running | None) -> Running:
    """Order statistics move no further than the operand that moves most."""
    axis = node.integer("axis", -1)
    ordered = np.flip(np.sort(x.exact, axis=axis), axis=axis)
    kept = np.arange(shape[axis])
    worst = (
        np.broadcast_to(bound.max(axis=axis, keepdims=True), x.exact.shape).take(kept, axis=axis)
        for bound in x.broadcast().bounds
    )
    return Running(ordered.take(kept, axis=axis), *worst)


def _function(function: Callable[[Array], Array], *, absolute: bool = True) -> Rule:
    return lambda node, shape, x: x.approximated(function, absolute=absolute)


def _step(function: Callable[[Array], Array]) -> Rule:
    return lambda node, shape, x: x.monotone(function)


# These only place numbers elsewhere.
MOVING = frozenset(
    {"Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat"}
    | {"Split", "Slice", "Pad", "Gather", "Expand", "Tile", "DepthToSpace", "SpaceToDepth"}
)
# NumPy and onnxruntime fold these to the same bits.
CORRECTLY_ROUNDED = frozenset(
    {"Add", "Sub", "Mul", "Div", "Sqrt", "Relu", "Clip", "Min", "Max", "Abs", "Sign", "Neg", "Cast"}
)
RULES: dict[str, Rule] = {
    "Add": lambda node, shape, a, b: a + b,
    "Sub": lambda node, shape, a, b: a - b,
    "Sum": lambda node, shape, *operands: reduce(operator.add, operands),
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
    "LeakyRelu": lambda node, shape, x: _leaky(x, _number(node, "alpha", 0.01).exact),
    "PRelu": lambda node, shape, x, slope: _leaky(x, slope.exact),
    "Sigmoid": _function(lambda x: 1 / (1 + np.exp(-x))),
    "Tanh": _function(np.tanh),
    "Softplus": _function(lambda x: np.logaddexp(x, 0.0)),
    "Elu": _function(lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "Exp": _function(np.exp, absolute=False),
    "Sign": _step(np.sign),
    "Abs": lambda node, shape, x: replace(x, exact=np.abs(x.exact)),
    "Neg": lambda node, shape, x: replace(x, exact=-x.exact),
    "Softmax": lambda node, shape, x: x.softmax(node.integer("axis", -1)),
    "TopK": _top_k,
    "Cast": moves.rearrange,
    "Identity": moves.rearrange,
    "Dropout": moves.rearrange,
    "Reshape": moves.rearrange,
    "Flatten": moves.rearrange,
    "Squeeze": moves.rearrange,
    "Unsqueeze": moves.rearrange,
    "Transpose": moves.transpose,
    "Concat": moves.concat,
    "Split": moves.split,
    "Slice": moves.cut,
    "Pad": moves.pad,
    "Resize": moves.resize,
    "Upsample": moves.resize,
    "DepthToSpace": moves.depth_to_space,
    "SpaceToDepth": moves.space_to_depth,
    "Gather": moves.gather,
    "Expand": moves.expand,
    "Tile": moves.tile,
    "Conv": windows.conv,
    "ConvTranspose": windows.conv_transpose,
    "MaxPool": windows.max_pool,
    "AveragePool": windows.average_pool,
    "GlobalAveragePool": windows.average,
    "ReduceMean": windows.average,
    "ReduceSum": windows.total,
    "GlobalMaxPool": windows.largest,
    "ReduceMax": windows.largest,
}
