"""Floating-point quantisers: QONNX FloatQuant, and CustomFloat of bitmason.onnx_ops."""

from __future__ import annotations

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.affine import Affine, emit_real
from bitmason.frontend.context import Context, broadcasts
from bitmason.frontend.float_format import (
    FORMAT_INPUTS,
    LARGEST_INPUT,
    MOST_CODE_BITS,
    MOST_E_BITS,
    MOST_FIXED_BITS,
    float_format,
)
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.quantiser import one, positive_scale, rounding_mode
from bitmason.frontend.rationals import rational, zero
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Constant, Quantised, Value
from bitmason.ir import Const, int_type
from bitmason.ir.custom_float import TRUNCATE, CustomFloat
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.rounding import Rounding
from bitmason.ir.types import Array

_SPAN = "make fixed-point numbers of"


@imports("FloatQuant")
def float_quant(node: NodeView, ctx: Context) -> Value:
    """Import FloatQuant: operand, scale, widths of exponent and mantissa, bias, largest number."""
    inputs = FORMAT_INPUTS | {LARGEST_INPUT: "the largest number"}
    constants: list[Array | None] = [None, None]
    constants += [ctx.constant(node, index, what) for index, what in inputs.items()]
    scale = positive_scale(node, ctx, 1)
    return _quantised(node, ctx, float_format(node, constants), scale, rounding_mode(node))


@imports("CustomFloat")
def custom_float(node: NodeView, ctx: Context) -> Value:
    """Import CustomFloat: one operand, the format in attributes."""
    return _quantised(
        node, ctx, float_format(node, ()), one(), rounding_mode(node, TRUNCATE, "rounding")
    )


def _quantised(
    node: NodeView, ctx: Context, format_: CustomFloat, scale: Array, rounding: Rounding
) -> Value:
    operand = ctx.value(node, 0)
    if isinstance(operand, Quantised):
        operand = Constant(operand.real())
    if isinstance(operand, Constant):
        return _constant(node, ctx, operand.array, QuantiseFloat(Const(scale), format_, rounding))
    source = ctx.activation(node, 0)
    _check(node, format_.e_bits, MOST_E_BITS, "have exponents of")
    _check(node, format_.bits, MOST_CODE_BITS, "have codes of")
    _check(node, format_.fixed_type.bits, MOST_FIXED_BITS, _SPAN)
    op = QuantiseFloat(ctx.for_frame(node, scale, source, "a scale"), format_, rounding)
    return _activation(node, ctx, source, op)


def _constant(node: NodeView, ctx: Context, array: Array, op: QuantiseFloat) -> Quantised:
    """Return the numbers of a constant as multiples of the last bit that any of them has."""
    ctx.finite(node, array, "the quantised tensor")
    if not broadcasts(op.scale.shape, array.shape):
        shapes = f"{list(op.scale.shape)} does not fit {list(array.shape)} values"
        ctx.refuse(node, f"a scale of shape {shapes}")
    digits, shift = op.format.parts(op.evaluate(array.astype(np.float32)))
    low = int(shift[digits != 0].min(initial=int(shift.max(initial=0))))
    _check(node, int(shift.max(initial=0)) - low + op.format.m_bits + 2, MOST_FIXED_BITS, _SPAN)
    codes = digits << np.maximum(shift - low, 0)
    elem = int_type(int(codes.min(initial=0)), int(codes.max(initial=0)))
    unit = op.format.unit * 2**low
    return Quantised(codes, rational(op.scale.array) * unit, np.zeros((), np.int64), elem)


def _activation(node: NodeView, ctx: Context, source: Activation, op: QuantiseFloat) -> Activation:
    ranks = ctx.emit(op, [source], node.loc, node.label)
    ctx.stands_for(ranks, node.outputs[0])
    fixed = ctx.emit(Expand(op.format), [ranks], node.loc, f"{node.label}_fixed")
    affine = Affine(fixed, rational(op.scale.array) * op.format.unit, zero())
    return emit_real(ctx, node, affine, f"{node.label}_real")


def _check(node: NodeView, bits: int, most: int, what: str) -> None:
    if bits > most:
        fail(
            "F021",
            f"the numbers of this {node.op} {what} {bits} bits, at most {most} are supported",
            loc=node.loc,
            help="use fewer bits of exponent or mantissa",
        )
