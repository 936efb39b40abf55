"""Quantisers in two halves: QuantizeLinear, perhaps Clip, DequantizeLinear."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.affine import Affine, emit_real
from bitmason.frontend.context import Context, broadcasts
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.quantiser import (
    Grid,
    code_type,
    is_whole,
    positive_scale,
    quantise_constant,
)
from bitmason.frontend.rationals import rational
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Codes, Constant, Quantised, Value
from bitmason.ir import Const, Int, IntType, UInt
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.types import Array, IntArray

_DTYPES: dict[int, IntType] = {
    2: UInt(8),
    3: Int(8),
    4: UInt(16),
    5: Int(16),
    21: UInt(4),
    22: Int(4),
    25: UInt(2),
    26: Int(2),
}


_DTYPE_RANGES: dict[np.dtype[Any], IntType] = {
    np.dtype(np.int8): Int(8),
    np.dtype(np.uint8): UInt(8),
    np.dtype(np.int16): Int(16),
    np.dtype(np.int32): Int(32),
}


@imports("QuantizeLinear")
def quantize_linear(node: NodeView, ctx: Context) -> Value:
    """Import QuantizeLinear: operand, scale, zero point.

    The zero point is added after rounding, so the codes are those of a quantiser without zero
    point on a shifted range.
    """
    scale = _along_axis(node, ctx, positive_scale(node, ctx, 1))
    elem = _code_type(node, ctx)
    zero_point = _one_zero_point(node, ctx)
    source = ctx.value(node, 0)
    if isinstance(source, Constant):
        grid = Grid(scale, scale, np.zeros((), np.float32), _shifted(elem, zero_point))
        found = quantise_constant(node, ctx, source.array, grid, "the quantised tensor")
        return Constant(found.codes + zero_point, elem, rounded=True)
    x = ctx.activation(node, 0)
    fitted = ctx.for_frame(node, scale, x, "a scale")
    return Codes(x, fitted.array, zero_point, elem.lo, elem.hi, node.label, node.loc)


@imports("DequantizeLinear")
def dequantize_linear(node: NodeView, ctx: Context) -> Value:
    """Import DequantizeLinear of constants, or as the second half of a quantiser."""
    scale = _along_axis(node, ctx, positive_scale(node, ctx, 1))
    match ctx.value(node, 0):
        case Constant() as constant:
            return _constant(node, ctx, constant, scale)
        case Codes() as codes:
            return _activation(node, ctx, codes, scale)
    ctx.refuse(node, "DequantizeLinear needs constants or the result of QuantizeLinear")


def _constant(node: NodeView, ctx: Context, constant: Constant, scale: Array) -> Quantised:
    array, elem = constant.array, constant.elem or _DTYPE_RANGES.get(constant.array.dtype)
    if elem is None:
        fail(
            "F010",
            f"DequantizeLinear takes integers of at most 32 bits, these are {array.dtype} numbers",
            loc=node.loc,
            help="export again from the trained model",
        )
    zero_point = _zero_points(node, ctx)
    for part, name in ((scale, "a scale"), (zero_point, "a zero point")):
        if not broadcasts(part.shape, array.shape):
            shapes = f"{list(part.shape)} does not fit {list(array.shape)} values"
            ctx.refuse(node, f"{name} of shape {shapes}")
    return Quantised(array.astype(np.int64), rational(scale), zero_point, elem)


def _activation(node: NodeView, ctx: Context, codes: Codes, scale: Array) -> Activation:
    source = codes.source
    zero_point = ctx.for_frame(node, _zero_points(node, ctx), source, "a zero point").array
    fitted = ctx.for_frame(node, scale, source, "a scale").array
    elem = code_type(codes.lo - codes.zero_point, codes.hi - codes.zero_point)
    op = Quantise(Const(codes.scale), Const(np.float32(0)), elem)
    integers = ctx.emit(op, [source], codes.loc, codes.label)
    ctx.stands_for(integers, node.outputs[0])
    exact_scale = rational(fitted)
    offset = exact_scale * (Fraction(codes.zero_point) - rational(zero_point))
    return emit_real(ctx, node, Affine(integers, exact_scale, offset), f"{codes.label}_real")


def _along_axis(node: NodeView, ctx: Context, array: Array) -> Array:
    """Return a vector along the axis that the node names, ready to broadcast to its operand."""
    if node.integer("block_size", 0):
        ctx.refuse(node, f"{node.op} in blocks is not supported")
    if array.size == 1:
        return array.reshape(())
    rank = _rank(node, ctx)
    axis = node.integer("axis", 1)
    if array.ndim != 1 or not -rank <= axis < rank:
        ctx.refuse(node, f"{node.op} with scales of shape {list(array.shape)} along axis {axis}")
    return array.reshape((-1,) + (1,) * (rank - 1 - axis % rank))


def _rank(node: NodeView, ctx: Context) -> int:
    match ctx.value(node, 0):
        case Constant(array=array):
            return array.ndim
        case Codes(source=source):
            return 1 + len(ctx.frame(source))
        case Activation() as x:
            return 1 + len(ctx.frame(x))
    ctx.refuse(node, f"{node.op} of a tensor that is quantised already")


def _zero_points(node: NodeView, ctx: Context) -> IntArray:
    if not node.has_input(2):
        return np.zeros((), np.int64)
    given = ctx.constant(node, 2, "the zero point")
    if given.dtype.kind not in "iu" or not is_whole(given).all():
        fail("F007", "the zero point must be an integer of at most 32 bits", loc=node.loc)
    return _along_axis(node, ctx, given).astype(np.int64)


def _one_zero_point(node: NodeView, ctx: Context) -> int:
    distinct = np.unique(_zero_points(node, ctx))
    if distinct.size != 1:
        ctx.refuse(node, "QuantizeLinear with zero points that differ between channels")
    return int(distinct[0])


def _code_type(node: NodeView, ctx: Context) -> IntType:
    """Return the type of the codes: that of the zero point, else the attribute, else uint8."""
    if node.has_input(2):
        zero_point = ctx.value(node, 2)
        declared = zero_point.elem if isinstance(zero_point, Constant) else None
    else:
        declared = _DTYPES.get(node.integer("output_dtype", 0) or 2)
    if declared is None:
        ctx.refuse(node, "QuantizeLinear to an element type that is not supported")
    return declared


def _shifted(elem: IntType, zero_point: int) -> IntType:
    return code_type(elem.lo - zero_point, elem.hi - zero_point)
