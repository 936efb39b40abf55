"""Small networks of images and signals, one for each way in which such networks are built.

Invariant: weights are fixed, and every scale that meets another one has a common step with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.frontend.onnx_models import Net, f32

STEP = np.float32(0.1)  # no dyadic rational: sums of its multiples round in float32


class Images(Net):
    """A net of quantised layers with fixed random weights."""

    def __init__(self, *shape: int, seed: int = 5, opset: int = 14) -> None:
        super().__init__(1, *shape, opset=opset)
        self.rng = np.random.default_rng(seed)

    def conv(self, x: str, channels: int, outputs: int, *kernel: int, **form: Any) -> str:
        """Add a convolution whose weights have a scale per output channel."""
        scale = f32(self.rng.uniform(0.02, 0.3, (outputs, 1, *(1 for _ in kernel))))
        codes = self.rng.integers(-7, 8, (outputs, channels // form.get("group", 1), *kernel))
        return self.node("Conv", x, self.quant(self.const(f32(codes * scale)), scale), **form)

    def spread(self, x: str, channels: int, outputs: int, *kernel: int, **form: Any) -> str:
        """Add a transposed convolution."""
        scale = f32(self.rng.uniform(0.02, 0.3, (1, outputs, *(1 for _ in kernel))))
        codes = self.rng.integers(-7, 8, (channels, outputs, *kernel))
        weights = self.quant(self.const(f32(codes * scale)), scale)
        return self.node("ConvTranspose", x, weights, **form)

    def norm(self, x: str, channels: int) -> str:
        """Add a batch normalisation."""
        rows = [self.rng.normal(size=channels) for _ in range(3)]
        variance = self.rng.uniform(0.1, 4.0, channels)
        return self.node(
            "BatchNormalization", x, *(self.const(f32(row)) for row in (*rows, variance))
        )

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        """Add Flatten and a matrix product."""
        codes = self.rng.integers(-7, 8, (inputs, outputs))
        weights = self.quant(self.const(f32(codes * 0.1)), STEP)
        return self.node("MatMul", self.node("Flatten", x), weights)

    def ints(self, *numbers: int) -> str:
        """Add a constant list of integers."""
        return self.const(np.array(numbers, np.int64))


def _plain() -> Net:
    net = Images(3, 9, 10)
    x = net.quant("x", 0.05, bits=8.0)
    x = net.node("Relu", net.norm(net.conv(x, 3, 6, 3, 3, pads=[1, 1, 1, 1]), 6))
    x = net.node("MaxPool", net.quant(x, 0.3, signed=0), kernel_shape=[2, 2], strides=[2, 2])
    x = net.quant(net.norm(net.conv(x, 6, 4, 3, 2, strides=[1, 2], dilations=[1, 2]), 4), 0.2)
    net.dense(x, 4 * 2 * 2, 5)
    return net


def _mobile() -> Net:
    net = Images(4, 8, 8)
    x = net.quant("x", STEP, 3.0, signed=0)
    x = net.quant(net.norm(net.conv(x, 4, 4, 3, 3, group=4, pads=[1, 1, 1, 1]), 4), 0.4, 5.0)
    x = net.quant(net.conv(x, 4, 8, 1, 1), 0.3)
    net.dense(net.quant(net.node("GlobalAveragePool", x), 0.02, bits=8.0), 8, 3)
    return net


def _residual() -> Net:
    net = Images(3, 8, 8)
    x = net.quant("x", STEP, bits=6.0)
    a = net.quant(net.conv(x, 3, 4, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1]), 0.25, bits=5.0)
    b = net.quant(net.conv(x, 3, 4, 1, 1, strides=[2, 2]), 0.5, bits=5.0)
    total = net.quant(net.node("Relu", net.node("Add", a, b)), 0.3, signed=0)
    pooled = net.node("AveragePool", total, kernel_shape=[2, 2], strides=[2, 2])
    net.dense(net.quant(pooled, 0.1, signed=0), 16, 4)
    return net


def _branches() -> Net:
    net = Images(4, 6, 8)
    x = net.quant("x", STEP, bits=6.0)
    left, right = (
        net.quant(net.conv(x, 4, n, 3, 3), s, bits=5.0) for n, s in ((2, 0.5), (3, 0.25))
    )
    joined = net.node("Concat", left, right, axis=1)
    part = net.node("Split", joined, net.ints(4, 1), outputs=2, axis=1)
    cut = net.node("Slice", part, net.ints(1, 0), net.ints(4, 6), net.ints(2, 3), net.ints(1, 2))
    net.quant(net.conv(cut, 4, 3, 2, 2), 0.4)
    return net


def _decoder() -> Net:
    net = Images(3, 4, 5)
    x = net.quant("x", STEP, bits=5.0)
    x = net.quant(net.spread(x, 3, 4, 3, 2, strides=[2, 2], pads=[1, 0, 0, 1]), 0.3)
    x = net.node("Resize", x, "", net.const(f32([1, 1, 2, 2])), mode="nearest",
                 coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
    x = net.quant(net.conv(x, 4, 4, 3, 3, pads=[1, 1, 1, 1]), 0.4)
    net.conv(net.node("DepthToSpace", x, blocksize=2, mode="CRD"), 1, 2, 3, 3)
    return net


def _signal() -> Net:
    net = Images(4, 24)
    x = net.quant("x", STEP, bits=6.0)
    x = net.quant(net.norm(net.conv(x, 4, 6, 5, strides=[2], pads=[2, 2]), 6), 0.4)
    x = net.node("MaxPool", x, kernel_shape=[2], strides=[2])
    x = net.quant(net.conv(x, 6, 5, 3), 0.3)
    net.dense(net.quant(net.node("ReduceMean", x, axes=[2], keepdims=0), 0.05, bits=6.0), 5, 3)
    return net


def _truncated(version: int) -> Net:
    net = Images(3, 8, 8)
    x = net.quant("x", STEP, bits=6.0)
    x = net.quant(net.conv(x, 3, 4, 3, 3, pads=[1, 1, 1, 1]), STEP, bits=4.0, signed=0)
    mean = net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    step = f32(STEP / f32(4.0))
    given = [step, 0.0, 6.0, 4.0] if version == 1 else [step, 0.0, 6.0, f32(step * f32(4.0)), 4.0]
    form = {} if version == 1 else {"signed": 0, "narrow": 0}
    x = net.node("Trunc", mean, *(net.const(f32(one)) for one in given),
                 rounding_mode="FLOOR", **form)  # fmt: skip
    net.dense(x, 64, 3)
    return net


def _thresholds() -> Net:
    net = Images(3, 6, 6)
    rows = net.const(f32(np.sort(net.rng.normal(size=(4, 7)) * 2, axis=1)))
    x = net.conv(net.quant("x", 0.25, bits=6.0), 3, 4, 3, 3)
    x = net.node("MultiThreshold", x, rows, out_scale=0.5, out_bias=-1.5, out_dtype="INT4",
                 data_layout="NCHW")  # fmt: skip
    same = net.const(f32(np.arange(1, 16)[np.newaxis] * 0.4))
    net.dense(net.node("MultiThreshold", net.conv(x, 4, 2, 2, 2), same, out_dtype="UINT4"), 18, 3)
    return net


def _bipolar() -> Net:
    net = Images(3, 7, 7)
    x = net.node("BipolarQuant", "x", net.const(f32(1.0)))
    for channels in (3, 6):
        signs = net.rng.choice([-0.5, 0.5], (6, channels, 3, 3))
        weights = net.node("BipolarQuant", net.const(f32(signs)), net.const(f32(0.5)))
        x = net.norm(net.node("Conv", x, weights, pads=[1, 1, 1, 1]), 6)
        x = net.node("BipolarQuant", x, net.const(f32(1.0)))
    net.dense(net.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2]), 54, 4)
    return net


NETS: dict[str, Callable[[], Net]] = {
    "plain": _plain,
    "mobile": _mobile,
    "residual": _residual,
    "branches": _branches,
    "decoder": _decoder,
    "signal": _signal,
    "trunc 1": lambda: _truncated(1),
    "trunc 2": lambda: _truncated(2),
    "thresholds": _thresholds,
    "bipolar": _bipolar,
}


def tied_net() -> Net:
    """Return a net whose sums often lie halfway between two levels of the next quantiser."""
    net = Images(8, 6, 6)
    x = net.quant("x", STEP, bits=8.0)
    for outputs, step in ((12, STEP), (4, STEP * f32(0.5))):
        codes = net.rng.integers(-1, 2, (outputs, 8 if outputs == 12 else 12, 3, 3))
        weights = net.quant(net.const(f32(codes * 0.25)), 0.25, bits=2.0, narrow=1)
        x = net.quant(net.node("Conv", x, weights, pads=[1, 1, 1, 1]), step * f32(0.5), bits=8.0)
    return net
