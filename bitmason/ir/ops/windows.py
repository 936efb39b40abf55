"""Windows of an image: what a convolution or a pool looks at, position after position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.graph import Op
from bitmason.ir.types import Array, IntArray, Real, TensorType

Pair = tuple[int, int]
_ONE: Pair = (1, 1)


@dataclass(frozen=True)
class Windows(Op):
    """Lay out, for each position, the elements that a kernel covers there.

    `x[H, W, C]` becomes `y[OH, OW, KH * KW * C]`. The elements of a window stand in the order
    (c // block, ky, kx, c % block): `block` = C keeps the channels of a pixel together, as the
    weights of a convolution lie; `block` = 1 keeps the pixels of a channel together.
    """

    name: ClassVar[str] = "windows"

    kernel: Pair
    stride: Pair = _ONE
    dilation: Pair = _ONE
    block: int = 1

    @property
    def taps(self) -> int:
        """Pixels that a window covers."""
        return self.kernel[0] * self.kernel[1]

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        if isinstance(x.elem, Real):
            fail("I001", f"windows needs an integer operand, found {x}")
        rows, columns = output_extents(self.name, x, self.kernel, self.stride, self.dilation)
        channels = x.shape[2]
        if self.block < 1 or channels % self.block:
            fail("I001", f"windows in blocks of {self.block} cannot hold {channels} channels")
        return TensorType((rows, columns, self.taps * channels), x.elem)

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        channels = x.shape[-1]
        view = window_view(x, self.kernel, self.stride, self.dilation)
        split = view.reshape(*view.shape[:5], channels // self.block, self.block)
        laid = split.transpose(0, 1, 2, 5, 3, 4, 6)
        return laid.reshape(*view.shape[:3], self.taps * channels)


def output_extents(op: str, x: TensorType, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """Return how many positions a kernel has in `x[H, W, C]`, down and across.

    Raises:
        CompileError: I001 when `x` is no image or the kernel is larger.
    """
    if len(x.shape) != 3:
        fail("I001", f"{op} needs an image of three axes, found {x}")
    if min(*kernel, *stride, *dilation) < 1:
        fail("I001", f"{op} needs positive kernels, strides and dilations")
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    for extent, span in zip(x.shape, spans, strict=False):
        if span > extent:
            shown = " x ".join(map(str, spans))
            fail("I001", f"the kernel covers {shown} pixels, the image is {x}")
    rows, columns = (
        (extent - span) // step + 1
        for extent, span, step in zip(x.shape, spans, stride, strict=False)
    )
    return rows, columns


def window_view(x: Array, kernel: Pair, stride: Pair, dilation: Pair) -> Array:
    """Return a read-only view `[frames, OH, OW, KH, KW, C]` of images `[frames, H, W, C]`."""
    (kh, kw), (sh, sw), (dh, dw) = kernel, stride, dilation
    spans = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    every = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(1, 2))
    return every[:, ::sh, ::sw, :, ::dh, ::dw].transpose(0, 1, 2, 4, 5, 3)
