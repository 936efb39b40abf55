"""Larger images: nearest-neighbour Resize and Upsample, DepthToSpace and SpaceToDepth."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from bitmason.diagnostics import quote
from bitmason.frontend.context import Context
from bitmason.frontend.images import as_image, as_in_node, channels_first
from bitmason.frontend.layout import move, reshape, transpose
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Value
from bitmason.ir.ops.arrange import Upsample

_NEAREST_HELP = "use nearest-neighbour upsampling (Brevitas QuantUpsamplingNearest2d)"
_MAX_EXTENT = 2**16
_HALF = Fraction(1, 2)
_COORDINATES: dict[str, Callable[[int, int, int], Fraction]] = {
    "asymmetric": lambda i, factor, extent: Fraction(i, factor),
    "half_pixel": lambda i, factor, extent: (i + _HALF) / factor - _HALF,
    "pytorch_half_pixel": lambda i, factor, extent: (
        (i + _HALF) / factor - _HALF if factor * extent > 1 else Fraction(0)
    ),
    "half_pixel_symmetric": lambda i, factor, extent: (i + _HALF) / factor - _HALF,
    "align_corners": lambda i, factor, extent: (
        Fraction(i * (extent - 1), factor * extent - 1) if factor * extent > 1 else Fraction(0)
    ),
}
_ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "round_prefer_floor": lambda x: math.ceil(x - _HALF),
    "round_prefer_ceil": lambda x: math.floor(x + _HALF),
}


@imports("Upsample", "Resize")
def resize(node: NodeView, ctx: Context) -> Value:
    """Import nearest-neighbour upsampling by whole factors, which repeats every pixel."""
    mode = node.text("mode", "nearest")
    if mode != "nearest":
        ctx.refuse(
            node, f"{node.op} in mode {quote(mode)} makes numbers between the pixels", _NEAREST_HELP
        )
    x = channels_first(node, ctx, ctx.activation(node, 0))
    factors = _factors(node, ctx, x)
    if node.op == "Resize":
        _check_coordinates(node, ctx, ctx.frame(x)[-len(factors) :], factors)
    image = as_image(node, ctx, x)
    down, across = (1, *factors)[-2:]
    moved = move(
        node,
        ctx,
        Activation(image.name),
        Upsample((down, across)),
        lambda array: array.repeat(down, axis=0).repeat(across, axis=1),
    )
    return as_in_node(node, ctx, Activation(moved.name, image.axes))


def _factors(node: NodeView, ctx: Context, x: Activation) -> tuple[int, ...]:
    """Return by how much each axis behind the channels grows."""
    shape = (1, *ctx.frame(x))
    axes = node.integers("axes") or tuple(range(len(shape)))
    scales = _scales(node, ctx, shape, axes)
    full = dict.fromkeys(range(len(shape)), Fraction(1)) | dict(
        zip((axis % len(shape) for axis in axes), scales, strict=True)
    )
    factors = [full[axis] for axis in range(len(shape))]
    if any(factor.denominator != 1 or factor < 1 for factor in factors) or factors[:2] != [1, 1]:
        shown = ", ".join(f"{float(factor):g}" for factor in factors)
        ctx.refuse(
            node,
            f"{node.op} by the factors {shown}: expected whole numbers, 1 for batch and channels",
            _NEAREST_HELP,
        )
    return tuple(int(factor) for factor in factors[2:])


def _scales(
    node: NodeView, ctx: Context, shape: tuple[int, ...], axes: tuple[int, ...]
) -> list[Fraction]:
    numbers = node.numbers("scales")
    if numbers is not None:
        return [Fraction(number) for number in numbers]
    # Upsample and the first Resize have the scales where later ones have a region.
    index = 1 if node.op == "Upsample" or len(node.inputs) == 2 else 2
    if node.has_input(index):
        given = ctx.constant(node, index, "the scales").reshape(-1)
        if given.size:
            return [Fraction(item.item()) for item in given]
    if not node.has_input(3):
        ctx.refuse(node, f"{node.op} has neither scales nor sizes")
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        ctx.refuse(
            node, f"Resize with keep_aspect_ratio_policy {quote(policy)}", "export with scales"
        )
    sizes = ctx.constant(node, 3, "the sizes").reshape(-1).tolist()
    return [Fraction(int(n), shape[axis]) for n, axis in zip(sizes, axes, strict=True)]


def _check_coordinates(
    node: NodeView, ctx: Context, extents: tuple[int, ...], factors: tuple[int, ...]
) -> None:
    """Refuse coordinates that pick another pixel than the one that is repeated there."""
    coordinates = node.text(
        "coordinate_transformation_mode", "asymmetric" if ctx.opset < 11 else "half_pixel"
    )
    rounding = node.text("nearest_mode", "floor" if ctx.opset < 11 else "round_prefer_floor")
    form = f"Resize with {quote(coordinates)} coordinates and {quote(rounding)}"
    place, rounded = _COORDINATES.get(coordinates), _ROUNDINGS.get(rounding)
    if place is None or rounded is None:
        ctx.refuse(node, f"{form} is not known", _NEAREST_HELP)
    for extent, factor in zip(extents, factors, strict=True):
        if extent * factor > _MAX_EXTENT:
            ctx.refuse(node, f"Resize to {extent * factor} rows or columns, at most {_MAX_EXTENT}")
        for i in range(extent * factor):
            picked = min(max(rounded(place(i, factor, extent)), 0), extent - 1)
            if picked != i // factor:
                ctx.refuse(
                    node,
                    f"{form} takes pixel {picked} for place {i} at factor {factor}: "
                    f"repeating pixels would take {i // factor}",
                    "use 'asymmetric' coordinates and 'floor'",
                )


@imports("DepthToSpace")
def depth_to_space(node: NodeView, ctx: Context) -> Value:
    """Import DepthToSpace: channels become pixels of a block (DCR or CRD)."""
    x, block = _blocks(node, ctx)
    channels, rows, columns = ctx.frame(x)
    if channels % block**2:
        ctx.refuse(node, f"DepthToSpace of {channels} channels in blocks of {block} x {block}")
    mode = node.text("mode", "DCR")
    rest = channels // block**2
    if mode == "DCR":
        split = reshape(node, ctx, x, (block, block, rest, rows, columns))
        turned = transpose(node, ctx, split, (2, 3, 0, 4, 1))
    elif mode == "CRD":
        split = reshape(node, ctx, x, (rest, block, block, rows, columns))
        turned = transpose(node, ctx, split, (0, 3, 1, 4, 2))
    else:
        ctx.refuse(node, f"DepthToSpace has the unknown mode {quote(mode)}")
    return as_in_node(node, ctx, reshape(node, ctx, turned, (rest, rows * block, columns * block)))


@imports("SpaceToDepth")
def space_to_depth(node: NodeView, ctx: Context) -> Value:
    """Import SpaceToDepth: the pixels of a block become channels."""
    x, block = _blocks(node, ctx)
    channels, rows, columns = ctx.frame(x)
    if rows % block or columns % block:
        ctx.refuse(
            node, f"SpaceToDepth of {rows} x {columns} pixels in blocks of {block} x {block}"
        )
    shape = (rows // block, columns // block)
    split = reshape(node, ctx, x, (channels, shape[0], block, shape[1], block))
    turned = transpose(node, ctx, split, (2, 4, 0, 1, 3))
    return as_in_node(node, ctx, reshape(node, ctx, turned, (channels * block**2, *shape)))


def _blocks(node: NodeView, ctx: Context) -> tuple[Activation, int]:
    x = channels_first(node, ctx, ctx.activation(node, 0))
    block = node.integer("blocksize", 0)
    if block < 1 or len(ctx.frame(x)) != 3:
        ctx.refuse(node, f"{node.op} in blocks of {block} of {[1, *ctx.frame(x)]} values")
    return x, block
