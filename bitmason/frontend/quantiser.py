"""A uniform quantiser on constants and on activations.

Invariant: integers of constants come from the same arithmetic, in the same precision, as the QONNX
executor uses, because both are `Quantise.evaluate`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitmason.diagnostics import did_you_mean, fail, quote
from bitmason.frontend.affine import Affine, emit_real
from bitmason.frontend.context import Context, broadcasts
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.rationals import rational
from bitmason.frontend.values import Activation, Constant, Quantised, Value
from bitmason.ir import Const, Int, IntType, int_type
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.rounding import ROUNDINGS, rounding_named
from bitmason.ir.types import Array

_MAX_ZERO_POINT = 2**32
_MAX_BITS = 32


@dataclass(frozen=True, eq=False)
class Grid:
    """The integers a quantiser can produce and the numbers they stand for.

    `position` is the scale that divides the operand, `scale` the one that multiplies the integers:
    BipolarQuant looks at the sign alone.
    """

    position: Array
    scale: Array
    zero_point: Array
    elem: IntType
    rounding: str = "ROUND"


def positive_scale(node: NodeView, ctx: Context, index: int) -> Array:
    """Return the operand `index` as a scale: finite and greater than zero."""
    scale = ctx.constant(node, index, "the scale")
    bad = scale[scale <= 0].reshape(-1)
    if bad.size:
        fail(
            "F006",
            f"the scale is {bad[0]}, it must be greater than zero",
            loc=node.loc,
            help="run some batches through the model in training mode before the export",
        )
    if scale.dtype.kind != "f":
        scale = scale.astype(np.float32)
    return scale


def apply(node: NodeView, ctx: Context, grid: Grid, what: str) -> Value:
    """Quantise the first operand of `node`: a constant now, an activation in the graph."""
    operand = ctx.value(node, 0)
    if isinstance(operand, Quantised):
        operand = Constant(operand.real())
    if isinstance(operand, Constant):
        return quantise_constant(node, ctx, operand.array, grid, what)
    source = ctx.activation(node, 0)
    return quantise_activation(node, ctx, source, grid)


def quantise_constant(
    node: NodeView, ctx: Context, array: Array, grid: Grid, what: str
) -> Quantised:
    """Return the integers that `grid` gives for a constant."""
    ctx.finite(node, array, what)
    for part, name in ((grid.scale, "a scale"), (grid.zero_point, "a zero point")):
        if not broadcasts(part.shape, array.shape):
            shapes = f"{list(part.shape)} does not fit {list(array.shape)} values"
            ctx.refuse(node, f"{name} of shape {shapes}")
    quantise = Quantise(Const(grid.position), Const(grid.zero_point), grid.elem, grid.rounding)
    # float32 has no 2**31 - 1: a saturated code may come out one too large.
    with np.errstate(over="ignore"):
        codes = np.clip(quantise.evaluate(array), grid.elem.lo, grid.elem.hi)
    return Quantised(codes, rational(grid.scale), grid.zero_point.astype(np.int64), grid.elem)


def quantise_activation(node: NodeView, ctx: Context, source: Activation, grid: Grid) -> Activation:
    """Add a quantiser of `source` to the graph; its result is the real numbers after it."""
    position, scale, zero_point = (
        ctx.for_frame(node, array, source, what)
        for array, what in (
            (grid.position, "a scale"),
            (grid.scale, "a scale"),
            (grid.zero_point, "a zero point"),
        )
    )
    op = Quantise(position, zero_point, grid.elem, grid.rounding)
    codes = ctx.emit(op, [source], node.loc, node.label)
    ctx.stands_for(codes, node.outputs[0])
    exact_scale = rational(scale.array)
    affine = Affine(codes, exact_scale, -rational(zero_point.array) * exact_scale)
    return emit_real(ctx, node, affine, f"{node.label}_real")


def whole_zero_point(node: NodeView, ctx: Context) -> Array:
    """Return the third operand as a zero point: whole numbers, finite and not too large."""
    zero_point = ctx.constant(node, 2, "the zero point")
    odd = zero_point[~is_whole(zero_point)]
    if odd.size:
        fail(
            "F007",
            f"the zero point is {odd.reshape(-1)[0]}, it must be a whole number of at most 32 bits",
            loc=node.loc,
        )
    return zero_point


def bit_width(node: NodeView, ctx: Context, index: int = 3) -> int:
    """Return the operand `index` as a number of bits."""
    widths = np.unique(ctx.constant(node, index, "the bit width"))
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


def rounding_mode(node: NodeView, default: str = "ROUND", attribute: str = "rounding_mode") -> str:
    """Return how a quantiser rounds, by the name that the graph has for it."""
    given = node.text(attribute, default)
    mode = rounding_named(given)
    if mode is None:
        known = [*ROUNDINGS, "HALF_EVEN"]
        fail(
            "F007",
            f"there is no rounding mode {quote(given)}",
            loc=node.loc,
            help=did_you_mean(given, known) or f"rounding modes: {', '.join(known)}",
        )
    return mode


def is_whole(zero_point: Array) -> Array:
    """Return which elements are whole numbers of at most 32 bits."""
    in_range = (zero_point >= -_MAX_ZERO_POINT) & (zero_point <= _MAX_ZERO_POINT)
    return np.asarray(in_range & (zero_point == np.round(zero_point)))


def int_range(bits: int, signed: bool, narrow: bool) -> tuple[int, int]:
    """Return the smallest and largest code of a QONNX Quant."""
    if signed:
        return -(2 ** (bits - 1)) + int(narrow), 2 ** (bits - 1) - 1
    return 0, 2**bits - 1 - int(narrow)


def code_type(lo: int, hi: int) -> IntType:
    """Return a type whose smallest and largest values are just `lo` and `hi`.

    An unsigned type always reaches down to 0, so a range that starts above it becomes signed.
    """
    return Int(hi.bit_length() + 1, lo, hi) if lo > 0 else int_type(lo, hi)


def one() -> Array:
    """Return the scale 1 in the precision that changes no operand's."""
    return np.ones((), np.float32)
