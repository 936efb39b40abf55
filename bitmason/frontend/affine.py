"""Follow real numbers back to the integers that they are affine functions of.

Invariant: what `affine_of` finds is exact, so a matrix product of the real numbers equals one of
the integers with its scale and offset moved behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.rationals import compress, last_axis, rational
from bitmason.frontend.values import Activation
from bitmason.ir import Const, Node
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.real import AddConst, DivConst, MulConst
from bitmason.ir.types import Array


@dataclass(frozen=True, eq=False)
class Affine:
    """Real numbers `integers * scale + offset`; both factors broadcast to the graph's frame."""

    integers: Activation
    scale: Array
    offset: Array


def affine_of(ctx: Context, value: Activation) -> Affine | None:
    """Return `value` as an affine function of integers, or None if it is not one."""
    chain: list[Node] = []
    node = ctx.maker(value)
    while node is not None and isinstance(node.op, MulConst | AddConst | DivConst):
        chain.append(node)
        node = ctx.maker(Activation(node.operands[0]))
    if node is None or not isinstance(node.op, Dequantise):
        return None
    scale = np.array(node.op.scale, dtype=object)
    offset = np.array(node.op.offset, dtype=object)
    for link in reversed(chain):
        match link.op:
            case MulConst(value=factor):
                scale, offset = scale * rational(factor.array), offset * rational(factor.array)
            case DivConst(value=divisor):
                scale, offset = scale / rational(divisor.array), offset / rational(divisor.array)
            case AddConst(value=summand):
                offset = offset + rational(summand.array)
    return Affine(Activation(node.operands[0], value.axes), scale, offset)


def emit_real(ctx: Context, node: NodeView, affine: Affine, label: str) -> Activation:
    """Add to the graph what turns integers into the real numbers they stand for.

    Scales that vary along other axes than the last become constants of their own, which must then
    be floating-point numbers.
    """
    shape = ctx.shape(affine.integers)
    scale, offset = last_axis(affine.scale, shape), last_axis(affine.offset, shape)
    if scale is not None and offset is not None:
        return ctx.emit(Dequantise(scale, offset), [affine.integers], node.loc, label)
    real = ctx.emit(Dequantise((Fraction(1),)), [affine.integers], node.loc, label)
    factor, shift = (_as_floats(node, part) for part in (affine.scale, affine.offset))
    scaled = ctx.emit(MulConst(Const(factor)), [real], node.loc, label)
    return ctx.emit(AddConst(Const(shift)), [scaled], node.loc, label) if shift.any() else scaled


def _as_floats(node: NodeView, fractions: Array) -> Array:
    small = compress(fractions)
    floats: Array = small.astype(np.float64)
    if not bool(np.all(rational(floats) == small)):
        fail(
            "F016",
            "the scales vary along an axis other than the last and are no floating-point numbers",
            loc=node.loc,
            help="use one scale per tensor, or one per channel of the last axis",
        )
    return floats
