"""Reshape and transpose activations below their scales.

Invariant: integers are rearranged, not the real numbers made of them, so that nothing comes between
a quantiser and the elementwise functions in front of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bitmason.frontend.affine import Affine, emit_real
from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.values import Activation
from bitmason.ir import Const, Node, Op
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.real import AddConst, Clip, DivConst, LeakyRelu, MulConst, Unary
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.types import Array, Shape

_ELEMENTWISE = MulConst | AddConst | DivConst | Clip | LeakyRelu | Unary
Rearrange = Callable[[Array], Array]


def reshape(node: NodeView, ctx: Context, x: Activation, shape: Shape) -> Activation:
    """Give the frames of `x` another shape."""
    if shape == ctx.frame(x):
        return x
    return _move(node, ctx, x, Reshape(shape), lambda array: array.reshape(shape))


def transpose(node: NodeView, ctx: Context, x: Activation, perm: tuple[int, ...]) -> Activation:
    """Permute the axes of the frames of `x`."""
    if perm == tuple(range(len(perm))):
        return x
    return _move(node, ctx, x, Transpose(perm), lambda array: array.transpose(perm))


def _move(node: NodeView, ctx: Context, x: Activation, op: Op, rearrange: Rearrange) -> Activation:
    """Apply `op` to the integers that `x` is an elementwise function of, or to `x` itself."""
    chain: list[Node] = []
    maker = ctx.maker(x)
    while maker is not None and isinstance(maker.op, _ELEMENTWISE):
        chain.append(maker)
        maker = ctx.maker(Activation(maker.operands[0]))
    if maker is None or not isinstance(maker.op, Dequantise):
        return ctx.emit(op, [x], node.loc, node.label)
    shape = ctx.frame(x)
    integers = ctx.emit(op, [Activation(maker.operands[0])], node.loc, node.label)
    scale, offset = (
        _rearranged(np.array(part, dtype=object), shape, rearrange)
        for part in (maker.op.scale, maker.op.offset)
    )
    moved = emit_real(ctx, node, Affine(integers, scale, offset), f"{node.label}_real")
    for link in reversed(chain):
        moved = ctx.emit(_with_constant(link.op, shape, rearrange), [moved], link.loc, link.name)
    return moved


def _rearranged(array: Array, shape: Shape, rearrange: Rearrange) -> Array:
    return array if array.size == 1 else rearrange(np.broadcast_to(array, shape))


def _with_constant(op: Op, shape: Shape, rearrange: Rearrange) -> Op:
    match op:
        case MulConst(value=constant) | AddConst(value=constant) | DivConst(value=constant):
            return replace(op, value=_scalar_or(constant, shape, rearrange))
        case LeakyRelu(alpha=constant):
            return replace(op, alpha=_scalar_or(constant, shape, rearrange))
    return op


def _scalar_or(constant: Const, shape: Shape, rearrange: Rearrange) -> Const:
    array = constant.array.reshape(()) if constant.array.size == 1 else constant.array
    return Const(_rearranged(array, shape, rearrange))
