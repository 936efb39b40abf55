"""QONNX quantisers: Quant and BipolarQuant."""

from __future__ import annotations

import numpy as np

from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.quantiser import (
    Grid,
    apply,
    bit_width,
    int_range,
    one,
    positive_scale,
    rounding_mode,
    whole_zero_point,
)
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Value
from bitmason.ir import Bipolar, Int, IntType, UInt


@imports("Quant", "IntQuant")
def quant(node: NodeView, ctx: Context) -> Value:
    """Import Quant: operand, scale, zero point, bit width."""
    scale = positive_scale(node, ctx, 1)
    zero_point = whole_zero_point(node, ctx)
    elem = _elem(node, bit_width(node, ctx))
    grid = Grid(scale, scale, zero_point, elem, rounding_mode(node))
    return apply(node, ctx, grid, "the quantised tensor")


@imports("BipolarQuant")
def bipolar_quant(node: NodeView, ctx: Context) -> Value:
    """Import BipolarQuant: operand, scale. The scale does not take part in the comparison."""
    scale = positive_scale(node, ctx, 1)
    grid = Grid(one(), scale, np.zeros((), np.float32), Bipolar())
    return apply(node, ctx, grid, "the quantised tensor")


def _elem(node: NodeView, bits: int) -> IntType:
    signed, narrow = bool(node.integer("signed", 1)), bool(node.integer("narrow", 1))
    if signed and bits == 1:
        return Bipolar()
    lo, hi = int_range(bits, signed, narrow)
    return Int(bits, lo, hi) if signed else UInt(bits, hi)
