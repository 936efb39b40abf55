"""Convolutions and pools become windows, and less than that where windows are not needed."""

from typing import Any

import numpy as np
import pytest

from bitmason.ir import Bipolar, Int, IntType, UInt
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import MaxPool, SumPool
from bitmason.ir.ops.windows import Windows
from bitmason.ir.passes.lower_windows import LowerWindows
from tests.ir.passes.checks import applied, listed, made_by
from tests.ir.passes.networks import Sketch


@pytest.mark.parametrize(
    ("shape", "outputs", "kernel", "options", "expected"),
    [
        ((6, 5, 4), 3, (3, 2), {}, ["conv_windows = windows", "conv = dense"]),
        ((6, 5, 4), 6, (3, 2), {"groups": 2}, ["conv_windows = windows", "conv = dense"]),
        ((6, 5, 4), 4, (3, 2), {"groups": 4}, ["conv_windows = windows", "conv = depthwise"]),
        ((6, 5, 4), 8, (3, 2), {"groups": 4}, ["conv_windows = windows", "conv = dense"]),
        ((6, 5, 4), 3, (2, 2), {"stride": (2, 3)}, ["conv_windows = windows", "conv = dense"]),
        ((6, 5, 4), 3, (2, 2), {"dilation": (3, 2)}, ["conv_windows = windows", "conv = dense"]),
        ((1, 9, 2), 3, (1, 4), {}, ["conv_windows = windows", "conv = dense"]),
        ((6, 5, 4), 3, (1, 1), {}, ["conv = dense"]),
        ((6, 5, 4), 4, (1, 1), {"groups": 2}, ["conv = dense"]),
        ((6, 5, 4), 4, (1, 1), {"groups": 4}, ["conv = depthwise"]),
        ((6, 5, 4), 3, (1, 1), {"stride": (2, 2)}, ["conv_crop = crop", "conv = dense"]),
        ((3, 2, 4), 3, (3, 2), {}, ["conv_flat = reshape", "conv = dense"]),
        ((3, 2, 4), 4, (3, 2), {"groups": 4}, ["conv_windows = windows", "conv = depthwise"]),
        ((3, 2, 4), 4, (3, 2), {"groups": 2}, ["conv_windows = windows", "conv = dense"]),
        ((4, 3, 1), 1, (2, 2), {}, ["conv_windows = windows", "conv = dense"]),
        ((1, 1, 4), 3, (1, 1), {"stride": (2, 2)}, ["conv = dense"]),
    ],
)
def test_convolution(
    shape: tuple[int, int, int],
    outputs: int,
    kernel: tuple[int, int],
    options: dict[str, Any],
    expected: list[str],
) -> None:
    net = Sketch()
    graph = net.finish(net.conv(net.input(Int(4), *shape), outputs, kernel, **options))
    made = applied(LowerWindows(), graph)
    assert listed(made) == expected
    assert all(node.loc == graph.nodes[-1].loc for node in made.nodes)
    assert made_by(made, "conv").type == made_by(graph, "conv").type


def test_windows_keep_the_channels_of_a_group_together() -> None:
    net = Sketch()
    x = net.input(Int(4), 5, 5, 6)
    grouped, depthwise = net.conv(x, 6, (2, 2), groups=2), net.conv(x, 6, (2, 2), groups=6)
    made = applied(LowerWindows(), net.finish(grouped, depthwise))
    assert [n.op.block for n in made.nodes if isinstance(n.op, Windows)] == [3, 6]
    assert [n.op.block for n in made.nodes if isinstance(n.op, Depthwise)] == [6]


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (MaxPool((2, 2), (2, 2)), ["pool_windows = windows", "pool = pool"]),
        (SumPool((3, 2), (2, 1)), ["pool_windows = windows", "pool = pool"]),
        (MaxPool((6, 5)), ["pool = global_pool"]),
        (SumPool((6, 5)), ["pool = global_pool"]),
        (MaxPool((9, 9), low=(2, 1), high=(1, 3)), ["pool = global_pool"]),
        (MaxPool((1, 1), (2, 2)), ["pool = crop"]),
        (SumPool((1, 1), (1, 2)), ["pool = crop"]),
        (MaxPool((1, 1)), []),
        (SumPool((1, 1)), []),
        (
            MaxPool((3, 3), (2, 2), low=(1, 1), high=(1, 1)),
            ["pool_pad = pad", "pool_windows = windows", "pool = pool"],
        ),
        (
            MaxPool((6, 5), (9, 9), low=(1, 0)),
            ["pool_pad = pad", "pool_windows = windows", "pool = pool"],
        ),
        (MaxPool((2, 2), dilation=(5, 4)), ["pool_windows = windows", "pool = pool"]),
        (MaxPool((5, 4), (9, 9)), ["pool_windows = windows", "pool = pool"]),
    ],
)
def test_pool(pool: MaxPool | SumPool, expected: list[str]) -> None:
    net = Sketch()
    graph = net.finish(net.add(pool, net.input(Int(4), 6, 5, 3), name="pool"))
    assert listed(applied(LowerWindows(), graph)) == expected


def test_pool_of_one_pixel_is_the_pixel() -> None:
    net = Sketch()
    x = net.input(Int(4), 1, 1, 3)
    graph = net.finish(net.add(MaxPool((3, 3), low=(1, 1), high=(1, 1)), x, name="pool"))
    assert applied(LowerWindows(), graph).nodes[-1].type.shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("elem", "least"), [(Bipolar(), -1), (UInt(3), 0), (Int(4), -8), (Int(4, -3, 5), -3)]
)
def test_padding_of_a_pool_holds_the_lowest_value(elem: IntType, least: int) -> None:
    net = Sketch()
    pool = MaxPool((2, 2), (2, 2), low=(1, 1), high=(1, 1))
    graph = net.finish(net.add(pool, net.input(elem, 4, 4, 2), name="pool"))
    made = applied(LowerWindows(), graph)
    pad = made_by(made, "pool_pad")
    assert isinstance(pad.op, Pad)
    assert pad.op.value == (least,)
    assert pad.type.elem == made.nodes[-1].type.elem == elem


def test_padding_that_no_window_sees_is_left_out() -> None:
    net = Sketch()
    pool = MaxPool((2, 2), (2, 2), low=(0, 1), high=(1, 2))
    made = applied(LowerWindows(), net.finish(net.add(pool, net.input(UInt(2), 6, 6, 1))))
    (pad,) = (node.op for node in made.nodes if isinstance(node.op, Pad))
    assert (pad.low, pad.high) == ((0, 1), (0, 1))


def test_pools_of_real_numbers_stay() -> None:
    net = Sketch()
    x = net.dequantise(net.input(Int(4), 4, 4, 2))
    graph = net.finish(net.add(MaxPool((2, 2)), x))
    assert LowerWindows().run(graph) is graph


def test_weights_lie_as_the_windows_do() -> None:
    net = Sketch()
    graph = net.finish(net.conv(net.input(Int(4), 4, 4, 3), 2, (2, 2)))
    conv = graph.nodes[0].op
    assert isinstance(conv, Conv)
    made = applied(LowerWindows(), graph)
    weights = vars(made_by(made, "conv").op)["weights"].array
    np.testing.assert_array_equal(weights, conv.weights.array.reshape(2, 12))
