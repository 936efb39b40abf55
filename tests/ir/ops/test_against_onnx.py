"""The ops of images mean what the ONNX and QONNX operators they come from mean, channels last."""

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from qonnx.custom_op.general.multithreshold import multithreshold

from bitmason.ir import Const, Int
from bitmason.ir.ops.arrange import Concat, Crop, Reorder, Upsample
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import GlobalPool, MaxPool, SumPool
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.types import Array
from tests.ir.ops.checks import assert_same

Pair = tuple[int, int]
NONE, ONE, TWO = (0, 0), (1, 1), (2, 2)


def onnx(kind: str, *inputs: Array, **attributes: Any) -> Array:
    """Return what the reference implementation of an operator makes of `inputs`."""
    names = [f"x{index}" for index in range(len(inputs))]
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in zip(names, inputs, strict=True)
    ]
    result = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph(
        [helper.make_node(kind, names, ["y"], **attributes)], "reference", infos, [result]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    (y,) = ReferenceEvaluator(model).run(None, dict(zip(names, inputs, strict=True)))
    return np.asarray(y)


def images(seed: int, *shape: int) -> Array:
    """Return whole numbers as float32, channels first."""
    return np.random.default_rng(seed).integers(-8, 8, shape).astype(np.float32)


def channels_last(x: Array) -> Array:
    return x.transpose(0, 2, 3, 1).astype(np.int64)


def assert_equal(got: Array, wanted: Array) -> None:
    assert_same(got, channels_last(wanted))


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "groups", "low", "high"),
    [
        (ONE, ONE, ONE, 1, NONE, NONE),
        ((3, 2), ONE, ONE, 1, NONE, NONE),
        ((3, 3), (2, 2), ONE, 1, (1, 1), (1, 1)),
        ((2, 3), (1, 2), (2, 1), 2, (0, 2), (1, 0)),
        ((2, 2), (3, 1), (1, 3), 4, NONE, (2, 1)),
    ],
)
def test_conv(
    kernel: Pair, stride: Pair, dilation: Pair, groups: int, low: Pair, high: Pair
) -> None:
    x, w = images(1, 2, 4, 7, 6), images(2, 8, 4 // groups, *kernel)
    wanted = onnx(
        "Conv", x, w, strides=stride, dilations=dilation, group=groups, pads=[*low, *high]
    )
    op = Conv(Const(channels_last(w)), Int(4), stride, dilation, groups)
    assert_equal(op.evaluate(Pad(low, high).evaluate(channels_last(x))), wanted)


@pytest.mark.parametrize(
    ("kernel", "stride", "low", "high"),
    [
        ((2, 2), (2, 2), NONE, NONE),
        ((3, 3), (2, 2), ONE, ONE),
        ((3, 2), (2, 1), (1, 0), (0, 1)),
    ],
)
def test_transposed_conv_is_a_conv_of_an_image_padded_inside(
    kernel: Pair, stride: Pair, low: Pair, high: Pair
) -> None:
    x, w = images(3, 2, 3, 4, 3), images(4, 3, 5, *kernel)
    wanted = onnx("ConvTranspose", x, w, strides=stride, pads=[*low, *high])
    reach = tuple(taps - 1 for taps in kernel)
    pad = Pad(
        (reach[0] - low[0], reach[1] - low[1]),
        (reach[0] - high[0], reach[1] - high[1]),
        step=stride,
    )
    flipped = w[:, :, ::-1, ::-1].transpose(1, 2, 3, 0).astype(np.int64)
    assert_equal(Conv(Const(flipped), Int(4)).evaluate(pad.evaluate(channels_last(x))), wanted)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "low", "high"),
    [
        (TWO, TWO, ONE, NONE, NONE),
        ((3, 3), TWO, ONE, ONE, ONE),
        ((3, 2), (1, 3), (2, 1), (1, 0), (2, 1)),
        ((1, 3), ONE, (1, 2), (0, 2), (0, 1)),
    ],
)
def test_max_pool(kernel: Pair, stride: Pair, dilation: Pair, low: Pair, high: Pair) -> None:
    x = images(5, 2, 3, 7, 6) - 9
    wanted = onnx(
        "MaxPool", x, kernel_shape=kernel, strides=stride, dilations=dilation, pads=[*low, *high]
    )
    op = MaxPool(kernel, stride, dilation, low, high)
    assert_equal(op.evaluate(channels_last(x)), wanted)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "low", "high"),
    [
        (TWO, TWO, ONE, NONE, NONE),
        ((4, 2), (1, 2), ONE, (2, 1), (1, 0)),
        ((2, 2), ONE, (2, 3), NONE, NONE),
    ],
)
def test_average_pool_is_a_sum_over_a_count(
    kernel: Pair, stride: Pair, dilation: Pair, low: Pair, high: Pair
) -> None:
    x = images(6, 2, 3, 7, 6)
    wanted = onnx(
        "AveragePool",
        x,
        kernel_shape=kernel,
        strides=stride,
        dilations=dilation,
        pads=[*low, *high],
        count_include_pad=1,
    )
    count = kernel[0] * kernel[1]  # powers of two, so that the division is exact
    padded = Pad(low, high).evaluate(channels_last(x))
    assert_equal(SumPool(kernel, stride, dilation).evaluate(padded), wanted * count)


