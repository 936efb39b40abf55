"""What ends a classifier: Softmax, ArgMax, TopK."""

from __future__ import annotations

from collections.abc import Sequence

from bitmason.frontend.context import Context
from bitmason.frontend.layout import in_file_order, reshape
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Value
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.classifier import Softmax, TopK

# From this version of the standard operators on, Softmax works along one axis only.
_ONE_AXIS_OPSET = 13


@imports("Softmax")
def softmax(node: NodeView, ctx: Context) -> Value:
    """Import Softmax along one axis of the frame."""
    x = in_file_order(node, ctx, ctx.activation(node, 0))
    one_axis = ctx.opset >= _ONE_AXIS_OPSET
    rank = 1 + len(ctx.frame(x))
    axis = _axis(node, ctx, node.integer("axis", -1 if one_axis else 1), rank)
    if not one_axis and axis != rank - 1:
        ctx.refuse(node, f"Softmax over all axes from {axis} on, only the last is supported")
    return ctx.emit(Softmax(axis - rank), [x], node.loc, node.label)


@imports("ArgMax")
def arg_max(node: NodeView, ctx: Context) -> Value:
    """Import ArgMax along the last axis."""
    x = in_file_order(node, ctx, ctx.activation(node, 0))
    _need_last_axis(node, ctx, x, node.integer("axis", 0))
    if node.integer("select_last_index", 0):
        ctx.refuse(node, "ArgMax with select_last_index, only the first index is supported")
    best = ctx.emit(ArgMax(), [x], node.loc, node.label)
    if node.integer("keepdims", 1):
        return best
    return reshape(node, ctx, best, ctx.frame(x)[:-1])


@imports("TopK")
def top_k(node: NodeView, ctx: Context) -> Sequence[Value]:
    """Import TopK along the last axis, largest first: values and indices."""
    x = in_file_order(node, ctx, ctx.activation(node, 0))
    _need_last_axis(node, ctx, x, node.integer("axis", -1))
    if not node.integer("largest", 1) or not node.integer("sorted", 1):
        ctx.refuse(node, "TopK is supported for the largest elements in sorted order only")
    counts = ctx.integer_list(node, 1, "k") if "k" not in node else (node.integer("k", 1),)
    channels = ctx.frame(x)[-1]
    if counts is None or len(counts) != 1 or not 1 <= counts[0] <= channels:
        ctx.refuse(node, f"TopK needs one k from 1 to {channels}")
    return [
        ctx.emit(TopK(counts[0], indices), [x], node.loc, f"{node.label}_{what}")
        for indices, what in ((False, "values"), (True, "indices"))
    ]


def _axis(node: NodeView, ctx: Context, axis: int, rank: int) -> int:
    if not -rank <= axis < rank or axis % rank == 0:
        ctx.refuse(node, f"{node.op} along axis {axis} of a tensor of {rank} axes, the batch first")
    return axis % rank


def _need_last_axis(node: NodeView, ctx: Context, x: Activation, axis: int) -> None:
    rank = 1 + len(ctx.frame(x))
    if _axis(node, ctx, axis, rank) != rank - 1:
        ctx.refuse(node, f"{node.op} along axis {axis}, only the last axis is supported")
