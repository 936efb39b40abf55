"""Convolutions: Conv and ConvTranspose of signals and images."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.affine import Affine, emit_real
from bitmason.frontend.context import Context
from bitmason.frontend.geometry import Geometry, Kernel, fit, read_kernel
from bitmason.frontend.images import CHANNELS_LAST, as_image, as_in_node, channels_first
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.padding import by_channel, pad
from bitmason.frontend.product import product, quantised_operand, quantised_weights
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Quantised, Value
from bitmason.ir import Const
from bitmason.ir.ops.arrange import Crop
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.real import AddConst
from bitmason.ir.ops.windows import Pair
from bitmason.ir.types import Array, Shape


@imports("Conv")
def conv(node: NodeView, ctx: Context) -> Value:
    """Import Conv of one or two axes: padding, then windows times kernels, then the bias."""
    x = channels_first(node, ctx, ctx.activation(node, 0))
    image = as_image(node, ctx, x)
    axes = len(ctx.frame(x)) - 1
    weights = _weights(node, ctx, axes, "convolution")
    groups = _groups(node, ctx, image, weights.codes.shape[1], weights.codes.shape[0])
    kernel = read_kernel(node, ctx, axes, weights.codes.shape[2:])
    rows, columns, _ = ctx.shape(image)
    geometry = fit(node, kernel, (rows, columns))
    flow = by_channel(node, ctx, quantised_operand(node, ctx, image, "convolution"))
    padded = pad(node, ctx, flow, geometry.low, geometry.high)
    result = _slide(node, ctx, padded, weights, geometry, groups)
    return as_in_node(node, ctx, _biased(node, ctx, result))


@imports("ConvTranspose")
def conv_transpose(node: NodeView, ctx: Context) -> Value:
    """Import ConvTranspose: the image with gaps between its pixels, under mirrored kernels."""
    x = channels_first(node, ctx, ctx.activation(node, 0))
    image = as_image(node, ctx, x)
    axes = len(ctx.frame(x)) - 1
    weights = _weights(node, ctx, axes, "transposed convolution")
    groups = node.integer("group", 1)
    inputs = len(weights.codes)
    if groups < 1 or inputs % groups or ctx.shape(image)[2] != inputs:
        kernels = f"{inputs} input channels in {groups} groups"
        _fail_groups(node, ctx, image, kernels)
    kernel = read_kernel(node, ctx, axes, weights.codes.shape[2:])
    flow = by_channel(node, ctx, quantised_operand(node, ctx, image, "transposed convolution"))
    stuffed = _stuffed(node, ctx, flow, kernel, _output_padding(node, ctx, axes))
    geometry = Geometry(kernel.size, (1, 1), kernel.dilation, (0, 0), (0, 0))
    result = _slide(node, ctx, stuffed, _mirrored(weights, groups), geometry, groups)
    return as_in_node(node, ctx, _biased(node, ctx, result))


def _weights(node: NodeView, ctx: Context, axes: int, what: str) -> Quantised:
    """Return the weights with the channels in front of the kernel's axes."""
    value = ctx.value(node, 1)
    found = quantised_weights(node, ctx, value, axes + 2, what)
    if node.domain != CHANNELS_LAST:
        return found
    return found.transposed((0, axes + 1, *range(1, axes + 1)))


def _groups(node: NodeView, ctx: Context, image: Activation, inputs: int, outputs: int) -> int:
    """Return the number of groups, after checking that weights and channels fit it."""
    groups, channels = node.integer("group", 1), ctx.shape(image)[2]
    if groups < 1 or channels % groups or outputs % groups:
        fail(
            "F018",
            f"{groups} groups do not divide {channels} input and {outputs} output channels",
            loc=node.loc,
            help="choose a number of groups that divides both",
        )
    if inputs * groups != channels:
        kernels = f"{outputs} kernels of {inputs} channels in {groups} groups"
        _fail_groups(node, ctx, image, kernels)
    return groups


def _fail_groups(node: NodeView, ctx: Context, image: Activation, kernels: str) -> NoReturn:
    fail(
        "F018",
        f"weights for {kernels} do not fit {[1, *ctx.frame(image)]} values",
        loc=node.loc,
        help="the file was edited: export the model again",
    )


def _slide(
    node: NodeView,
    ctx: Context,
    flow: Affine,
    weights: Quantised,
    geometry: Geometry,
    groups: int,
) -> Activation:
    """Slide kernels over an image that needs no more padding."""
    outputs, inputs = weights.codes.shape[:2]
    rows = _as_rows(weights)
    scale, offset = (
        _along_kernels(part, geometry.kernel, groups, outputs) for part in (flow.scale, flow.offset)
    )
    moved = product(node, rows, scale, offset, "convolution")
    kernels = moved.weights.reshape(outputs, *geometry.kernel, inputs)
    op = Conv(Const.integers(kernels), moved.elem, geometry.stride, geometry.dilation, groups)
    sums = ctx.emit(op, [flow.integers], node.loc, node.label)
    return emit_real(ctx, node, Affine(sums, moved.scale, moved.offset), f"{node.label}_real")


