"""Two activations become one: sums and products of integers wherever that is exact.

Invariant: what is joined in integers equals the same operation on the real numbers; where no
common step of the scales keeps the result narrow enough, real numbers are joined instead.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.affine import Affine, affine_of, emit_real
from bitmason.frontend.context import Context
from bitmason.frontend.images import as_image
from bitmason.frontend.layout import like, move
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.padding import as_numbers
from bitmason.frontend.rationals import common_step, last_axis, zero
from bitmason.frontend.values import Activation
from bitmason.ir import Bipolar, Const, Int, IntType, UInt
from bitmason.ir.ops.arrange import Upsample
from bitmason.ir.ops.dense import MAX_ACCUMULATOR_BITS
from bitmason.ir.ops.join import Product, WeightedSum
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.real import Add, Mul, Sub
from bitmason.ir.types import bits_needed

_SIGNS = Const.integers(np.array([[-1, 0, 1]]))


def combine(node: NodeView, ctx: Context, op: Add | Sub | Mul) -> Activation:
    """Add `op` of the first two operands of `node`, which are activations, to the graph."""
    a, b = _same_shape(node, ctx, ctx.activation(node, 0), ctx.activation(node, 1))
    b = like(node, ctx, b, a)
    flows = [_by_channel(ctx, x) for x in (a, b)]
    found = None
    if flows[0] is not None and flows[1] is not None:
        join = _multiplied if isinstance(op, Mul) else _added
        sign = -1 if isinstance(op, Sub) else 1
        found = join(node, ctx, flows[0], flows[1], sign)
    return ctx.emit(op, [a, b], node.loc, node.label) if found is None else found


def _same_shape(
    node: NodeView, ctx: Context, a: Activation, b: Activation
) -> tuple[Activation, Activation]:
    """Return both activations in one shape: one pixel is repeated for a whole image."""
    frames = [ctx.frame(a), ctx.frame(b)]
    if frames[0] == frames[1]:
        return a, b
    for small, large in ((0, 1), (1, 0)):
        if _is_pixel_of(frames[small], frames[large]):
            spread = _spread(node, ctx, (a, b)[small], frames[large])
            return (spread, b) if small == 0 else (a, spread)
    shown = " and ".join(str([1, *frame]) for frame in frames)
    fail(
        "F019",
        f"{node.op} cannot join activations of shapes {shown}",
        loc=node.loc,
        help="give both branches the same channels, rows and columns",
    )


def _is_pixel_of(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    same_rank = len(small) == len(large) in {2, 3}
    return same_rank and small[0] == large[0] and all(size == 1 for size in small[1:])


def _spread(node: NodeView, ctx: Context, x: Activation, frame: tuple[int, ...]) -> Activation:
    pixel = as_image(node, ctx, x)
    rows, columns = frame[1:] if len(frame) == 3 else (1, frame[1])
    moved = move(
        node,
        ctx,
        pixel,
        Upsample((rows, columns)),
        lambda array: array.repeat(rows, axis=0).repeat(columns, axis=1),
    )
    return Activation(moved.name, pixel.axes)


def _by_channel(ctx: Context, x: Activation) -> Affine | None:
    """Return `x` as an affine function of integers with one scale per channel at most."""
    flow = affine_of(ctx, x)
    if flow is None or not ctx.shape(x):
        return None
    parts = [last_axis(part, ctx.shape(x)) for part in (flow.scale, flow.offset)]
    if parts[0] is None or parts[1] is None:
        return None
    scale, offset = (np.array(part, dtype=object) for part in parts)
    return Affine(flow.integers, scale, offset)


def _added(node: NodeView, ctx: Context, a: Affine, b: Affine, sign: int) -> Activation | None:
    """Return `a + sign * b` as multiples of a common step, or None where they are too wide."""
    a, b = as_numbers(node, ctx, a), as_numbers(node, ctx, b)
    pairs = [(s, sign * t) for s, t in zip(*np.broadcast_arrays(a.scale, b.scale), strict=True)]
    steps = [common_step(np.array(pair, object)) if any(pair) else Fraction(1) for pair in pairs]
    factors = [
        [int(scale / step) for scale in pair] for pair, step in zip(pairs, steps, strict=True)
    ]
    elems = [_integers(ctx, x) for x in (a, b)]
    if any(_bits_of_sum(pair, elems) > MAX_ACCUMULATOR_BITS for pair in factors):
        return None
    op = WeightedSum(Const.integers(np.array(factors, np.int64).T))
    total = ctx.emit(op, [a.integers, b.integers], node.loc, node.label)
    result = Affine(total, np.array(steps, object), a.offset + sign * b.offset)
    return emit_real(ctx, node, result, f"{node.label}_real")


def _multiplied(node: NodeView, ctx: Context, a: Affine, b: Affine, sign: int) -> Activation | None:
    """Return `a * b` where both have whole zero points, else None."""
    a, b = (_without_bipolar(node, ctx, x) for x in (a, b))
    elems = [_integers(ctx, x) for x in (a, b)]
    shifts = [_zero_point(x) for x in (a, b)]
    if shifts[0] is None or shifts[1] is None:
        return None
    ranges = [(e.lo - z, e.hi - z) for e, z in zip(elems, shifts, strict=True) if z is not None]
    corners = [x * y for x in ranges[0] for y in ranges[1]]
    if bits_needed(min(corners), max(corners)) > MAX_ACCUMULATOR_BITS:
        return None
    op = Product((shifts[0], shifts[1]))
    found = ctx.emit(op, [a.integers, b.integers], node.loc, node.label)
    result = Affine(found, sign * a.scale * b.scale, zero())
    return emit_real(ctx, node, result, f"{node.label}_real")


def _without_bipolar(node: NodeView, ctx: Context, flow: Affine) -> Affine:
    """Return `flow` with -1 and +1 as integers of two bits, which can be multiplied."""
    if not isinstance(_integers(ctx, flow), Bipolar):
        return flow
    signs = Lookup(_SIGNS, -1, Int(2, -1, 1))
    integers = ctx.emit(signs, [flow.integers], node.loc, f"{node.label}_signs")
    return replace(flow, integers=integers)


def _integers(ctx: Context, flow: Affine) -> IntType:
    elem = ctx.elem(flow.integers)
    assert isinstance(elem, UInt | Int | Bipolar), "affine values come from integers"
    return elem


def _bits_of_sum(factors: list[int], elems: list[IntType]) -> int:
    ends = [(k * e.lo, k * e.hi) for k, e in zip(factors, elems, strict=True)]
    lo, hi = sum(min(pair) for pair in ends), sum(max(pair) for pair in ends)
    return max(bits_needed(lo, hi), *(bits_needed(k, k) for k in factors))


def _zero_point(flow: Affine) -> int | None:
    """Return the integer that stands for 0, if it is the same one for all channels."""
    if not all(flow.scale):
        return None
    found = set(-flow.offset / flow.scale)
    value = found.pop()
    return int(value) if not found and value.denominator == 1 else None
