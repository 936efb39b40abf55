"""Permutations vanish in constants, or become one reorder of a small block."""

import numpy as np
import pytest

from bitmason.ir import Bipolar, Const, Graph, Int, Op, UInt
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.arrange import Concat, Reorder
from bitmason.ir.ops.pooling import GlobalPool, MaxPool
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.passes.encode_bipolar import EncodeBipolar
from bitmason.ir.passes.lower_windows import LowerWindows
from bitmason.ir.passes.pipelines import run_passes
from bitmason.ir.passes.sink_reorders import SinkReorders
from bitmason.ir.passes.tabulate import Tabulate
from tests.ir.passes.checks import applied, listed, made_by
from tests.ir.passes.networks import Sketch

NCHW = Transpose((2, 0, 1))


def sunk(graph: Graph) -> Graph:
    return applied(SinkReorders(), run_passes(graph, (LowerWindows(), EncodeBipolar(), Tabulate())))


def shuffled(net: Sketch, x: str) -> str:
    height, width, channels = net.shape(x)
    apart = net.add(Reshape((height, width, 2, channels // 2)), x, name="apart")
    swapped = net.add(Transpose((0, 1, 3, 2)), apart, name="swapped")
    return net.add(Reshape((height, width, channels)), swapped, name="shuffle")


@pytest.mark.parametrize("weight", [Int(3), Bipolar()])
def test_a_flattened_image_is_a_wire_before_a_dense_layer(weight: Int | Bipolar) -> None:
    net = Sketch()
    x = net.add(Reshape((24,)), net.add(NCHW, net.input(Bipolar(), 2, 3, 4)), name="flat")
    made = sunk(net.finish(net.dequantise(net.dense(x, 5, weight))))
    product = "dense" if isinstance(weight, Int) else "xnor_popcount"
    bits = ["flat_bit = bit"] if isinstance(weight, Int) else []
    assert listed(made) == [*bits, "flat = reshape", f"fc = {product}", "dequantise = dequantise"]


def test_thresholds_of_each_element_move_along() -> None:
    net = Sketch()
    x = net.add(Reshape((24,)), net.add(NCHW, net.input(Int(4), 2, 3, 4)), name="flat")
    x = net.quantise(net.norm(net.dequantise(x)), UInt(2))
    made = sunk(net.finish(net.dense(x, 5)))
    assert listed(made) == ["flat = reshape", "act = thresholds", "fc = dense"]


@pytest.mark.parametrize(
    "between",
    [
        (),
        (MaxPool((2, 2), (2, 2)),),
        (GlobalPool("sum"),),
        (GlobalPool("max"),),
        (MaxPool((3, 3), low=(1, 1), high=(1, 1)), MaxPool((2, 1))),
    ],
)
@pytest.mark.parametrize("kernel", [(1, 1), (2, 2)])
def test_shuffled_channels_vanish_in_the_next_weights(
    between: tuple[Op, ...], kernel: tuple[int, int]
) -> None:
    net = Sketch()
    x = shuffled(net, net.input(UInt(3), 5, 5, 6))
    for op in between:
        x = net.add(op, x)
    fits = (min(kernel[0], net.shape(x)[0]), min(kernel[1], net.shape(x)[1]))
    made = sunk(net.finish(net.conv(x, 4, fits)))
    assert not any(isinstance(node.op, Reorder | Transpose) for node in made.nodes)


def test_shuffled_channels_pass_depthwise_layers_and_thresholds() -> None:
    net = Sketch()
    x = net.conv(shuffled(net, net.input(UInt(3), 5, 5, 6)), 6, (3, 3), groups=6, name="dw")
    x = net.quantise(net.norm(net.dequantise(x)), UInt(2))
    made = sunk(net.finish(net.conv(x, 4, (1, 1))))
    assert listed(made) == [
        "dw_windows = windows",
        "dw = depthwise",
        "act = thresholds",
        "conv = dense",
    ]


def test_shuffled_channels_pass_a_concatenation() -> None:
    net = Sketch()
    x, y = net.input(UInt(3), 3, 3, 6), net.input(UInt(3), 3, 3, 4, name="y")
    both = net.add(Concat(), shuffled(net, x), y, shuffled(net, y))
    made = sunk(net.finish(net.conv(both, 3, (2, 2))))
    assert listed(made) == ["concat = concat", "conv_windows = windows", "conv = dense"]


def test_what_groups_tear_apart_is_one_small_reorder_in_front_of_the_windows() -> None:
    net = Sketch()
    x = shuffled(net, net.input(UInt(3), 5, 5, 6))
    made = sunk(net.finish(net.conv(x, 4, (2, 2), groups=2)))
    assert listed(made) == ["shuffle = reorder", "conv_windows = windows", "conv = dense"]
    reorder = made_by(made, "shuffle").op
    assert isinstance(reorder, Reorder)
    assert reorder.order.array.tolist() == [0, 3, 1, 4, 2, 5]


def test_groups_may_change_places() -> None:
    net = Sketch()
    x = net.input(UInt(3), 3, 3, 6)
    turned = net.add(Reshape((3, 3, 2, 3)), x)
    order = Reorder(np_const([3, 4, 5, 2, 0, 1]), (3, 3, 6))
    made = sunk(net.finish(net.dense(net.conv(net.add(order, turned), 4, (1, 1), groups=2), 3)))
    assert listed(made) == ["conv = dense", "fc = dense"]


def np_const(order: list[int]) -> Const:
    return Const.integers(np.array(order))


def test_a_turned_image_is_one_reorder_before_a_kernel() -> None:
    net = Sketch()
    x = net.add(Transpose((1, 0, 2)), net.input(UInt(3), 4, 3, 2), name="turn")
    made = sunk(net.finish(net.conv(x, 3, (2, 2))))
    assert listed(made) == ["turn = reorder", "conv_windows = windows", "conv = dense"]


def test_a_turned_image_passes_kernels_of_one_pixel() -> None:
    net = Sketch()
    x = net.add(Transpose((1, 0, 2)), net.input(UInt(3), 4, 3, 2), name="turn")
    x = net.quantise(net.norm(net.dequantise(net.conv(x, 4, (1, 1)))), UInt(2))
    made = sunk(net.finish(net.conv(net.add(GlobalPool("sum"), x), 3, (1, 1))))
    assert listed(made) == [
        "conv = dense",
        "act = thresholds",
        "global_pool = global_pool",
        "conv_2 = dense",
    ]


def test_moves_that_cancel_leave_nothing() -> None:
    net = Sketch()
    x = net.add(Transpose((1, 2, 0)), net.add(NCHW, net.input(UInt(3), 4, 3, 2)))
    assert listed(sunk(net.finish(net.conv(x, 3, (1, 1))))) == ["conv = dense"]


def test_reshapes_become_one() -> None:
    net = Sketch()
    x = net.add(Reshape((24,)), net.add(Reshape((4, 6)), net.input(UInt(3), 4, 3, 2)), name="flat")
    assert listed(sunk(net.finish(net.dense(x, 3)))) == ["flat = reshape", "fc = dense"]


def test_what_the_host_reads_stays_for_the_host() -> None:
    net = Sketch()
    x = net.conv(net.input(UInt(3), 4, 3, 2), 5, (2, 2))
    moved = net.add(Reshape((30,)), net.add(NCHW, x, name="nchw"), name="flat")
    graph = net.finish(net.dequantise(moved), moved)
    lowered = run_passes(graph, (LowerWindows(),))
    assert applied(SinkReorders(), lowered) is lowered


def test_thresholds_before_the_host_are_not_behind_a_reorder() -> None:
    net = Sketch()
    x = net.add(NCHW, net.input(UInt(3), 4, 3, 2), name="nchw")
    made = sunk(net.finish(net.quantise(net.dequantise(x, per_channel=False), UInt(2))))
    assert listed(made) == ["act = thresholds", "nchw = transpose"]


def test_labels_of_pixels_may_be_turned_later() -> None:
    net = Sketch()
    x = net.add(Transpose((1, 0, 2)), net.input(UInt(3), 4, 3, 2), name="turn")
    made = sunk(net.finish(net.add(ArgMax(), x, name="label")))
    assert listed(made) == ["label = arg_max", "turn = transpose"]


def test_a_label_of_turned_channels_waits_for_them() -> None:
    net = Sketch()
    x = shuffled(net, net.input(UInt(3), 4, 3, 6))
    made = sunk(net.finish(net.add(ArgMax(), x, name="label")))
    assert listed(made) == ["shuffle = reorder", "label = arg_max"]


def test_readers_share_one_reorder() -> None:
    net = Sketch()
    x = net.add(Transpose((1, 0, 2)), net.input(UInt(3), 4, 3, 2), name="turn")
    made = sunk(net.finish(net.conv(x, 3, (2, 2)), net.conv(x, 2, (2, 1)), net.conv(x, 2, (1, 1))))
    assert [line for line in listed(made) if line.startswith("turn")] == [
        "turn = reorder",
        "turn_2 = transpose",
    ]


def test_the_host_turns_what_passed_a_product() -> None:
    net = Sketch()
    x = net.conv(net.add(Transpose((1, 0, 2)), net.input(UInt(3), 4, 3, 2), name="turn"), 5, (1, 1))
    made = sunk(net.finish(net.add(Reshape((60,)), x, name="flat")))
    assert listed(made) == ["conv = dense", "flat = transpose", "flat_2 = reshape"]
