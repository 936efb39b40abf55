"""Arithmetic on single elements: two operands, or one and a constant."""

from __future__ import annotations

import numpy as np

from bitmason.frontend.context import Context
from bitmason.frontend.joining import combine
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Value
from bitmason.ir import Const
from bitmason.ir.ops.real import Add, AddConst, DivConst, Mul, MulConst, Sub
from bitmason.ir.types import Array

_MINUS_ONE = Const(np.float32(-1))


@imports("Add")
def add(node: NodeView, ctx: Context) -> Value:
    """Import Add."""
    x, constant = _operands(node, ctx)
    if constant is None:
        return combine(node, ctx, Add())
    return _with_constant(node, ctx, x, AddConst, constant)


@imports("Sub")
def sub(node: NodeView, ctx: Context) -> Value:
    """Import Sub with the constant on either side."""
    x, constant = _operands(node, ctx)
    if constant is None:
        return combine(node, ctx, Sub())
    if isinstance(ctx.value(node, 0), Activation):
        return _with_constant(node, ctx, x, AddConst, -constant)
    negated = ctx.emit(MulConst(_MINUS_ONE), [x], node.loc, f"{node.label}_negated")
    return _with_constant(node, ctx, negated, AddConst, constant)


@imports("Mul")
def mul(node: NodeView, ctx: Context) -> Value:
    """Import Mul."""
    x, constant = _operands(node, ctx)
    if constant is None:
        return combine(node, ctx, Mul())
    return _with_constant(node, ctx, x, MulConst, constant)


@imports("Div")
def div(node: NodeView, ctx: Context) -> Value:
    """Import Div by a constant."""
    x, constant = _operands(node, ctx)
    if constant is None or not isinstance(ctx.value(node, 0), Activation):
        ctx.refuse(node, "Div needs a constant divisor")
    if not constant.all():
        ctx.refuse(node, "Div divides by zero")
    return _with_constant(node, ctx, x, DivConst, constant)


@imports("Neg")
def neg(node: NodeView, ctx: Context) -> Value:
    """Import Neg."""
    return ctx.emit(MulConst(_MINUS_ONE), [ctx.activation(node, 0)], node.loc, node.label)


def _operands(node: NodeView, ctx: Context) -> tuple[Activation, Array | None]:
    """Return an activation and the constant beside it, None where both are activations."""
    sides = [isinstance(ctx.value(node, index), Activation) for index in (0, 1)]
    x = ctx.activation(node, 0 if sides[0] else 1)
    if all(sides):
        return x, None
    return x, ctx.constant(node, 1 if sides[0] else 0, f"the constant of {node.op}")


def _with_constant(
    node: NodeView,
    ctx: Context,
    x: Activation,
    op: type[AddConst | MulConst | DivConst],
    constant: Array,
) -> Activation:
    value = ctx.for_frame(node, constant, x, "a constant")
    return ctx.emit(op(value), [x], node.loc, node.label)
