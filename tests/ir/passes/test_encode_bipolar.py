"""Products of bipolar values become counts, whatever moves or pools them before their scale."""

import pytest

from bitmason.ir import Bipolar, Graph, Int, Op
from bitmason.ir.ops.arrange import Crop, Upsample
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.pooling import GlobalPool, Pool
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.passes.encode_bipolar import EncodeBipolar
from bitmason.ir.passes.lower_windows import LowerWindows
from tests.ir.passes.checks import applied, listed, made_by
from tests.ir.passes.networks import Sketch


@pytest.mark.parametrize("groups", [1, 2])
def test_counts_bits_in_groups(groups: int) -> None:
    net = Sketch()
    x = net.conv(net.input(Bipolar(), 4, 4, 4), 8, (2, 2), weight=Bipolar(), groups=groups)
    graph = LowerWindows().run(net.finish(net.dequantise(x)))
    made = applied(EncodeBipolar(), graph)
    assert listed(made) == [
        "conv_windows = windows",
        "conv = xnor_popcount",
        "dequantise = dequantise",
    ]
    product = made_by(made, "conv").op
    assert isinstance(product, XnorPopcount)
    assert product.groups == groups


@pytest.mark.parametrize("weight", [Int(3), Bipolar()])
def test_depthwise_selects_bits(weight: Int | Bipolar) -> None:
    net = Sketch()
    x = net.conv(net.input(Bipolar(), 4, 4, 4), 4, (2, 2), weight=weight, groups=4)
    graph = LowerWindows().run(net.finish(net.dequantise(x)))
    assert listed(applied(EncodeBipolar(), graph)) == [
        "conv_windows = windows",
        "conv_windows_bit = bit",
        "conv = depthwise",
        "dequantise = dequantise",
    ]


@pytest.mark.parametrize("weight", [Int(3), Bipolar()])
@pytest.mark.parametrize(
    "between",
    [
        (Windows((2, 2), block=3), Pool("max", 4, 3)),
        (Windows((2, 2), (2, 2), block=1), Pool("sum", 4, 1)),
        (GlobalPool("sum"), Reshape((3,))),
        (Transpose((1, 0, 2)), Crop((0, 0, 1), (2, 2, 2), (1, 1, 1))),
        (Upsample((2, 1)), GlobalPool("max")),
    ],
)
def test_pools_and_moves_carry_the_correction(
    weight: Int | Bipolar, between: tuple[Op, ...]
) -> None:
    net = Sketch()
    x = net.dense(net.input(Bipolar(), 4, 4, 5), 3, weight)
    for op in between:
        x = net.add(op, x)
    made = applied(EncodeBipolar(), net.finish(net.dequantise(x)))
    assert made_by(made, "fc").type.int_elem.lo <= 0
    assert ("fc = xnor_popcount" in listed(made)) == isinstance(weight, Bipolar)
    assert ("x_bit = bit" in listed(made)) == isinstance(weight, Int)


def test_several_scales_share_one_count() -> None:
    net = Sketch()
    x = net.dense(net.input(Bipolar(), 4, 4, 5), 3, Bipolar())
    pooled = net.add(GlobalPool("max"), x)
    made = applied(EncodeBipolar(), net.finish(net.dequantise(x), net.dequantise(pooled)))
    assert sum(isinstance(node.op, XnorPopcount) for node in made.nodes) == 1


def assert_sums_numbers(graph: Graph) -> None:
    """Nothing is counted, and no product reads one-bit codes, which the hardware would misread."""
    assert not any(isinstance(node.op, XnorPopcount | Bit) for node in graph.nodes)
    products = [node for node in graph.nodes if isinstance(node.op, Dense)]
    assert products
    for node in products:
        assert not isinstance(graph[node.operands[0]].type.elem, Bipolar)


def test_a_product_that_something_else_reads_stays() -> None:
    for reader in ("output", "dense"):
        net = Sketch()
        x = net.dense(net.input(Bipolar(), 5), 3, Bipolar())
        other = x if reader == "output" else net.dense(x, 2)
        assert_sums_numbers(applied(EncodeBipolar(), net.finish(net.dequantise(x), other)))


@pytest.mark.parametrize("op", [Transpose((2, 1, 0)), Pool("max", 3, 1)])
def test_corrections_that_differ_inside_a_channel_or_a_maximum_stay(op: Op) -> None:
    net = Sketch()
    x = net.dense(net.input(Bipolar(), 2, 2, 5), 3)
    assert_sums_numbers(applied(EncodeBipolar(), net.finish(net.dequantise(net.add(op, x)))))
