"""Where the elements of activations lie: reshaping, transposing, and undoing both.

Invariant: integers are rearranged, not the real numbers made of them, so that nothing comes between
a quantiser and the elementwise functions in front of it; and only where an operator needs it, in
networks of images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bitmason.frontend.affine import Affine, emit_real
from bitmason.frontend.axes import flat_order, refined
from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.rationals import compress
from bitmason.frontend.values import Activation
from bitmason.ir import Const, Node, Op
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.real import AddConst, Clip, DivConst, LeakyRelu, MulConst, Unary
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.types import Array, IntArray, Shape

_REARRANGING = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "DepthToSpace", "SpaceToDepth"}
    | {"Resize", "Upsample", "Slice", "Split", "Gather"}
)
_ELEMENTWISE = MulConst | AddConst | DivConst | Clip | LeakyRelu | Unary
Rearrange = Callable[[Array], Array]


def reshape(node: NodeView, ctx: Context, x: Activation, shape: Shape) -> Activation:
    """Give the frames of `x` another shape."""
    if shape == ctx.frame(x):
        return x
    if not ctx.has_images:
        # Views are for images; but what Concat joined along another axis than the last is one too.
        return with_shape(node, ctx, in_file_order(node, ctx, x), shape)
    order = flat_order(ctx.axes(x), len(ctx.shape(x)))
    pieces = refined(tuple(ctx.shape(x)[axis] for axis in order), shape)
    if pieces is None:
        return with_shape(node, ctx, in_file_order(node, ctx, x), shape)
    return _regrouped(node, ctx, x, pieces)


def transpose(node: NodeView, ctx: Context, x: Activation, perm: tuple[int, ...]) -> Activation:
    """Permute the axes of the frames of `x`."""
    if perm == tuple(range(len(perm))):
        return x
    axes = ctx.axes(x)
    turned = ctx.viewed(x.name, tuple(axes[axis] for axis in perm))
    return turned if ctx.has_images else in_file_order(node, ctx, turned)


def in_file_order(node: NodeView, ctx: Context, x: Activation) -> Activation:
    """Return `x` with the axes of the graph in the order and number that the file has."""
    return arrange(node, ctx, x, range(len(ctx.frame(x))))


def as_output(node: NodeView, ctx: Context, x: Activation) -> Activation:
    """Return `x` as `in_file_order` does, but behind its scales: the host arranges real numbers."""
    shape, order = ctx.shape(x), flat_order(ctx.axes(x), len(ctx.shape(x)))
    long = [axis for axis in order if shape[axis] > 1]
    found = Activation(x.name)
    if long != sorted(long):
        found = _emit(node, ctx, found, Transpose(order))
    frame = ctx.frame(x)
    return found if ctx.shape(found) == frame else _emit(node, ctx, found, Reshape(frame))


def arrange(
    node: NodeView, ctx: Context, x: Activation, order: Sequence[int], units: int = 0
) -> Activation:
    """Return `x` so that axis `i` of the graph is axis `order[i]` of the file.

    Before those the graph gets as many axes of length 1 as `units` says.
    """
    axes, frame = ctx.axes(x), ctx.frame(x)
    moved = _permuted(
        node, ctx, x, flat_order(tuple(axes[axis] for axis in order), len(ctx.shape(x)))
    )
    found = with_shape(node, ctx, moved, (*[1] * units, *(frame[axis] for axis in order)))
    return ctx.viewed(found.name, tuple((units + place,) for place in np.argsort(order).tolist()))


def like(node: NodeView, ctx: Context, x: Activation, other: Activation) -> Activation:
    """Return `x`, whose frames have the shape of those of `other`, with the same layout."""
    order = flat_order(ctx.axes(other), len(ctx.shape(other)))
    pieces = reshape(node, ctx, x, tuple(ctx.shape(other)[axis] for axis in order))
    found = arrange(node, ctx, pieces, np.argsort(order).tolist())
    return Activation(found.name, other.axes)


def rows(node: NodeView, ctx: Context, x: Activation) -> tuple[Activation, IntArray | None]:
    """Return `x` so that the file's last axis is the last one of the graph.

    The elements of each row may stand in another order: the second result then tells which
    element of the file's row stands at each place.
    """
    *leading, last = ctx.axes(x)
    if last == (len(ctx.shape(x)) - 1,):
        return x, None
    sizes = [ctx.shape(x)[axis] for axis in last]
    kept = sorted(axis for axis in range(len(ctx.shape(x))) if axis not in last)
    moved = _permuted(node, ctx, x, (*kept, *sorted(last)))
    shape = (*(ctx.shape(x)[axis] for axis in kept), int(np.prod(sizes)))
    found = with_shape(node, ctx, moved, shape)
    axes = (*(tuple(kept.index(axis) for axis in group) for group in leading), (len(kept),))
    if list(last) == sorted(last):
        return ctx.viewed(found.name, axes), None
    places = np.arange(shape[-1]).reshape(sizes).transpose(np.argsort(last)).reshape(-1)
    return ctx.viewed(found.name, axes), places


def _regrouped(
    node: NodeView, ctx: Context, x: Activation, pieces: Sequence[tuple[int, ...]]
) -> Activation:
    """Let each axis of the file run over `pieces`, after splitting axes of the graph for it."""
    shape = ctx.shape(x)
    order = [axis for axis in flat_order(ctx.axes(x), len(shape)) if shape[axis] > 1]
    flat = iter([piece for group in pieces for piece in group])
    split: dict[int, list[int]] = {axis: [] for axis in order}
    places: list[tuple[int, int]] = []  # of each piece: the old axis, and which part of it
    for axis in order:
        while int(np.prod(split[axis])) < shape[axis]:
            places.append((axis, len(split[axis])))
            split[axis].append(next(flat))
    sizes = [split.get(axis) or [1] for axis in range(len(shape))]
    starts = np.cumsum([0, *(len(parts) for parts in sizes)]).tolist()
    named = iter([starts[axis] + part for axis, part in places])
    axes = tuple(tuple(next(named) for _ in group) for group in pieces)
    found = with_shape(node, ctx, x, tuple(size for parts in sizes for size in parts))
    return ctx.viewed(found.name, axes)


def _permuted(node: NodeView, ctx: Context, x: Activation, perm: tuple[int, ...]) -> Activation:
    """Permute the axes of the graph, or return `x` where no element moves by that."""
    shape = ctx.shape(x)
    long = [axis for axis in perm if shape[axis] > 1]
    if long == sorted(long):
        return Activation(x.name)
    op = Transpose(perm)
    return move(node, ctx, Activation(x.name), op, lambda array: array.transpose(perm))


def with_shape(node: NodeView, ctx: Context, x: Activation, shape: Shape) -> Activation:
    """Give the value of the graph another shape; the result has no axes of the file."""
    plain = Activation(x.name)
    if shape == ctx.shape(plain):
        return plain
    return move(node, ctx, plain, Reshape(shape), lambda array: array.reshape(shape))


def move(node: NodeView, ctx: Context, x: Activation, op: Op, rearrange: Rearrange) -> Activation:
    """Apply `op` to the integers that `x` is an elementwise function of, or to `x` itself.

    `rearrange` does to an array of the shape of `x` in the graph what `op` does to its frames.
    """
    chain: list[Node] = []
    maker = ctx.maker(x)
    while maker is not None and isinstance(maker.op, _ELEMENTWISE):
        chain.append(maker)
        maker = ctx.maker(Activation(maker.operands[0]))
    if maker is None or not isinstance(maker.op, Dequantise):
        return _emit(node, ctx, x, op)
    shape = ctx.shape(x)
    integers = _emit(node, ctx, Activation(maker.operands[0]), op)
    scale, offset = (
        _rearranged(np.array(part, dtype=object), shape, rearrange)
        for part in (maker.op.scale, maker.op.offset)
    )
    moved = emit_real(ctx, node, Affine(integers, scale, offset), f"{_label(node)}_real")
    for link in reversed(chain):
        moved = ctx.emit(_with_constant(link.op, shape, rearrange), [moved], link.loc, link.name)
    return moved


def _emit(node: NodeView, ctx: Context, x: Activation, op: Op) -> Activation:
    """Add `op` to the graph, or what it and a rearrangement in front of it are together."""
    maker = ctx.maker(x)
    source = x if maker is None else Activation(maker.operands[0])
    match op, maker and maker.op:
        case Reshape(shape=shape), Reshape():
            return source if shape == ctx.shape(source) else _emit(node, ctx, source, op)
        case Transpose(perm=outer), Transpose(perm=inner):
            perm = tuple(inner[axis] for axis in outer)
            if perm == tuple(range(len(perm))):
                return source
            return ctx.emit(Transpose(perm), [source], node.loc, _label(node))
    return ctx.emit(op, [x], node.loc, _label(node))


def _label(node: NodeView) -> str:
    """Return a name for what `node` rearranges: itself, or the operand that it reads."""
    return node.label if node.op in _REARRANGING else f"{node.label}_in"


def _rearranged(array: Array, shape: Shape, rearrange: Rearrange) -> Array:
    return array if array.size == 1 else compress(rearrange(np.broadcast_to(array, shape)))


def _with_constant(op: Op, shape: Shape, rearrange: Rearrange) -> Op:
    match op:
        case MulConst(value=constant) | AddConst(value=constant) | DivConst(value=constant):
            return replace(op, value=_scalar_or(constant, shape, rearrange))
        case LeakyRelu(alpha=constant):
            return replace(op, alpha=_scalar_or(constant, shape, rearrange))
    return op


def _scalar_or(constant: Const, shape: Shape, rearrange: Rearrange) -> Const:
    array = constant.array.reshape(()) if constant.array.size == 1 else constant.array
    return Const(_rearranged(array, shape, rearrange))
