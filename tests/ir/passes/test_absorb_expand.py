"""Ranks of floating-point numbers go as far as the products, whatever carries them there."""

from __future__ import annotations

import numpy as np
import pytest

from bitmason.ir import Const, Graph, Int, Op
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.ops.arrange import Concat, Crop, Upsample
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import Pool
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.windows import Windows
from bitmason.ir.passes.absorb_expand import AbsorbExpand
from tests.ir.passes.checks import applied, listed, made_by
from tests.ir.passes.networks import Sketch

E3M2 = CustomFloat(3, 2, 3, full=True, subnormals=True)
E2M2 = CustomFloat(2, 2, 3, full=True)
RANKS = Int(6, -31, 31)


def sketch(*shape: int) -> tuple[Sketch, str, str]:
    """Return a network, some ranks and their expansion."""
    net = Sketch()
    ranks = net.input(RANKS, *shape)
    return net, ranks, net.add(Expand(E3M2), ranks, name="expand")


def absorbed(graph: Graph) -> Graph:
    return applied(AbsorbExpand(), graph)


def ranks_of(graph: Graph, name: str) -> CustomFloat | None:
    op = made_by(graph, name).op
    assert isinstance(op, Dense)
    return op.ranks


def test_a_product_takes_ranks() -> None:
    net, ranks, x = sketch(6)
    made = absorbed(net.finish(net.dense(x, 4)))
    assert listed(made) == ["fc = dense"]
    assert made_by(made, "fc").operands == (ranks,)
    assert ranks_of(made, "fc") == E3M2


@pytest.mark.parametrize(
    "between",
    [
        (Pad((1, 0), (0, 1), (0,)), Windows((2, 2), block=2)),
        (Pool("max", 2, 1), Reshape((9,))),
        (Crop((1, 0, 0), (2, 2, 2), (1, 1, 1)), Upsample((2, 1))),
        (Transpose((2, 0, 1)), Reshape((2, 18))),
    ],
    ids=["windows", "max", "crop", "shape"],
)
def test_ranks_go_through_what_keeps_their_order(between: tuple[Op, ...]) -> None:
    net, ranks, x = sketch(3, 6, 2) if isinstance(between[0], Crop | Transpose) else sketch(3, 3, 2)
    for op in between:
        x = net.add(op, x)
    made = absorbed(net.finish(net.dense(x, 4)))
    assert "expand" not in [node.op.name for node in made.nodes]
    assert made.nodes[0].operands == (ranks,)
    assert all(node.type.int_elem.bits <= RANKS.bits for node in made.nodes[:-1])
    assert ranks_of(made, "fc") == E3M2


@pytest.mark.parametrize(
    "between",
    [
        (Pad((1, 0), (0, 1), (0, 3)),),
        (Pool("sum", 2, 1),),
        (Depthwise(Const.integers(np.array([[1, 2]])), Int(3), 1),),
    ],
    ids=["pad", "sum", "depthwise"],
)
def test_what_needs_numbers_gets_them(between: tuple[Op, ...]) -> None:
    net, _, x = sketch(3, 3, 2)
    for op in between:
        x = net.add(op, x)
    graph = net.finish(net.dense(x, 4))
    assert absorbed(graph) is graph


def test_two_readers_of_one_expansion() -> None:
    net, ranks, x = sketch(3, 3, 2)
    summed = net.add(Pool("sum", 2, 1), x, name="sum")
    made = absorbed(net.finish(net.dense(x, 4, name="a"), net.dense(summed, 4, name="b")))
    assert listed(made) == ["expand = expand", "sum = pool", "a = dense", "b = dense"]
    assert made_by(made, "a").operands == (ranks,)
    assert ranks_of(made, "a") == E3M2
    assert ranks_of(made, "b") is None


def test_an_expansion_that_leaves_the_network_stays() -> None:
    net, ranks, x = sketch(4)
    made = absorbed(net.finish(net.dense(x, 4), x))
    assert listed(made) == ["expand = expand", "fc = dense"]
    assert made_by(made, "fc").operands == (ranks,)


@pytest.mark.parametrize("same", [True, False])
def test_two_formats_do_not_meet(same: bool) -> None:
    net, _, a = sketch(2, 2, 3)
    other = net.input(Int(5, -15, 15), 2, 2, 3, name="y")
    b = net.add(Expand(E3M2 if same else E2M2), other, name="other")
    joined = net.add(Concat(), a, b, name="joined")
    made = absorbed(net.finish(net.dense(joined, 4)))
    wanted = ["joined = concat", "fc = dense"]
    assert listed(made) == ([] if same else ["expand = expand", "other = expand"]) + wanted
    assert ranks_of(made, "fc") == (E3M2 if same else None)


def test_two_formats_that_others_take_do_not_meet_either() -> None:
    net, _, a = sketch(2, 2, 3)
    other = net.input(Int(5, -15, 15), 2, 2, 3, name="y")
    b = net.add(Expand(E2M2), other, name="other")
    joined = net.add(Concat(), a, b, name="joined")
    made = absorbed(net.finish(*(net.dense(x, 4, name=f"of_{x}") for x in (a, b, joined))))
    formats = [ranks_of(made, f"of_{x}") for x in ("expand", "other", "joined")]
    assert formats == [E3M2, E2M2, None]


def test_ranks_do_not_meet_numbers() -> None:
    net, _, a = sketch(2, 2, 3)
    joined = net.add(Concat(), a, net.input(Int(4), 2, 2, 3, name="y"), name="joined")
    graph = net.finish(net.dense(joined, 4))
    assert absorbed(graph) is graph


def test_products_of_run_time_precision_take_numbers() -> None:
    net, _, x = sketch(4)
    op = Dense(net.weights(Int(3), 2, 4), Int(3), cleared=(0, 0))
    graph = net.finish(net.add(op, x, name="fc"))
    assert absorbed(graph) is graph
