"""Which elements of which tensor: Concat, Split, Slice, Gather, Pad."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

import numpy as np

from bitmason.diagnostics import fail, quote
from bitmason.frontend.affine import Affine, affine_of, emit_real
from bitmason.frontend.context import Context
from bitmason.frontend.images import as_image, as_in_node, channels_first
from bitmason.frontend.layout import arrange, in_file_order, move, reshape, with_shape
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.padding import as_numbers, by_channel, pad
from bitmason.frontend.product import quantised_operand
from bitmason.frontend.rationals import last_axis
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Value
from bitmason.ir import Bipolar
from bitmason.ir.ops.arrange import Concat, Crop
from bitmason.ir.types import Array

_IMAGE_AXES = 3


@imports("Concat")
def concat(node: NodeView, ctx: Context) -> Value:
    """Import Concat of activations: of integers where all are affine functions of some."""
    parts = [ctx.activation(node, index) for index in range(len(node.inputs))]
    rank = 1 + len(ctx.frame(parts[0]))
    axis = node.integer("axis", 1)
    if not -rank <= axis < rank or axis % rank == 0:
        ctx.refuse(node, f"Concat along axis {axis} of tensors of {rank} axes, the batch first")
    place = axis % rank - 1
    _check_shapes(node, ctx, parts, place)
    if len(parts) == 1:
        return parts[0]
    first = ctx.axes(parts[0])
    others = sorted((i for i in range(rank - 1) if i != place), key=lambda i: first[i])
    units = max(len(ctx.shape(parts[0])) - rank + 1, 0) if ctx.has_images else 0
    order = (*others, place)
    laid = [arrange(node, ctx, part, order, units) for part in parts]
    return _joined(node, ctx, laid)


def _check_shapes(node: NodeView, ctx: Context, parts: Sequence[Activation], place: int) -> None:
    frames = [ctx.frame(part) for part in parts]
    rests = {frame[:place] + frame[place + 1 :] for frame in frames}
    if len(rests) == 1 and len({len(frame) for frame in frames}) == 1:
        return
    shown = ", ".join(str([1, *frame]) for frame in frames)
    fail(
        "F019",
        f"Concat along axis {place + 1} cannot join activations of shapes {shown}",
        loc=node.loc,
        help="give all branches the same sizes along the other axes",
    )


def _joined(node: NodeView, ctx: Context, parts: Sequence[Activation]) -> Activation:
    """Join tensors along the last axis of the graph."""
    flows = [affine_of(ctx, part) for part in parts]
    known = [flow for flow in flows if flow is not None and _has_channels(ctx, flow)]
    if len(known) < len(parts):
        return ctx.emit(Concat(), parts, node.loc, node.label)
    bipolar = [isinstance(ctx.elem(flow.integers), Bipolar) for flow in known]
    if any(bipolar) and not all(bipolar):
        known = [as_numbers(node, ctx, flow) for flow in known]
    integers = [flow.integers for flow in known]
    made = ctx.emit(Concat(), integers, node.loc, node.label)
    scale, offset = (
        np.concatenate([_along(ctx, flow, part) for flow, part in pairs])
        for pairs in (
            [(flow, flow.scale) for flow in known],
            [(flow, flow.offset) for flow in known],
        )
    )
    return emit_real(ctx, node, Affine(made, scale, offset), f"{node.label}_real")


def _has_channels(ctx: Context, flow: Affine) -> bool:
    shape = ctx.shape(flow.integers)
    return all(last_axis(part, shape) is not None for part in (flow.scale, flow.offset))


def _along(ctx: Context, flow: Affine, part: Array) -> Array:
    """Return one number for each entry of the last axis."""
    shape = ctx.shape(flow.integers)
    return np.broadcast_to(np.array(last_axis(part, shape), dtype=object), shape[-1:])


@imports("Split")
def split(node: NodeView, ctx: Context) -> Sequence[Value]:
    """Import Split along one axis into parts of given or equal sizes."""
    x = ctx.activation(node, 0)
    axis = _frame_axis(node, ctx, x, node.integer("axis", 0))
    extent, count = ctx.frame(x)[axis], len(node.outputs)
    equal = -(-extent // count)
    sizes = ctx.integer_list(node, 1, "split") or (
        *[equal] * (count - 1),
        extent - equal * (count - 1),
    )
    if len(sizes) != count or sum(sizes) != extent or min(sizes) < 1:
        ctx.refuse(node, f"Split of {extent} elements into parts of {list(sizes)}")
    starts = np.cumsum([0, *sizes[:-1]]).tolist()
    return [
        _cropped(node, ctx, x, axis, range(start, start + size))
        for start, size in zip(starts, sizes, strict=True)
    ]


@imports("Slice")
def slice_of(node: NodeView, ctx: Context) -> Value:
    """Import Slice with constant bounds and positive steps."""
    x = ctx.activation(node, 0)
    starts = ctx.integer_list(node, 1, "starts") or ()
    ends = ctx.integer_list(node, 2, "ends") or ()
    axes = ctx.integer_list(node, 3, "axes") or tuple(range(len(starts)))
    steps = ctx.integer_list(node, 4, "steps") or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        ctx.refuse(node, "Slice has starts, ends, axes and steps of different lengths")
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 1:
            ctx.refuse(node, f"Slice with step {step}, only positive steps are supported")
        if axis % (1 + len(ctx.frame(x))) == 0 and start == 0 and end >= 1 and step == 1:
            continue
        place = _frame_axis(node, ctx, x, axis)
        kept = range(*slice(start, end, step).indices(ctx.frame(x)[place]))
        if not kept:
            ctx.refuse(node, f"Slice leaves nothing of axis {axis}")
        x = _cropped(node, ctx, x, place, kept)
    return x


@imports("Gather")
def gather(node: NodeView, ctx: Context) -> Value:
    """Import Gather of one element, or of evenly spaced elements, along an axis."""
    x = ctx.activation(node, 0)
    place = _frame_axis(node, ctx, x, node.integer("axis", 0))
    extent = ctx.frame(x)[place]
    indices = ctx.any_constant(node, 1, "the indices")
    wanted = [int(index) + (extent if index < 0 else 0) for index in indices.reshape(-1)]
    steps = set(np.diff(wanted).tolist()) or {1}
    if (
        indices.ndim > 1
        or not wanted
        or len(steps) != 1
        or min(steps) < 1
        or not 0 <= wanted[0] <= wanted[-1] < extent
    ):
        ctx.refuse(
            node,
            f"Gather of {extent} elements takes indices that are not evenly spaced",
            "use a slice, or reshape and transpose",
        )
    found = _cropped(node, ctx, x, place, range(wanted[0], wanted[-1] + 1, min(steps)))
    if indices.ndim == 1:
        return found
    frame = ctx.frame(found)
    return reshape(node, ctx, found, frame[:place] + frame[place + 1 :])


def _frame_axis(node: NodeView, ctx: Context, x: Activation, axis: int) -> int:
    """Return which axis of the frame the file's `axis` is."""
    rank = 1 + len(ctx.frame(x))
    if not -rank <= axis < rank or axis % rank == 0:
        ctx.refuse(node, f"{node.op} along axis {axis} of a tensor of {rank} axes, the batch first")
    return axis % rank - 1


