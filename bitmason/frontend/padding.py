"""Padding of integers, so that the new pixels stand for a given real number.

Invariant: a pixel of padding is exactly that number, or the network is refused.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.affine import Affine
from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.rationals import last_axis
from bitmason.ir import Bipolar
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.windows import Pair
from bitmason.ir.types import Array


def by_channel(node: NodeView, ctx: Context, flow: Affine) -> Affine:
    """Return `flow` with scale and offset of one entry, or one per channel of an image."""
    shape = ctx.shape(flow.integers)
    scale, offset = last_axis(flow.scale, shape), last_axis(flow.offset, shape)
    if scale is None or offset is None:
        fail(
            "F016",
            "the scale of the activations varies between the pixels of a channel",
            loc=node.loc,
            help="use one scale per tensor, or one per channel",
        )
    return Affine(flow.integers, _row(scale), _row(offset))


def pad(
    node: NodeView,
    ctx: Context,
    flow: Affine,
    low: Pair,
    high: Pair,
    step: Pair = (1, 1),
    value: Fraction = Fraction(0),
) -> Affine:
    """Put pixels that stand for `value` around an image and, with `step`, between its pixels."""
    if not any((*low, *high)) and step == (1, 1):
        return flow
    codes = (value - flow.offset) / flow.scale
    odd = [code for code in codes if code.denominator != 1]
    if odd:
        fail(
            "F020",
            f"the padding {float(value):g} would need the integer {float(odd[0]):g}",
            loc=node.loc,
            notes=["padding must lie on the quantiser's grid: offset + scale * integer"],
            help="use a quantiser with a whole-numbered zero point in front of this layer",
        )
    op = Pad(low, high, tuple(int(code) for code in codes), step)
    padded = ctx.emit(op, [flow.integers], node.loc, f"{node.label}_pad")
    return replace(flow, integers=padded)


def as_numbers(node: NodeView, ctx: Context, flow: Affine) -> Affine:
    """Return `flow` on integers that can be summed: bits with another scale for bipolar ones."""
    if not isinstance(ctx.elem(flow.integers), Bipolar):
        return flow
    bits = ctx.emit(Bit(), [flow.integers], node.loc, f"{node.label}_bit")
    return Affine(bits, 2 * flow.scale, flow.offset - flow.scale)


def _row(values: tuple[Fraction, ...]) -> Array:
    return np.array(values, dtype=object)