def _as_rows(weights: Quantised) -> Quantised:
    """Return weights `[outputs, inputs, ...]` as a matrix; inputs stand innermost in its rows."""
    codes = weights.codes
    scale, zero_point = (
        _rows_of(part, codes.shape) for part in (weights.scale, weights.zero_point)
    )
    return Quantised(_rows_of(codes, codes.shape), scale, zero_point, weights.elem)


def _rows_of(part: Array, shape: Shape) -> Array:
    """Return what broadcasts to weights of `shape` as what broadcasts to their matrix."""
    small = part.reshape((1,) * (len(shape) - part.ndim) + part.shape)
    if all(size == 1 for size in small.shape[1:]):
        return small.reshape(-1, 1)
    moved = np.moveaxis(np.broadcast_to(small, shape), 1, -1)
    return moved.reshape(shape[0], -1)


def _along_kernels(part: Array, kernel: Pair, groups: int, outputs: int) -> Array:
    """Return one number, or one per channel, for each weight of each kernel."""
    if part.size == 1:
        return part.reshape(1, 1)
    by_group = np.tile(part.reshape(groups, -1), (1, kernel[0] * kernel[1]))
    return np.repeat(by_group, outputs // groups, axis=0) if groups > 1 else by_group


def _biased(node: NodeView, ctx: Context, result: Activation) -> Activation:
    if not node.has_input(2):
        return result
    bias: Array = ctx.constant(node, 2, "the bias")
    frame = ctx.frame(result)
    if bias.shape != (frame[0],):
        ctx.refuse(node, f"the bias has shape {list(bias.shape)}, there are {frame[0]} channels")
    across = bias.reshape(-1, *(1 for _ in frame[1:]))
    value = ctx.for_frame(node, across, result, "a bias")
    return ctx.emit(AddConst(value), [result], node.loc, f"{node.label}_bias")


def _stuffed(node: NodeView, ctx: Context, flow: Affine, kernel: Kernel, behind: Pair) -> Affine:
    """Return the image with gaps between its pixels, and with what the kernels need around it."""
    extents = ctx.shape(flow.integers)
    edges = [_edges(node, ctx, kernel, axis, extents[axis], behind[axis]) for axis in range(2)]
    (top, bottom), (left, right) = edges
    low, high = (max(top, 0), max(left, 0)), (max(bottom, 0), max(right, 0))
    padded = pad(node, ctx, flow, low, high, kernel.stride)
    found = ctx.shape(padded.integers)
    start = (max(-top, 0), max(-left, 0), 0)
    end = (max(-bottom, 0), max(-right, 0), 0)
    size = tuple(n - a - b for n, a, b in zip(found, start, end, strict=True))
    if size == found:
        return padded
    if any(extent < span for extent, span in zip(size, kernel.span, strict=False)):
        ctx.refuse(node, "ConvTranspose pads away its whole result", "give it smaller pads")
    op = Crop(start, size, (1, 1, 1))
    kept = ctx.emit(op, [padded.integers], node.loc, f"{node.label}_crop")
    return replace(padded, integers=kept)


def _edges(
    node: NodeView, ctx: Context, kernel: Kernel, axis: int, extent: int, behind: int
) -> Pair:
    """Return how far the kernels reach beyond the outermost pixels along an axis.

    Less than 0 where the padding of the file cuts pixels off.
    """
    reach, stride = kernel.span[axis] - 1, kernel.stride[axis]
    low, high = kernel.low[axis], kernel.high[axis]
    shape = node.integers("output_shape")
    if shape is not None or kernel.auto_pad.startswith("SAME"):
        wanted = extent * stride if shape is None else (1, *shape)[-2:][axis]
        total = stride * (extent - 1) + behind + reach + 1 - wanted
        low, high = total // 2, total - total // 2
        if kernel.auto_pad != "SAME_UPPER":
            low, high = high, low
    return reach - low, reach - high + behind


def _output_padding(node: NodeView, ctx: Context, axes: int) -> Pair:
    given = node.integers("output_padding") or (0,) * axes
    if len(given) != axes or min(given) < 0:
        ctx.refuse(node, f"output_padding {list(given)} does not fit {axes} axes")
    return (given[0], given[1]) if axes == 2 else (0, given[0])


def _mirrored(weights: Quantised, groups: int) -> Quantised:
    """Return weights `[inputs, outputs / groups, ...]` as those of the convolution behind."""
    shape = weights.codes.shape
    scale, zero_point = (
        part.reshape(-1) if part.size == 1 else _swapped(np.broadcast_to(part, shape), groups)
        for part in (weights.scale, weights.zero_point)
    )
    codes = _swapped(weights.codes, groups)
    return replace(weights, codes=codes, scale=scale, zero_point=zero_point)


def _swapped(array: Array, groups: int) -> Array:
    inputs, outputs, *kernel = array.shape
    split = array.reshape(groups, inputs // groups, outputs, *kernel).swapaxes(1, 2)
    joined = split.reshape(groups * outputs, inputs // groups, *kernel)
    return np.flip(joined, axis=tuple(range(2, joined.ndim)))
