"""Chains between integers become thresholds, tables, bits, or nothing."""

from fractions import Fraction

import numpy as np
import pytest

from bitmason.ir import Bipolar, Const, Int, IntType, Op, UInt
from bitmason.ir.interp import run
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.real import MulConst, Unary
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.passes.tabulate import Tabulate
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


FLOOR = Quantise(Const(np.float32(1)), Const(np.float32(0)), Int(6), "FLOOR")
STEPS = Staircase(Const(np.arange(-30.0, 31.0)[np.newaxis]))


@pytest.mark.parametrize("shape", [(64,), (4, 4, 4)])
@pytest.mark.parametrize("end", [FLOOR, STEPS])
@pytest.mark.parametrize("factor", [(), (4,), (4, 4)])
def test_float64_does_not_decide(shape: tuple[int, ...], end: Op, factor: tuple[int, ...]) -> None:
    """49 / 49 is below 1 in float64, where the division comes first."""
    assert 1 / 49 * 49 < 1
    net = Sketch()
    part = net.add(Dequantise((Fraction(1, 49),)), net.input(Int(6), *shape))
    wide = (1,) * (len(shape) - len(factor)) + factor if len(shape) == 3 else ()
    whole = net.add(MulConst(Const(np.full(wide, 49.0))), part)
    graph = net.finish(net.add(end, whole))
    x = np.arange(-32, 32).reshape(1, *shape)
    wanted = x if end is FLOOR else np.clip(x + 31, 0, 61)
    np.testing.assert_array_equal(run(graph, {"x": x})[0], wanted)
    if wide.count(4) < 2:
        np.testing.assert_array_equal(run(Tabulate().run(graph), {"x": x})[0], wanted)


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
