"""Kernels, strides, dilations and padding as ONNX writes them, for images of two axes.

Invariant: a `Geometry` fits its image: every window lies within the padded image, and the padding
behind the image is what the last windows reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from bitmason.diagnostics import fail, quote
from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.ir.ops.windows import Pair
from bitmason.ir.types import Shape

_AUTO_PADS = frozenset({"NOTSET", "", "VALID", "SAME_UPPER", "SAME_LOWER"})


@dataclass(frozen=True)
class Kernel:
    """What the attributes of a node say, rows first; `pads` is None where SAME computes them."""

    size: Pair
    stride: Pair
    dilation: Pair
    low: Pair
    high: Pair
    auto_pad: str
    ceil: bool = False

    @property
    def span(self) -> Pair:
        """Rows and columns from the first to the last pixel that a window covers."""
        (kh, kw), (dh, dw) = self.size, self.dilation
        return dh * (kh - 1) + 1, dw * (kw - 1) + 1


@dataclass(frozen=True)
class Geometry:
    """Windows on a padded image; `is_beyond` where ceil_mode adds to the padding of the file."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    low: Pair
    high: Pair
    is_beyond: bool = False

    @property
    def pads(self) -> bool:
        """Whether windows reach beyond the image."""
        return any(self.low) or any(self.high)


def read_kernel(node: NodeView, ctx: Context, axes: int, size: Shape | None = None) -> Kernel:
    """Return the attributes of a node whose images have `axes` axes besides the channels.

    Args:
        node: a convolution or pool.
        ctx: what to report to.
        axes: 1 for signals, 2 for images.
        size: the kernel's size where the weights tell it.
    """
    given = node.integers("kernel_shape") or size
    if given is None:
        ctx.refuse(node, f"{node.op} has no kernel_shape")
    if size is not None and given != size:
        ctx.refuse(node, f"kernel_shape is {list(given)}, the weights have kernels of {list(size)}")
    auto_pad = node.text("auto_pad", "NOTSET")
    if auto_pad not in _AUTO_PADS:
        ctx.refuse(node, f"{node.op} has the unknown auto_pad {quote(auto_pad)}")
    sizes, strides, dilations, pads = (
        _attribute(node, ctx, name, found, default, axes * (1 + (name == "pads")))
        for name, found, default in (
            ("kernel_shape", given, 1),
            ("strides", node.integers("strides"), 1),
            ("dilations", node.integers("dilations"), 1),
            ("pads", node.integers("pads") if auto_pad in {"NOTSET", ""} else None, 0),
        )
    )
    return Kernel(
        _pair(sizes, 1),
        _pair(strides, 1),
        _pair(dilations, 1),
        _pair(pads[:axes], 0),
        _pair(pads[axes:], 0),
        auto_pad,
        bool(node.integer("ceil_mode", 0)),
    )


def fit(node: NodeView, kernel: Kernel, image: Pair) -> Geometry:
    """Lay the windows of `kernel` on an image of these rows and columns.

    Raises:
        CompileError: F018 when the kernel is larger than the padded image.
    """
    low, high = _padding(kernel, image)
    padded = [extent + a + b for extent, a, b in zip(image, low, high, strict=True)]
    if any(span > extent for span, extent in zip(kernel.span, padded, strict=True)):
        _fail_too_large(node, kernel.span, (padded[0], padded[1]))
    needed = []
    for axis, extent in enumerate(padded):
        stride = kernel.stride[axis]
        room = extent - kernel.span[axis]
        count = -(-room // stride) if kernel.ceil else room // stride
        # A window that would begin in the padding behind the image does not count.
        while kernel.ceil and count and count * stride >= image[axis] + low[axis]:
            count -= 1
        needed.append(count * stride + kernel.span[axis] - image[axis] - low[axis])
    reached = (max(needed[0], 0), max(needed[1], 0))
    is_beyond = any(a > b for a, b in zip(reached, high, strict=True))
    return Geometry(kernel.size, kernel.stride, kernel.dilation, low, reached, is_beyond)


def _fail_too_large(node: NodeView, span: Pair, padded: Pair) -> NoReturn:
    fail(
        "F018",
        f"the kernel covers {span[0]} x {span[1]} pixels, "
        f"the padded image has {padded[0]} x {padded[1]}",
        loc=node.loc,
        help="use a smaller kernel or dilation, more padding, or larger inputs",
    )


def _padding(kernel: Kernel, image: Pair) -> tuple[Pair, Pair]:
    if not kernel.auto_pad.startswith("SAME"):
        return kernel.low, kernel.high
    axes = zip(image, kernel.stride, kernel.span, strict=True)
    totals = [max((-(-n // stride) - 1) * stride + span - n, 0) for n, stride, span in axes]
    halves = [(total // 2, total - total // 2) for total in totals]
    if kernel.auto_pad == "SAME_LOWER":
        halves = [(high, low) for low, high in halves]
    (top, bottom), (left, right) = halves
    return (top, left), (bottom, right)


def _attribute(
    node: NodeView, ctx: Context, name: str, found: Shape | None, default: int, count: int
) -> Shape:
    values = (default,) * count if found is None else found
    if len(values) != count:
        ctx.refuse(node, f"{name} has {len(values)} entries, {count} are needed")
    if min(values) < default:
        ctx.refuse(node, f"{name} {list(values)} must not be less than {default}")
    return values


def _pair(values: Shape, first: int) -> Pair:
    """Return rows and columns; a signal has one row."""
    return (values[0], values[1]) if len(values) == 2 else (first, values[0])
