"""Max pools of real numbers move to integers, past what rises; what they cannot pass is named."""

import numpy as np
import pytest

from bitmason.ir import Bipolar, Const, Graph, Int, Op, Real, UInt
from bitmason.ir.ops.arrange import Crop, Upsample
from bitmason.ir.ops.pooling import MaxPool
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.ops.real import Add, AddConst, Clip, DivConst, LeakyRelu, MulConst, Unary
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.passes.place_pools import PlacePools
from tests.ir.passes.checks import applied, listed, made_by, refusal
from tests.ir.passes.networks import Sketch

POOL = MaxPool((2, 2), (2, 2), low=(1, 0), high=(0, 1))
MIXED = MulConst(Const(np.array([1.5, -2.0, 0.5], np.float32)))
MIXED_ROWS = MulConst(Const(np.array([1.5, -2.0, 0.5, 3.0], np.float32)))
RISING: list[Op] = [
    MulConst(Const(np.array([1.5, 2.0, 0.0], np.float32))),
    DivConst(Const(np.float32(3))),
    AddConst(Const(np.array([[[-1.5, 2.0, 0.5]]], np.float32))),
    Clip(lo=0.0),
    LeakyRelu(Const(np.float32(0.25))),
    Unary("tanh"),
]


def between(before: list[Op], behind: list[Op], shape: tuple[int, ...] = (5, 4, 3)) -> Graph:
    net = Sketch()
    x = net.dequantise(net.input(Int(5), *shape))
    for op in before:
        x = net.add(op, x)
    x = net.add(POOL, x, name="pool")
    for op in behind:
        x = net.add(op, x)
    return net.finish(net.quantise(x, Int(4)))


