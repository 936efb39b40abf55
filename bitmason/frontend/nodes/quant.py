"""QONNX quantisers: Quant and BipolarQuant."""

from __future__ import annotations

import numpy as np

from bitmason.diagnostics import did_you_mean, fail, quote
from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.quantiser import Grid, apply, int_range, is_whole, one, positive_scale
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Value
from bitmason.ir import Bipolar, Int, IntType, UInt
from bitmason.ir.ops.quantise import ROUNDINGS
from bitmason.ir.types import Array

_MAX_BITS = 32


@imports("Quant", "IntQuant")
def quant(node: NodeView, ctx: Context) -> Value:
    """Import Quant: operand, scale, zero point, bit width."""
    scale = positive_scale(node, ctx, 1)
    zero_point = _zero_point(node, ctx)
    elem = _elem(node, _bit_width(node, ctx))
    grid = Grid(scale, scale, zero_point, elem, _rounding(node))
    return apply(node, ctx, grid, "the quantised tensor")


@imports("BipolarQuant")
def bipolar_quant(node: NodeView, ctx: Context) -> Value:
    """Import BipolarQuant: operand, scale. The scale does not take part in the comparison."""
    scale = positive_scale(node, ctx, 1)
    grid = Grid(one(), scale, np.zeros((), np.float32), Bipolar())
    return apply(node, ctx, grid, "the quantised tensor")


def _zero_point(node: NodeView, ctx: Context) -> Array:
    zero_point = ctx.constant(node, 2, "the zero point")
    odd = zero_point[~is_whole(zero_point)]
    if odd.size:
        fail(
            "F007",
            f"the zero point is {odd.reshape(-1)[0]}, it must be a whole number of at most 32 bits",
            loc=node.loc,
        )
    return zero_point


def _bit_width(node: NodeView, ctx: Context) -> int:
    widths = np.unique(ctx.constant(node, 3, "the bit width"))
    if widths.size != 1:
        fail("F007", "the bit width differs between channels", loc=node.loc)
    width = widths.item()
    if width != int(width) or not 1 <= width <= _MAX_BITS:
        fail(
            "F007",
            f"the bit width is {width:g}, it must be a whole number from 1 to {_MAX_BITS}",
            loc=node.loc,
        )
    return int(width)


def _elem(node: NodeView, bits: int) -> IntType:
    signed, narrow = bool(node.integer("signed", 1)), bool(node.integer("narrow", 1))
    if signed and bits == 1:
        return Bipolar()
    lo, hi = int_range(bits, signed, narrow)
    return Int(bits, lo, hi) if signed else UInt(bits, hi)


def _rounding(node: NodeView) -> str:
    given = node.text("rounding_mode", "ROUND")
    mode = "ROUND" if given.upper() == "HALF_EVEN" else given.upper()
    if mode not in ROUNDINGS:
        known = [*ROUNDINGS, "HALF_EVEN"]
        fail(
            "F007",
            f"there is no rounding mode {quote(given)}",
            loc=node.loc,
            help=did_you_mean(given, known) or f"rounding modes: {', '.join(known)}",
        )
    return mode
