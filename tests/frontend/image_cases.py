"""Operators on images and signals in all their forms, for tests of what they do to rounding errors.

Invariant: the first word of a name is the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.frontend.onnx_models import Net, f32

Case = Callable[[Net, str, np.random.Generator], str]
CHANNELS = 6


def _conv(
    kernel: Sequence[int], outputs: int = 4, *, bias: bool = False, op: str = "Conv", **form: Any
) -> Case:
    def case(net: Net, x: str, rng: np.random.Generator) -> str:
        group = form.get("group", 1)
        ends = (outputs, CHANNELS // group) if op == "Conv" else (CHANNELS, outputs // group)
        operands = [net.const(f32(rng.normal(size=(*ends, *kernel))))]
        if bias:
            operands.append(net.const(f32(rng.normal(size=outputs))))
        return net.node(op, x, *operands, **form)

    return case


def _pool(op: str, kernel: Sequence[int], **form: Any) -> Case:
    return lambda net, x, rng: net.node(op, x, kernel_shape=list(kernel), **form)


def _transposed(kernel: Sequence[int], outputs: int = 4, **form: Any) -> Case:
    return _conv(kernel, outputs, op="ConvTranspose", **form)


def _ints(net: Net, *numbers: int) -> str:
    return net.const(np.array(numbers, np.int64))


IMAGES: dict[str, Case] = {
    "Conv": _conv((3, 3)),
    "Conv padded, strided": _conv((3, 2), pads=[1, 0, 2, 1], strides=[2, 3]),
    "Conv dilated, bias": _conv((2, 3), dilations=[3, 2], bias=True),
    "Conv in groups": _conv((3, 3), group=2, pads=[1, 1, 1, 1]),
    "Conv depthwise": _conv((3, 3), CHANNELS, group=CHANNELS, bias=True),
    "Conv same": _conv((4, 3), auto_pad="SAME_UPPER", strides=[2, 1]),
    "Conv same, lower": _conv((4, 2), auto_pad="SAME_LOWER"),
    "Conv pointwise": _conv((1, 1), 8, strides=[2, 2]),
    "ConvTranspose": _transposed((3, 3)),
    "ConvTranspose strided": _transposed((2, 3), strides=[2, 3], bias=True),
    "ConvTranspose cut": _transposed(
        (4, 3), strides=[2, 2], pads=[1, 2, 0, 1], output_padding=[1, 0]
    ),
    "ConvTranspose in groups": _transposed((3, 3), group=2, dilations=[2, 1]),
    "ConvTranspose of a shape": _transposed((3, 3), strides=[2, 2], output_shape=[18, 20]),
    "ConvTranspose pointwise": _transposed((1, 1), pads=[1, 1, 0, 1]),
    "MaxPool": _pool("MaxPool", (2, 2), strides=[2, 2]),
    "MaxPool padded": _pool("MaxPool", (3, 3), strides=[2, 2], pads=[1, 1, 1, 1]),
    "MaxPool ceiling": _pool("MaxPool", (2, 2), strides=[2, 3], ceil_mode=1),
    "MaxPool dilated": _pool("MaxPool", (2, 3), dilations=[2, 3]),
    "AveragePool": _pool("AveragePool", (3, 2), strides=[2, 2]),
    "AveragePool padded": _pool("AveragePool", (3, 3), pads=[1, 1, 1, 1]),
    "AveragePool with padding": _pool(
        "AveragePool", (3, 2), pads=[1, 1, 2, 0], count_include_pad=1
    ),
    "AveragePool ceiling": _pool("AveragePool", (2, 2), strides=[2, 3], ceil_mode=1),
    "AveragePool same": _pool("AveragePool", (3, 3), strides=[2, 2], auto_pad="SAME_UPPER"),
    "GlobalAveragePool": lambda net, x, rng: net.node("GlobalAveragePool", x),
    "GlobalMaxPool": lambda net, x, rng: net.node("GlobalMaxPool", x),
    "ReduceMean": lambda net, x, rng: net.node("ReduceMean", x, axes=[2, 3], keepdims=0),
    "ReduceMean of columns": lambda net, x, rng: net.node("ReduceMean", x, axes=[-1]),
    "ReduceSum": lambda net, x, rng: net.node("ReduceSum", x, _ints(net, 2, 3), keepdims=1),
    "ReduceMax": lambda net, x, rng: net.node("ReduceMax", x, axes=[1], keepdims=0),
    "Sum": lambda net, x, rng: net.node("Sum", x, net.node("Abs", x), x),
    "BatchNormalization": lambda net, x, rng: net.node(
        "BatchNormalization", x, *(net.const(f32(rng.uniform(1, 2, CHANNELS))) for _ in range(4))
    ),
}

SIGNALS: dict[str, Case] = {
    "Conv": _conv((5,), strides=[2], pads=[2, 1], bias=True),
    "Conv depthwise": _conv((3,), CHANNELS, group=CHANNELS, dilations=[4]),
    "ConvTranspose": _transposed((4,), strides=[2], pads=[1, 1]),
    "MaxPool": _pool("MaxPool", (3,), strides=[2]),
    "AveragePool": _pool("AveragePool", (4,), strides=[4]),
    "GlobalAveragePool": lambda net, x, rng: net.node("GlobalAveragePool", x),
}

MOVES: dict[str, Case] = {
    "Concat": lambda net, x, rng: net.node("Concat", x, net.node("Relu", x), axis=1),
    "Concat of columns": lambda net, x, rng: net.node("Concat", x, x, axis=-1),
    "Split": lambda net, x, rng: net.node("Split", x, _ints(net, 2, 4), outputs=2, axis=1),
    "Split evenly": lambda net, x, rng: net.node("Split", x, outputs=3, axis=1),
    "Slice": lambda net, x, rng: net.node(
        "Slice", x, *(_ints(net, *row) for row in ((1, 2), (4, 2**62), (1, 3), (1, 3)))
    ),
    "Slice backwards": lambda net, x, rng: net.node(
        "Slice", x, *(_ints(net, row) for row in (-1, -(2**62), 2, -2))
    ),
    "Pad": lambda net, x, rng: net.node(
        "Pad", x, _ints(net, 0, 0, 1, 2, 0, 1, 0, 3), net.const(f32(0.7))
    ),
    "Pad by reflection": lambda net, x, rng: net.node(
        "Pad", x, _ints(net, 0, 0, 1, 2, 0, 0, 0, 3), mode="reflect"
    ),
    "Pad by repetition": lambda net, x, rng: net.node(
        "Pad", x, _ints(net, 0, 0, 1, 2, 0, 0, 0, 3), mode="edge"
    ),
    "Resize": lambda net, x, rng: net.node(
        "Resize", x, "", net.const(f32([1, 1, 2, 3])),
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    ),
    "Resize to a size": lambda net, x, rng: net.node(
        "Resize", x, "", "", _ints(net, 1, CHANNELS, 16, 20), mode="nearest"
    ),
    "DepthToSpace": lambda net, x, rng: net.node(
        "DepthToSpace", net.node("Concat", x, x, axis=1), blocksize=2
    ),
    "DepthToSpace by columns": lambda net, x, rng: net.node(
        "DepthToSpace", net.node("Concat", x, x, axis=1), blocksize=2, mode="CRD"
    ),
    "SpaceToDepth": lambda net, x, rng: net.node("SpaceToDepth", x, blocksize=2),
    "Gather": lambda net, x, rng: net.node("Gather", x, _ints(net, 4, 0, 5), axis=1),
    "Expand": lambda net, x, rng: net.node(
        "Expand", net.node("GlobalMaxPool", x), _ints(net, 1, CHANNELS, 3, 4)
    ),
    "Tile": lambda net, x, rng: net.node("Tile", x, _ints(net, 1, 1, 2, 1)),
    "Transpose": lambda net, x, rng: net.node("Transpose", x, perm=[0, 2, 3, 1]),
    "Upsample": lambda net, x, rng: net.node(
        "Resize", x, "", net.const(f32([1, 1, 2, 2])), mode="nearest"
    ),
}  # fmt: skip


PLACES: dict[str, Case] = {
    "Conv": _conv(
        (3, 2), kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 0, 1], dilations=[1, 2], group=1
    ),
    "BatchNormalization": lambda net, x, rng: net.node(
        "BatchNormalization",
        x,
        *(net.const(f32(rng.uniform(1, 2, 4))) for _ in range(4)),
        epsilon=1e-5,
        momentum=0.9,
    ),
    "MaxPool": _pool("MaxPool", (2, 2), strides=[2, 2], pads=[0, 0, 0, 0]),
}
