"""Turn convolutions and pools into windows and what is computed from each of them.

Invariant: the elements of a window keep the order in which the weights of a convolution lie,
(ky, kx, c), group after group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.arrange import Crop
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import GlobalPool, MaxPool, Pool, SumPool
from bitmason.ir.ops.shape import Reshape
from bitmason.ir.ops.windows import Pair, Windows
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import Real, Shape


@dataclass(frozen=True)
class LowerWindows(Pass):
    """Slide one window for each convolution and pool, and compute from its elements.

    Before: %y = conv(%x)
    After:  %y_windows = windows(%x); %y = dense(%y_windows)      or depthwise(%y_windows)
            %y = dense(%x)                                        where the kernel is one pixel
            %y_flat = reshape(%x); %y = dense(%y_flat)            where it covers the whole image
    Before: %y = max_pool(%x)
    After:  %y_pad = pad(%x); %y_windows = windows(%y_pad); %y = pool(%y_windows)
            %y = global_pool(%x)                                  where one window covers the image
            %y = crop(%x)                                         where the kernel is one pixel
    """

    name: ClassVar[str] = "lower-windows"

    def run(self, graph: Graph) -> Graph:
        return rewrite(graph, _visit)


def _visit(rewriter: Rewriter, node: Node) -> str | None:
    match node.op:
        case Conv() as conv:
            return _convolution(rewriter, node, conv)
        case MaxPool() | SumPool() as pool if not isinstance(node.type.elem, Real):
            return _pool(rewriter, node, pool)
    return None


def _convolution(rewriter: Rewriter, node: Node, conv: Conv) -> str:
    x = rewriter.now(node.operands[0])
    height, width, channels = rewriter.type_of(x).shape
    outputs = len(conv.weights.array)
    depthwise = conv.groups == channels == outputs > 1
    product = _depthwise(conv) if depthwise else conv.product
    if conv.kernel == (1, 1):
        vectors = _crop(rewriter, node, x, f"{node.name}_crop")
    elif conv.kernel == (height, width) and conv.groups == 1:
        flat = Reshape((1, 1, height * width * channels))
        vectors = rewriter.add(flat, (x,), node.loc, f"{node.name}_flat")
    else:
        block = channels if depthwise else channels // conv.groups
        windows = Windows(conv.kernel, conv.stride, conv.dilation, block)
        vectors = rewriter.add(windows, (x,), node.loc, f"{node.name}_windows")
    return rewriter.add(product, (vectors,), node.loc, node.name)


def _depthwise(conv: Conv) -> Depthwise:
    rows = conv.weights.array.reshape(conv.groups, -1)
    return Depthwise(Const(rows), conv.weight, conv.groups)


def _crop(rewriter: Rewriter, node: Node, x: str, wanted: str) -> str:
    """Keep the pixels of `x` on which kernels of one pixel stand: `x` itself where it is all."""
    assert isinstance(node.op, Conv | MaxPool | SumPool)
    shape = rewriter.type_of(x).shape
    size = (*node.type.shape[:2], shape[2])
    if size == shape:
        return x
    crop = Crop((0, 0, 0), size, (*node.op.stride, 1))
    return rewriter.add(crop, (x,), node.loc, wanted)


def _pool(rewriter: Rewriter, node: Node, pool: MaxPool | SumPool) -> str:
    x = rewriter.now(node.operands[0])
    image = rewriter.type_of(x)
    kind = "max" if isinstance(pool, MaxPool) else "sum"
    if _covers(pool, image.shape, node.type.shape):
        return rewriter.add(GlobalPool(kind), (x,), node.loc, node.name)
    if isinstance(pool, MaxPool):
        high = _reached(pool, image.shape, node.type.shape)
        if any(pool.low) or any(high):
            pad = Pad(pool.low, high, (image.int_elem.lo,))  # the lowest value never wins
            x = rewriter.add(pad, (x,), node.loc, f"{node.name}_pad")
    if pool.kernel == (1, 1):
        return _crop(rewriter, node, x, node.name)
    windows = Windows(pool.kernel, pool.stride, pool.dilation, image.shape[2])
    seen = rewriter.add(windows, (x,), node.loc, f"{node.name}_windows")
    reduce = Pool(kind, windows.taps, image.shape[2])
    return rewriter.add(reduce, (seen,), node.loc, node.name)


def _covers(pool: MaxPool | SumPool, image: Shape, result: Shape) -> bool:
    """Return whether there is one window, and it sees every pixel of an image of many."""
    low = pool.low if isinstance(pool, MaxPool) else (0, 0)
    axes = zip(low, pool.kernel, pool.dilation, image, strict=False)
    whole = all(taps - start >= extent and 1 in {taps, step} for start, taps, step, extent in axes)
    return whole and result[:2] == (1, 1) and image[:2] != (1, 1)


def _reached(pool: MaxPool, image: Shape, result: Shape) -> Pair:
    """Return how far windows reach behind the image: padding that none sees is left out."""
    axes = zip(*(result, pool.stride, pool.kernel, pool.dilation, pool.low, image), strict=False)
    down, across = (
        max(0, (count - 1) * stride + (taps - 1) * step - start - (extent - 1))
        for count, stride, taps, step, start, extent in axes
    )
    return down, across
