"""Chains between integers become thresholds, tables, bits, or nothing."""

from fractions import Fraction

import numpy as np
import pytest

from bitmason.ir import Bipolar, Const, Int, IntType, UInt
from bitmason.ir.interp import run
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.real import AddConst, DivConst, MulConst, Unary
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.passes.tabulate import Tabulate
from bitmason.ir.types import Array
from tests.ir.passes.checks import applied, listed, made_by
from tests.ir.passes.networks import Sketch


def test_a_staircase_ends_a_chain() -> None:
    net = Sketch()
    x = net.input(Int(6), 3, 3, 4)
    graph = net.finish(net.staircase(net.norm(net.dequantise(x)), 5))
    made = applied(Tabulate(), graph)
    assert listed(made) == ["act = thresholds"]
    assert made_by(made, "act").type.shape == (3, 3, 4)


def test_a_staircase_in_the_middle_is_fused() -> None:
    net = Sketch()
    stairs = net.staircase(net.dequantise(net.input(Int(6), 2, 2, 4)), 5, name="stairs")
    graph = net.finish(net.quantise(net.norm(net.dequantise(stairs)), UInt(2)))
    assert listed(applied(Tabulate(), graph)) == ["act = thresholds"]


def test_a_staircase_that_others_read_stays_a_value() -> None:
    net = Sketch()
    stairs = net.staircase(net.dequantise(net.input(Int(6), 2, 2, 4)), 5, name="stairs")
    ends = [net.quantise(net.dequantise(stairs), out) for out in (UInt(2), Bipolar())]
    assert listed(applied(Tabulate(), net.finish(*ends))) == [
        "stairs = thresholds",
        "act = thresholds",
        "act_2 = thresholds",
    ]


def test_steps_are_compared_exactly() -> None:
    """0.1 * 3 is not 0.3 in float64; the exact values of these constants decide."""
    net = Sketch()
    x = net.input(Int(6), 1)
    third = net.add(Dequantise((Fraction(1, 3),)), x)
    scaled = net.add(MulConst(Const(np.array([3.0]))), third)
    shifted = net.add(AddConst(Const(np.array([1e-20]))), scaled)
    steps = Const(np.array([[-3.0, 0.0, 1.0, 5.0]]))
    graph = net.finish(net.add(Staircase(steps), shifted))
    values: Array = np.arange(-32, 32)[:, np.newaxis]
    (got,) = run(graph, {"x": values})
    np.testing.assert_array_equal(got, np.sum(values >= steps.array, axis=1, keepdims=True))
    np.testing.assert_array_equal(got, run(Tabulate().run(graph), {"x": values})[0])


@pytest.mark.parametrize("shape", [(40,), (3, 3, 4)])
def test_ties_in_doubt_are_settled_by_value(shape: tuple[int, ...]) -> None:
    """Every third value is on a tie of this grid, which float64 does not see."""
    net = Sketch()
    real = net.add(DivConst(Const(np.float32(3))), net.dequantise(net.input(Int(6), *shape)))
    halves = net.add(MulConst(Const(np.float32(1.5))), real)
    graph = net.finish(net.quantise(halves, Int(6)))
    applied(Tabulate(), graph)


@pytest.mark.parametrize("elem", [UInt(3), Int(4), Int(4, -3, 5), Bipolar()])
def test_the_same_quantiser_again_disappears(elem: IntType) -> None:
    net = Sketch()
    x = net.input(elem, 2, 2, 3)
    scale = np.array([0.25, 0.5, 2.0], np.float32)
    real = net.add(Dequantise(tuple(Fraction(s.item()) for s in scale)), x)
    again = net.add(Quantise(Const(scale), Const(np.float32(0)), elem), real)
    made = applied(Tabulate(), net.finish(net.conv(again, 2, (2, 2)), net.conv(x, 2, (2, 2))))
    assert listed(made) == ["conv = conv", "conv_2 = conv"]


def test_a_channel_that_differs_keeps_the_quantiser() -> None:
    net = Sketch()
    x = net.input(UInt(3), 3)
    real = net.add(Dequantise((Fraction(1), Fraction(1), Fraction(3, 4))), x)
    one, zero = Const(np.float32(1)), Const(np.float32(0))
    graph = net.finish(net.add(Quantise(one, zero, UInt(3)), real, name="act"))
    assert listed(applied(Tabulate(), graph)) == ["act = thresholds"]


def test_bits_of_bipolar_values_are_a_wire() -> None:
    net = Sketch()
    x = net.input(Bipolar(), 2, 2, 3)
    real = net.add(Dequantise((Fraction(1, 2),), (Fraction(1, 2),)), x)
    one, zero = Const(np.float32(1)), Const(np.float32(0))
    graph = net.finish(net.add(Quantise(one, zero, UInt(2)), real, name="act"))
    assert listed(applied(Tabulate(), graph)) == ["act = bit"]


@pytest.mark.parametrize("function", ["abs", "tanh"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_images_have_one_row_for_each_channel(function: str, per_channel: bool) -> None:
    net = Sketch()
    x = net.dequantise(net.input(Int(4), 3, 2, 5), per_channel=per_channel)
    graph = net.finish(net.quantise(net.add(Unary(function), x), UInt(3)))
    made = applied(Tabulate(), graph)
    table = vars(made_by(made, "act").op)
    rows = table["steps"].shape[0] if function == "tanh" else table["table"].shape[0]
    assert rows == (1 if function == "abs" and not per_channel else 5)
