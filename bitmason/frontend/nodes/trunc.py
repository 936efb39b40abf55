"""QONNX Trunc: drop low bits of integers, as Brevitas' truncating average pools do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bitmason.frontend.affine import Affine, affine_of, emit_real
from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.quantiser import (
    bit_width,
    code_type,
    int_range,
    one,
    positive_scale,
    rounding_mode,
    whole_zero_point,
)
from bitmason.frontend.rationals import rational, zero
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Value
from bitmason.ir import Bipolar, Const, Int, IntType, UInt
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.types import Array, bits_needed

_OPERANDS_OF_FIRST = 5
_MAX_BITS = 48
_UNKNOWN = Int(32)


@dataclass(frozen=True, eq=False)
class _Grids:
    """The integers before and after, and the power of two between them.

    `bounds` are the smallest and largest result, None where the version does not clamp.
    """

    scale: Array
    zero_point: Array
    divisor: Array
    out_scale: Array
    out_zero: Array
    bounds: tuple[int, int] | None


@imports("Trunc")
def trunc(node: NodeView, ctx: Context) -> Value:
    """Import Trunc of either version: to integers, divided by a power of two, rounded."""
    x = ctx.activation(node, 0)
    grids = _first(node, ctx) if len(node.inputs) <= _OPERANDS_OF_FIRST else _second(node, ctx)
    scale, zero_point, divisor, out_scale, out_zero = (
        ctx.for_frame(node, part, x, "a scale")
        for part in (grids.scale, grids.zero_point, grids.divisor, grids.out_scale, grids.out_zero)
    )
    elem = _range(node, ctx, x, scale, zero_point)
    wide = ctx.emit(Quantise(scale, zero_point, elem), [x], node.loc, f"{node.label}_wide")
    step = 1 / rational(divisor.array)
    divided = emit_real(ctx, node, Affine(wide, step, zero()), f"{node.label}_divided")
    ends = [end * part for end in (elem.lo, elem.hi) for part in step.reshape(-1)]
    bounds = grids.bounds or (math.floor(min(ends)), math.ceil(max(ends)))
    rounding = rounding_mode(node, "FLOOR")
    op = Quantise(Const(one()), Const(np.float32(0)), code_type(*bounds), rounding)
    codes = ctx.emit(op, [divided], node.loc, node.label)
    ctx.stands_for(codes, node.outputs[0])
    kept = rational(out_scale.array)
    affine = Affine(codes, kept, -rational(out_zero.array) * kept)
    return emit_real(ctx, node, affine, f"{node.label}_real")


def _first(node: NodeView, ctx: Context) -> _Grids:
    """Read version 1, which keeps scale and zero point, and does not clamp."""
    scale, zero_point = positive_scale(node, ctx, 1), whole_zero_point(node, ctx)
    divisor = np.float64(2.0) ** (bit_width(node, ctx) - bit_width(node, ctx, 4))
    return _Grids(scale, zero_point, np.asarray(divisor), scale, zero_point, None)


def _second(node: NodeView, ctx: Context) -> _Grids:
    """Read version 2, which has a scale and a range for the result."""
    scale, zero_point = positive_scale(node, ctx, 1), whole_zero_point(node, ctx)
    out_scale = positive_scale(node, ctx, 4)
    signed, narrow = bool(node.integer("signed", 1)), bool(node.integer("narrow", 0))
    bounds = int_range(bit_width(node, ctx, 5), signed, narrow)
    exponent = np.round(np.log2(out_scale / scale)).astype(np.float64)
    divisor = np.asarray(2.0**exponent)
    return _Grids(scale, zero_point, divisor, out_scale, zero_point / divisor, bounds)


def _range(node: NodeView, ctx: Context, x: Activation, scale: Const, zero_point: Const) -> IntType:
    """Return a type for all integers that `x` may have: its own, on the grid of `scale`."""
    flow = affine_of(ctx, x)
    if flow is None:
        return _UNKNOWN
    elem = ctx.elem(flow.integers)
    assert isinstance(elem, UInt | Int | Bipolar), "affine values come from integers"
    ends = [
        (flow.scale * end + flow.offset) / rational(scale.array) + rational(zero_point.array)
        for end in (elem.lo, elem.hi)
    ]
    lo = math.floor(min(part for end in ends for part in end.reshape(-1)))
    hi = math.ceil(max(part for end in ends for part in end.reshape(-1)))
    if bits_needed(lo, hi) > _MAX_BITS:
        ctx.refuse(
            node,
            f"Trunc of integers from {lo} to {hi}: more than {_MAX_BITS} bits",
            "its scale does not fit that of its operand: export the model again",
        )
    return code_type(lo, hi)