def _cropped(node: NodeView, ctx: Context, x: Activation, axis: int, kept: range) -> Activation:
    """Keep evenly spaced elements of one axis of the frame."""
    if len(kept) == ctx.frame(x)[axis]:
        return x
    plain = x if len(ctx.axes(x)[axis]) == 1 else _in_plain_order(node, ctx, x)
    place, shape = ctx.axes(plain)[axis][0], ctx.shape(plain)
    if len(shape) <= _IMAGE_AXES:
        return Activation(_crop_axis(node, ctx, plain, place, kept).name, plain.axes)
    # Channels that a shuffle has split: the axes on either side of the one in question are one.
    before, behind = shape[:place], shape[place + 1 :]
    whole = (prod(before), shape[place], prod(behind)) if behind else (1, prod(before), shape[-1])
    merged = with_shape(node, ctx, plain, whole)
    found = _crop_axis(node, ctx, merged, 1 if behind else 2, kept)
    split_again = with_shape(node, ctx, found, (*before, len(kept), *behind))
    return Activation(split_again.name, plain.axes)


def _in_plain_order(node: NodeView, ctx: Context, x: Activation) -> Activation:
    """Return `x` with one axis of the graph for each one of the file, channels last in images."""
    as_images = ctx.has_images and len(ctx.frame(x)) in {2, 3}
    return as_image(node, ctx, x) if as_images else in_file_order(node, ctx, x)


