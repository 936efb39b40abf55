"""Activation functions of one operand."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Codes, Constant, Value
from bitmason.ir import Const, int_type
from bitmason.ir.ops.real import AddConst, Clip, LeakyRelu, MulConst, Unary
from bitmason.ir.types import Array

_FUNCTIONS = {
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Sign": "sign",
    "Softplus": "softplus",
    "Exp": "exp",
    "Abs": "abs",
}
# Wider integers are shapes and indices, which Clip may well change.
_CODE_DTYPES = frozenset(np.dtype(kind) for kind in ("i1", "u1", "i2", "i4"))
_FLOATS = {1: "float32", 11: "float64"}


def _unary(node: NodeView, ctx: Context, function: str) -> Value:
    return ctx.emit(Unary(function), [ctx.activation(node, 0)], node.loc, node.label)


for _op_type, _function in _FUNCTIONS.items():
    imports(_op_type)(partial(_unary, function=_function))


@imports("Elu")
def elu(node: NodeView, ctx: Context) -> Value:
    """Import Elu with alpha 1."""
    alpha = node.number("alpha", 1.0)
    if alpha != 1.0:
        ctx.refuse(node, f"Elu has alpha {alpha:g}, only 1 is supported")
    return _unary(node, ctx, "elu")


@imports("Relu")
def relu(node: NodeView, ctx: Context) -> Value:
    """Import Relu."""
    return ctx.emit(Clip(lo=0.0), [ctx.activation(node, 0)], node.loc, node.label)


@imports("LeakyRelu")
def leaky_relu(node: NodeView, ctx: Context) -> Value:
    """Import LeakyRelu, one slope for all."""
    slope = ctx.finite(node, np.array(node.number("alpha", 0.01), np.float32), "alpha")
    return ctx.emit(LeakyRelu(Const(slope)), [ctx.activation(node, 0)], node.loc, node.label)


@imports("PRelu")
def prelu(node: NodeView, ctx: Context) -> Value:
    """Import PRelu, with slopes that broadcast."""
    x = ctx.activation(node, 0)
    slope = ctx.for_frame(node, ctx.constant(node, 1, "the slope"), x, "a slope")
    return ctx.emit(LeakyRelu(slope), [x], node.loc, node.label)


@imports("HardSigmoid")
def hard_sigmoid(node: NodeView, ctx: Context) -> Value:
    """Import HardSigmoid: `clip(alpha * x + beta, 0, 1)`."""
    alpha, beta = (
        ctx.finite(node, np.array(node.number(name, default), np.float32), name)
        for name, default in (("alpha", 0.2), ("beta", 0.5))
    )
    x = ctx.activation(node, 0)
    scaled = ctx.emit(MulConst(Const(alpha)), [x], node.loc, f"{node.label}_mul")
    shifted = ctx.emit(AddConst(Const(beta)), [scaled], node.loc, f"{node.label}_add")
    return ctx.emit(Clip(0.0, 1.0), [shifted], node.loc, node.label)


@imports("Cast")
def cast(node: NodeView, ctx: Context) -> Value:
    """Import Cast between float32 and float64, which changes nothing here."""
    if node.integer("to", 1) not in _FLOATS:
        ctx.refuse(node, "Cast of an activation is supported to float32 and float64 only")
    return ctx.activation(node, 0)


@imports("Clip")
def clip(node: NodeView, ctx: Context) -> Value:
    """Import Clip of real numbers, or of integers between the two halves of a quantiser."""
    lo, hi = (
        _bound(node, ctx, index, name, default)
        for index, name, default in ((1, "min", -math.inf), (2, "max", math.inf))
    )
    match ctx.value(node, 0):
        case Codes() as codes:
            return _narrowed(node, ctx, codes, lo, hi)
        case Constant(array=array, rounded=rounded) if array.dtype in _CODE_DTYPES:
            return _declared(
                node, np.clip(array, lo, hi).astype(array.dtype) if rounded else array, lo, hi
            )
        case Constant(array=array):
            return Constant(np.clip(array, lo, hi).astype(array.dtype))
    return _clip(node, ctx, lo, hi)


@imports("Min")
def minimum(node: NodeView, ctx: Context) -> Value:
    """Import Min of an activation and a constant."""
    return _clip(_binary(node, ctx), ctx, -math.inf, _bound(node, ctx, 1, "", math.inf))


@imports("Max")
def maximum(node: NodeView, ctx: Context) -> Value:
    """Import Max of an activation and a constant."""
    return _clip(_binary(node, ctx), ctx, _bound(node, ctx, 1, "", -math.inf), math.inf)


def _binary(node: NodeView, ctx: Context) -> NodeView:
    first_is_real = node.has_input(0) and isinstance(ctx.value(node, 0), Activation)
    if len(node.inputs) != 2 or not first_is_real:
        ctx.refuse(node, f"{node.op} needs an activation and then a constant")
    return node


def _clip(node: NodeView, ctx: Context, lo: float, hi: float) -> Activation:
    if lo > hi:
        ctx.refuse(node, f"{node.op} has the empty range {lo:g}..{hi:g}")
    op = Clip(None if math.isinf(lo) else lo, None if math.isinf(hi) else hi)
    return ctx.emit(op, [ctx.activation(node, 0)], node.loc, node.label)


def _bound(node: NodeView, ctx: Context, index: int, attribute: str, default: float) -> float:
    if attribute in node:
        bound: Array = np.array(np.float32(node.number(attribute, default)))
    elif node.has_input(index):
        bound = ctx.any_constant(node, index, f"the bounds of {node.op}")
    else:
        return default
    distinct = np.unique(bound)
    if distinct.size != 1 or np.isnan(distinct[0]):
        ctx.refuse(node, f"{node.op} needs one number as each bound")
    return float(distinct[0])


def _narrowed(node: NodeView, ctx: Context, codes: Codes, lo: float, hi: float) -> Codes:
    lower, upper = max(codes.lo, lo), min(codes.hi, hi)
    if lower > upper:
        ctx.refuse(node, f"Clip leaves no code of {codes.lo}..{codes.hi} in {lo:g}..{hi:g}")
    return replace(codes, lo=int(lower), hi=int(upper))


def _declared(node: NodeView, array: Array, lo: float, hi: float) -> Constant:
    """Return integers that Clip declares to lie in a range; they must do so already."""
    outside = array[(array < lo) | (array > hi)].reshape(-1)
    if outside.size:
        fail(
            "F010",
            f"the integer weights hold {outside[0]}, their quantiser allows {lo:g}..{hi:g}",
            loc=node.loc,
            help="export again from the trained model",
        )
    limits = np.iinfo(array.dtype)
    return Constant(array, int_type(int(max(lo, limits.min)), int(min(hi, limits.max))))
