"""Pools: the largest element or the mean of windows, or of whole images."""

from __future__ import annotations

from collections.abc import Callable

from bitmason.frontend.affine import Affine, emit_real
from bitmason.frontend.context import Context
from bitmason.frontend.geometry import Geometry, fit, read_kernel
from bitmason.frontend.images import as_image, as_in_node, channels_first, image_axes
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.padding import as_numbers, by_channel, pad
from bitmason.frontend.product import quantised_operand
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Value
from bitmason.ir import Op
from bitmason.ir.ops.pooling import GlobalPool, MaxPool, SumPool
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.windows import Pair


@imports("MaxPool")
def max_pool(node: NodeView, ctx: Context) -> Value:
    """Import MaxPool: of integers where their scale is positive, else of real numbers."""
    if len(node.outputs) > 1 and node.outputs[1]:
        ctx.refuse(node, "MaxPool with indices is not supported")
    x = channels_first(node, ctx, ctx.activation(node, 0))
    image = as_image(node, ctx, x)
    found = _geometry(node, ctx, image)
    op = MaxPool(found.kernel, found.stride, found.dilation, found.low, found.high)
    return as_in_node(node, ctx, _largest(node, ctx, image, op, op))


@imports("AveragePool")
def average_pool(node: NodeView, ctx: Context) -> Value:
    """Import AveragePool as sums, with the division in the scale."""
    x = channels_first(node, ctx, ctx.activation(node, 0))
    image = as_image(node, ctx, x)
    found = _geometry(node, ctx, image)
    flow = by_channel(node, ctx, quantised_operand(node, ctx, image, "average pool"))
    _check_mean(node, ctx, found)
    padded = pad(node, ctx, flow, found.low, found.high)
    count = found.kernel[0] * found.kernel[1]
    op = SumPool(found.kernel, found.stride, found.dilation)
    return as_in_node(node, ctx, _mean(node, ctx, padded, op, count))


@imports("GlobalMaxPool")
def global_max_pool(node: NodeView, ctx: Context) -> Value:
    """Import GlobalMaxPool."""
    return _reduce(node, ctx, _every_pixel(node, ctx), _max_over, keep=True)


@imports("GlobalAveragePool")
def global_average_pool(node: NodeView, ctx: Context) -> Value:
    """Import GlobalAveragePool."""
    return _reduce(node, ctx, _every_pixel(node, ctx), _mean_over, keep=True)


@imports("ReduceMax", "ReduceMean", "ReduceSum")
def reduce(node: NodeView, ctx: Context) -> Value:
    """Import reductions over rows, columns or both."""
    rank = 1 + len(ctx.frame(ctx.activation(node, 0)))
    given = ctx.integer_list(node, 1, "axes")
    axes = sorted({axis % rank for axis in given or range(rank)})
    over = {"ReduceMax": _max_over, "ReduceMean": _mean_over, "ReduceSum": _sum_over}[node.op]
    if rank not in {3, 4} or not axes or axes[0] < 2:
        ctx.refuse(
            node,
            f"{node.op} over axes {axes} of a tensor that has {rank}: expected axes of the image, "
            f"behind batch and channels",
        )
    return _reduce(node, ctx, tuple(axes), over, keep=bool(node.integer("keepdims", 1)))


_Over = Callable[[NodeView, Context, Activation, Pair], Activation]


def _every_pixel(node: NodeView, ctx: Context) -> tuple[int, ...]:
    return tuple(range(2, 1 + len(ctx.frame(ctx.activation(node, 0)))))


def _reduce(
    node: NodeView, ctx: Context, axes: tuple[int, ...], over: _Over, *, keep: bool
) -> Activation:
    """Reduce the axes of the file's tensor that stand behind the channels."""
    x = channels_first(node, ctx, ctx.activation(node, 0))
    rank = len(ctx.frame(x))
    image = as_image(node, ctx, x)
    rows, columns, _ = ctx.shape(image)
    places = {image_axes(rank)[axis - 1][0] for axis in axes}
    kernel = (rows if 0 in places else 1, columns if 1 in places else 1)
    found = over(node, ctx, image, kernel)
    kept = [axis for axis in range(rank) if keep or axis + 1 not in axes]
    return as_in_node(
        node, ctx, ctx.viewed(found.name, tuple(image_axes(rank)[axis] for axis in kept))
    )


def _mean_over(node: NodeView, ctx: Context, image: Activation, kernel: Pair) -> Activation:
    return _sums(node, ctx, image, kernel, kernel[0] * kernel[1])


def _sum_over(node: NodeView, ctx: Context, image: Activation, kernel: Pair) -> Activation:
    return _sums(node, ctx, image, kernel, 1)


def _sums(
    node: NodeView, ctx: Context, image: Activation, kernel: Pair, divisor: int
) -> Activation:
    flow = by_channel(node, ctx, quantised_operand(node, ctx, image, "average pool"))
    is_whole = kernel == ctx.shape(image)[:2]
    op = GlobalPool("sum") if is_whole else SumPool(kernel, kernel)
    return _mean(node, ctx, flow, op, kernel[0] * kernel[1], divisor)


def _mean(
    node: NodeView, ctx: Context, flow: Affine, op: Op, count: int, divisor: int | None = None
) -> Activation:
    """Sum `count` elements at a time and divide by `divisor`, by default by their number."""
    numbers = as_numbers(node, ctx, flow)
    sums = ctx.emit(op, [numbers.integers], node.loc, node.label)
    parts = divisor or count
    scale, offset = numbers.scale / parts, numbers.offset * count / parts
    return emit_real(ctx, node, Affine(sums, scale, offset), f"{node.label}_real")


def _max_over(node: NodeView, ctx: Context, image: Activation, kernel: Pair) -> Activation:
    windows = MaxPool(kernel, kernel)
    is_whole = kernel == ctx.shape(image)[:2]
    return _largest(node, ctx, image, GlobalPool("max") if is_whole else windows, windows)


def _largest(
    node: NodeView, ctx: Context, image: Activation, of_integers: Op, of_reals: Op
) -> Activation:
    """Take the largest elements, below a scale that keeps the order."""
    maker = ctx.maker(image)
    if maker is None or not isinstance(maker.op, Dequantise) or min(maker.op.scale) <= 0:
        return ctx.emit(of_reals, [image], node.loc, node.label)
    integers = Activation(maker.operands[0], image.axes)
    best = ctx.emit(of_integers, [integers], node.loc, node.label)
    return ctx.emit(maker.op, [best], node.loc, f"{node.label}_real")


def _geometry(node: NodeView, ctx: Context, image: Activation) -> Geometry:
    rows, columns, _ = ctx.shape(image)
    return fit(node, read_kernel(node, ctx, len(ctx.frame(image)) - 1), (rows, columns))


def _check_mean(node: NodeView, ctx: Context, found: Geometry) -> None:
    """Refuse means over fewer elements at the edges than inside."""
    if found.is_beyond:
        ctx.refuse(
            node,
            "AveragePool with ceil_mode has windows that reach beyond the padded image",
            "pad so that the windows fit, or leave ceil_mode out",
        )
    if found.pads and not node.integer("count_include_pad", 0):
        ctx.refuse(
            node,
            "AveragePool that leaves its padding out of the mean divides unequally at the edges",
            "use count_include_pad=True, or a pool without padding",
        )
