"""Images and signals: values whose axes the graph has in the order rows, columns, channels.

Invariant: operators of images see the file's order channels, rows, columns, also in nodes of the
channels-last domain; a signal is an image of one row.
"""

from __future__ import annotations

from collections.abc import Sequence

from bitmason.frontend.context import Context
from bitmason.frontend.layout import arrange, transpose
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.values import Activation, Constant
from bitmason.ir.types import Shape

CHANNELS_LAST = "qonnx.custom_op.channels_last"
OPERATORS = frozenset(
    {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"}
    | {"Resize", "Upsample", "DepthToSpace", "SpaceToDepth"}
)
# Through these an image goes with its axes in their order, whatever stands beside it.
_SHAPELESS = frozenset(
    {"Quant", "IntQuant", "BipolarQuant", "Trunc", "QuantizeLinear", "DequantizeLinear"}
    | {"Add", "Sub", "Mul", "Div", "Relu", "Clip", "BatchNormalization", "Identity", "Dropout"}
    | {"Cast", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "Neg", "Pad", "MultiThreshold"}
    | {"Slice", "Split", "Concat"}
)


def order_of_input(
    nodes: Sequence[NodeView], ctx: Context, tensor: str, frame: Shape
) -> tuple[int, ...]:
    """Return in which order the graph should have the axes of the input's frames.

    That is the one in which the first image operator that the input flows into, through nodes
    that keep or transpose its axes or move those of length 1, finds rows, columns and channels.
    Where they all find it in another shape, channels are first unless all operators have them last.
    """
    rank = len(frame)
    reached: dict[str, tuple[int, ...]] = {tensor: tuple(range(rank))}
    for node in nodes:
        axes = reached.get(node.inputs[0]) if node.inputs else None
        if axes is None:
            continue
        if node.op in OPERATORS:
            is_last = node.domain == CHANNELS_LAST
            return axes if is_last else (*axes[1:], axes[0])
        if node.op == "Transpose":
            perm = node.integers("perm") or ()
            if len(perm) == rank + 1 and perm[0] == 0 and sorted(perm) == list(range(rank + 1)):
                reached[node.outputs[0]] = tuple(axes[axis - 1] for axis in perm[1:])
        elif node.op == "Reshape":
            kept = _with_units_moved(axes, frame, _target(node, ctx))
            if kept is not None:
                reached[node.outputs[0]] = kept
        elif node.op in _SHAPELESS:
            reached |= dict.fromkeys(node.outputs, axes)
    if all(node.domain == CHANNELS_LAST for node in nodes if node.op in OPERATORS):
        return tuple(range(rank))
    return (*range(1, rank), 0)


def _target(node: NodeView, ctx: Context) -> tuple[int, ...]:
    """Return the shape that a Reshape gives its frames, empty where it is not in the file."""
    target = ctx.values.get(node.inputs[1]) if node.has_input(1) else None
    return tuple(target.array.reshape(-1).tolist()[1:]) if isinstance(target, Constant) else ()


def _with_units_moved(
    axes: tuple[int, ...], frame: Shape, target: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Return the axes of `frame` that `target` lists, where it only moves axes of length 1."""
    units = [axis for axis in axes if frame[axis] == 1]
    long = [axis for axis in axes if frame[axis] > 1]
    if len(target) != len(axes) or [n for n in target if n != 1] != [frame[axis] for axis in long]:
        return None
    parts = {True: iter(units), False: iter(long)}
    return tuple(next(parts[size == 1]) for size in target)


def channels_first(node: NodeView, ctx: Context, x: Activation) -> Activation:
    """Return the operand `x` of `node` in the order channels, rows, columns."""
    rank = len(ctx.frame(x))
    if node.domain != CHANNELS_LAST or not rank:
        return x
    return transpose(node, ctx, x, (rank - 1, *range(rank - 1)))


def as_in_node(node: NodeView, ctx: Context, x: Activation) -> Activation:
    """Undo `channels_first` for a result of `node`."""
    rank = len(ctx.frame(x))
    return transpose(node, ctx, x, (*range(1, rank), 0)) if node.domain == CHANNELS_LAST else x


def image(node: NodeView, ctx: Context, index: int = 0) -> Activation:
    """Return an operand as an image of three axes in the graph: rows, columns, channels."""
    x = channels_first(node, ctx, ctx.activation(node, index))
    return as_image(node, ctx, x)


def as_image(node: NodeView, ctx: Context, x: Activation) -> Activation:
    """Return `x`, channels first in the file, as rows, columns, channels in the graph."""
    rank = len(ctx.frame(x))
    if rank not in {2, 3}:
        ctx.refuse(
            node,
            f"{node.op} of {[1, *ctx.frame(x)]} values: expected a signal [1, channels, length] or "
            "an image [1, channels, rows, columns]",
        )
    if ctx.axes(x) == image_axes(rank) and len(ctx.shape(x)) == 3:
        return x
    return arrange(node, ctx, x, (*range(1, rank), 0), units=3 - rank)


def image_axes(rank: int) -> tuple[tuple[int, ...], ...]:
    """Return the axes of frames `[C, H, W]` or `[C, L]` in an image of the graph."""
    return ((2,), (0,), (1,)) if rank == 3 else ((2,), (1,))
