"""Joins of small integers become tables where those are cheaper."""

import numpy as np
import pytest

from bitmason.ir import Bipolar, Const, Graph, Int, IntType, Op, UInt
from bitmason.ir.ops.join import JoinLookup, Product, WeightedSum
from bitmason.ir.passes.fuse_joins import FuseJoins
from bitmason.ir.passes.tabulate import Tabulate
from tests.ir.passes.checks import applied, listed, made_by
from tests.ir.passes.networks import Sketch

ADD: Op = WeightedSum(Const.integers(np.array([[1], [1]])))
SCALED: Op = WeightedSum(Const.integers(np.array([[5], [-7]])))
PER_CHANNEL: Op = WeightedSum(Const.integers(np.array([[1, 2, 3], [3, 1, 2]])))


def joined(join: Op, a: IntType, b: IntType, out: IntType, *, per_channel: bool = False) -> Graph:
    net = Sketch(seed=3)
    x = net.add(join, net.input(a, 2, 2, 3, name="a"), net.input(b, 2, 2, 3, name="b"), name="sum")
    return Tabulate().run(net.finish(net.quantise(net.dequantise(x, per_channel=per_channel), out)))


@pytest.mark.parametrize("out", [UInt(3), Int(4), Bipolar()])
@pytest.mark.parametrize("join", [SCALED, Product((1, 2)), Product(), PER_CHANNEL])
def test_a_small_join_becomes_a_table(join: Op, out: IntType) -> None:
    made = applied(FuseJoins(), joined(join, UInt(2), Int(3, -2, 3), out))
    assert listed(made) == ["act = join_lookup"]
    node = made_by(made, "act")
    assert isinstance(node.op, JoinLookup)
    assert (node.op.first, node.op.span) == ((0, -2), 4)
    assert node.op.table.shape == (3 if join is PER_CHANNEL else 1, 24)
    assert isinstance(out, Bipolar) == isinstance(node.type.elem, Bipolar)


def test_what_adds_and_compares_more_cheaply_stays() -> None:
    graph = joined(ADD, UInt(5), UInt(5), Bipolar())
    assert listed(graph) == ["sum = weighted_sum", "act = thresholds"]
    assert FuseJoins().run(graph) is graph


def test_many_levels_make_the_same_sum_a_table() -> None:
    graph = joined(ADD, UInt(4), UInt(4), UInt(4))
    assert listed(applied(FuseJoins(), graph)) == ["act = join_lookup"]


@pytest.mark.parametrize("step", [FuseJoins(max_address_bits=4), FuseJoins(max_table_entries=31)])
def test_limits(step: FuseJoins) -> None:
    graph = joined(SCALED, UInt(2), UInt(3), UInt(3))
    assert step.run(graph) is graph
    assert FuseJoins(max_address_bits=5, max_table_entries=32).run(graph) is not graph


def test_rows_of_all_channels_count() -> None:
    graph = joined(SCALED, UInt(2), UInt(3), UInt(3), per_channel=True)
    assert FuseJoins(max_table_entries=95).run(graph) is graph
    assert listed(applied(FuseJoins(max_table_entries=96), graph)) == ["act = join_lookup"]


def test_a_join_that_others_read_stays() -> None:
    net = Sketch()
    x = net.add(SCALED, net.input(UInt(2), 3, name="a"), net.input(UInt(2), 3, name="b"))
    act = net.quantise(net.dequantise(x), UInt(2))
    for graph in (net.finish(act, x), net.finish(act, net.dense(x, 2))):
        graph = Tabulate().run(graph)
        assert FuseJoins().run(graph) is graph