def test_global_pools() -> None:
    x = images(7, 2, 3, 4, 8)
    assert_equal(GlobalPool("max").evaluate(channels_last(x)), onnx("GlobalMaxPool", x))
    wanted = onnx("GlobalAveragePool", x) * 32
    assert_equal(GlobalPool("sum").evaluate(channels_last(x)), wanted)


def test_pad() -> None:
    x = images(8, 2, 3, 4, 5)
    widths = np.array([0, 0, 1, 2, 0, 0, 3, 0])
    wanted = onnx("Pad", x, widths, np.array(5, np.float32))
    assert_equal(Pad((1, 2), (3, 0), (5,)).evaluate(channels_last(x)), wanted)


def test_concat_along_the_channels() -> None:
    a, b, c = (images(seed, 2, channels, 4, 5) for seed, channels in ((9, 1), (10, 3), (11, 2)))
    got = Concat().evaluate(*map(channels_last, (a, b, c)))
    assert_equal(got, onnx("Concat", a, b, c, axis=1))


def test_slice() -> None:
    x = images(12, 2, 6, 7, 5)
    starts, ends, axes, steps = (np.array(v) for v in ([1, 2, 0], [6, 7, 4], [1, 2, 3], [2, 3, 1]))
    wanted = onnx("Slice", x, starts, ends, axes, steps)
    assert_equal(Crop((2, 0, 1), (2, 4, 3), (3, 1, 2)).evaluate(channels_last(x)), wanted)


def test_resize_to_the_nearest() -> None:
    x = images(13, 2, 3, 4, 5)
    none, scales = np.array([], np.float32), np.array([1, 1, 2, 3], np.float32)
    wanted = onnx(
        "Resize",
        x,
        none,
        scales,
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    assert_equal(Upsample((2, 3)).evaluate(channels_last(x)), wanted)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(mode: str) -> None:
    x = images(14, 2, 12, 3, 2)
    wanted = onnx("DepthToSpace", x, blocksize=2, mode=mode)
    order = []
    for i, j, c in np.ndindex(6, 4, 3):
        corner = i % 2 * 2 + j % 2
        channel = corner * 3 + c if mode == "DCR" else c * 4 + corner
        order.append((i // 2 * 2 + j // 2) * 12 + channel)
    assert_equal(Reorder(Const(order), (6, 4, 3)).evaluate(channels_last(x)), wanted)


@pytest.mark.parametrize("rows", [1, 3])
def test_multi_threshold(rows: int) -> None:
    rng = np.random.default_rng(rows)
    x = rng.integers(-8, 8, (2, 3, 4, 5)).astype(np.float32) / 4
    steps = np.sort(rng.integers(-8, 8, (rows, 4)).astype(np.float32) / 4, axis=1)
    wanted = multithreshold(x, steps)
    got = Staircase(Const(steps)).evaluate(x.transpose(0, 2, 3, 1))
    assert_equal(got, wanted)