def kinds(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


@pytest.mark.parametrize("op", RISING)
def test_moves_below_the_quantiser(op: Op) -> None:
    graph = between([MIXED], [op])
    made = applied(PlacePools(), graph)
    assert kinds(made) == ["dequantise", "mul_const", op.name, "quantise", "max_pool"]
    assert listed(made)[-2:] == ["act = quantise", "pool = max_pool"]
    assert made_by(made, "pool").loc.node == "pool"
    assert made_by(made, "act").loc.node == "act"
    assert made_by(made, "pool").op == POOL


@pytest.mark.parametrize("op", RISING)
def test_or_above_onto_the_integers(op: Op) -> None:
    made = applied(PlacePools(), between([op], [MIXED]))
    assert kinds(made) == ["max_pool", "dequantise", op.name, "mul_const", "quantise"]
    assert made_by(made, "pool").op == POOL


def test_what_falls_twice_rises() -> None:
    made = applied(PlacePools(), between([Unary("abs")], [MIXED, MIXED]))
    assert kinds(made)[-1] == "max_pool"


def test_what_falls_on_both_sides_is_refused() -> None:
    assert refusal(PlacePools(), between([MIXED], [MIXED])) == [
        "P006: this max pool of real numbers cannot be made one of integers",
        "net.onnx#pool",
        "before it: they fall in 1 of 3 channels",
        "behind it: they fall in 1 of 3 channels",
    ]


def test_constants_that_vary_over_the_image_stop_it() -> None:
    wide = AddConst(Const(np.arange(60, dtype=np.float32).reshape(5, 4, 3)))
    narrow = AddConst(Const(np.arange(2, dtype=np.float32).reshape(2, 1)))
    graph = between([wide], [narrow], (5, 4, 3))
    assert refusal(PlacePools(), graph)[2:] == [
        "before it: the constant of %add_const (add_const) varies over the image",
        "behind it: the constant of %add_const_2 (add_const) varies over the image",
    ]


def test_functions_that_are_not_monotone_stop_it() -> None:
    bent = LeakyRelu(Const(np.float32(-1)))
    assert refusal(PlacePools(), between([Unary("abs")], [bent]))[2:] == [
        "before it: %unary (unary) is no rising function of one tensor",
        "behind it: %leaky_relu (leaky_relu) is no rising function of one tensor",
    ]


def test_a_pool_with_several_quantisers_moves_below_each() -> None:
    net = Sketch()
    real = net.norm(net.dequantise(net.input(Int(5), 4, 4, 3)))
    pooled = net.add(POOL, real, name="pool")
    made = applied(
        PlacePools(), net.finish(net.quantise(pooled, UInt(2)), net.staircase(pooled, 3))
    )
    assert listed(made)[-4:] == [
        "act = quantise",
        "pool = max_pool",
        "act_2 = staircase",
        "pool_2 = max_pool",
    ]


def test_pools_one_after_the_other_all_move() -> None:
    net = Sketch()
    real = net.norm(net.dequantise(net.input(Int(5), 6, 6, 3)))
    for _ in range(3):
        real = net.add(Clip(lo=-1.0), net.add(MaxPool((2, 2)), real, name="pool"))
    made = applied(PlacePools(), net.finish(net.quantise(real, Bipolar())))
    assert kinds(made)[-4:] == ["quantise", "max_pool", "max_pool", "max_pool"]


def test_a_branch_that_is_read_before_the_pool_keeps_its_functions() -> None:
    net = Sketch()
    real = net.add(Clip(lo=0.0), net.dequantise(net.input(Int(5), 4, 4, 3)))
    pooled = net.add(MIXED, net.add(POOL, real, name="pool"))
    made = applied(
        PlacePools(), net.finish(net.quantise(pooled, UInt(2)), net.quantise(real, UInt(3)))
    )
    assert kinds(made).count("clip") == 2


def test_pools_of_the_host_stay() -> None:
    net = Sketch()
    image = net.add(POOL, net.input(Real(), 4, 4, 3), name="pool")
    front = net.finish(net.quantise(image, Int(4)))
    assert PlacePools().run(front) is front
    net = Sketch()
    real = net.dequantise(net.input(Int(5), 4, 4, 3))
    back = net.finish(net.add(POOL, net.add(Add(), real, real), name="pool"))
    assert PlacePools().run(back) is back


def moved(*ops: Op, per_channel: bool = True, scale: float | list[float] = 0.5) -> list[str]:
    """Return what becomes of a network of 4 x 4 x 3 integers with `ops` before its quantiser."""
    net = Sketch()
    x = net.dequantise(net.input(Int(5), 4, 4, 3), per_channel=per_channel)
    for op in ops:
        x = net.add(op, x)
    grid = Const(np.array(scale, np.float32))
    x = net.add(Quantise(grid, Const(np.float32(0)), Int(4)), x, name="act")
    return kinds(applied(PlacePools(), net.finish(x)))


FLAT, TURN = Reshape((48,)), Transpose((1, 0, 2))
PER_ELEMENT = AddConst(Const(np.arange(48, dtype=np.float32)))


def test_moves_of_real_numbers_pass_what_treats_all_elements_alike() -> None:
    relu = Clip(lo=0.0)
    assert moved(MIXED, FLAT, relu) == ["dequantise", "mul_const", "clip", "quantise", "reshape"]
    assert moved(relu, FLAT, PER_ELEMENT, per_channel=False)[0] == "reshape"
    assert moved(MIXED, TURN, MIXED, scale=[0.5, 1.0, 2.0])[-1] == "transpose"
    assert moved(MIXED, Upsample((2, 1)), Unary("abs"))[-1] == "upsample"
    assert moved(MIXED, Crop((0, 0, 1), (4, 4, 2), (1, 1, 1)), relu)[-1] == "crop"
    few = Reshape((27,))
    assert moved(MIXED, TURN, MaxPool((2, 2)), few)[-3:] == ["transpose", "max_pool", "reshape"]


def test_moves_stay_between_what_does_not() -> None:
    assert moved(MIXED, FLAT, PER_ELEMENT)[2] == "reshape"
    image = AddConst(Const(np.arange(4, dtype=np.float32).reshape(4, 1, 1)))
    assert moved(image, TURN, image)[2] == "transpose"
    assert moved(MIXED, Transpose((2, 1, 0)), MIXED_ROWS)[2] == "transpose"