def _crop_axis(node: NodeView, ctx: Context, x: Activation, place: int, kept: range) -> Activation:
    """Keep evenly spaced elements of one axis of the graph."""
    plain = Activation(x.name)
    shape = ctx.shape(plain)
    start, size, step = [0] * len(shape), list(shape), [1] * len(shape)
    start[place], size[place], step[place] = kept.start, len(kept), kept.step
    op = Crop(tuple(start), tuple(size), tuple(step))
    return move(node, ctx, plain, op, lambda array: array.take(list(kept), place))


@imports("Pad")
def pad_image(node: NodeView, ctx: Context) -> Value:
    """Import Pad of rows and columns with a constant; negative widths cut off."""
    mode = node.text("mode", "constant")
    if mode != "constant":
        ctx.refuse(node, f"Pad in mode {quote(mode)}", "only constant padding is supported")
    x = channels_first(node, ctx, ctx.activation(node, 0))
    low, high = _pad_widths(node, ctx, len(ctx.frame(x)))
    image = as_image(node, ctx, x)
    flow = by_channel(node, ctx, quantised_operand(node, ctx, image, "padding"))
    value = _pad_value(node, ctx)
    around = [(max(a, 0), max(b, 0)) for a, b in zip(low, high, strict=True)]
    padded = pad(
        node,
        ctx,
        flow,
        (around[0][0], around[1][0]),
        (around[0][1], around[1][1]),
        value=value,
    )
    found = emit_real(ctx, node, padded, f"{node.label}_real")
    for axis, (a, b) in enumerate(zip(low, high, strict=True)):
        place = len(ctx.frame(x)) - 2 + axis
        if min(a, b) < 0:
            extent = ctx.frame(found)[place]
            found = _cropped(node, ctx, found, place, range(max(-a, 0), extent - max(-b, 0)))
    return as_in_node(node, ctx, found)


def _pad_widths(node: NodeView, ctx: Context, rank: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the widths before and behind rows and columns."""
    given = ctx.integer_list(node, 1, "pads") or ()
    axes = ctx.integer_list(node, 3, "axes") or tuple(range(1 + rank))
    if len(given) != 2 * len(axes):
        ctx.refuse(node, f"Pad has {len(given)} widths for {len(axes)} axes")
    low, high = [0] * (1 + rank), [0] * (1 + rank)
    for i, axis in enumerate(axes):
        low[axis], high[axis] = given[i], given[len(axes) + i]
    if rank not in {2, 3} or any(low[:2]) or any(high[:2]):
        ctx.refuse(node, "Pad is supported for the rows and columns of images only")
    front = [0] * (3 - rank)
    rows = (*front, *low[2:]), (*front, *high[2:])
    return (rows[0][0], rows[0][1]), (rows[1][0], rows[1][1])


def _pad_value(node: NodeView, ctx: Context) -> Fraction:
    if "value" in node:
        return Fraction(node.number("value", 0.0))
    if not node.has_input(2):
        return Fraction(0)
    given = ctx.constant(node, 2, "the padding value")
    if given.size != 1:
        ctx.refuse(node, "Pad needs one number as its value")
    return Fraction(given.reshape(-1)[0].item())
