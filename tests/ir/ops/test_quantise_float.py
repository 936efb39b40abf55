"""Quantise to floating point: exact on fractions and float64, as the QONNX executor on float32."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qonnx.custom_op.general.floatquant import float_quant

from bitmason.ir import Const, Int, Real, TensorType, UInt
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.rounding import HALVES, ROUNDINGS
from bitmason.ir.types import Array
from tests.ir.elements import int_types
from tests.ir.ops.checks import assert_same, const, exactly, rejection, tensor
from tests.ir.strategies import formats_of

ONE = Const(np.float32(1))
E4M3 = CustomFloat(4, 3, 7, subnormals=True, largest=0x7E)
E2M1 = CustomFloat(2, 1, 1, full=True, subnormals=True)
PAPER = CustomFloat(2, 1, 1)
CLOSE = 2.0**-40  # closer, HALF_UP in floats takes what lies beside a tie for one
ROUNDING = pytest.mark.parametrize("rounding", sorted(ROUNDINGS))


def test_by_hand() -> None:
    op = QuantiseFloat(Const(np.float32(0.5)), E2M1, "ROUND")
    assert op.infer([tensor(Real(), 4)]) == tensor(Int(4, -7, 7), 4)
    x = np.array([[0, 0.25, 0.1249, 0.7, -1.25, -1.2501, 3, 99]], dtype=np.float32)
    ranks = [[0, 1, 0, 3, -4, -5, 7, 7]]
    assert_same(op.evaluate(x), ranks)
    assert_same(op.evaluate(x.astype(np.float64)), ranks)


def test_by_hand_without_subnormals() -> None:
    """1, 1.5, 2 and 3; below half of 1 nothing is left, from there on 1."""
    op = QuantiseFloat(ONE, PAPER, "DOWN")
    x = np.array([[0.49, -0.49, 0.5, -0.5, 1.49, -1.5, 2.99, 3, 7, -9]], dtype=np.float32)
    assert_same(op.evaluate(x), [[0, 0, 2, -2, 2, -3, 4, 5, 5, -5]])


def test_each_channel_has_its_scale() -> None:
    op = QuantiseFloat(const([0.5, 2.0], np.float32), E2M1, "ROUND")
    assert_same(op.evaluate(np.full((2, 3, 2), 2, np.float32)), np.full((2, 3, 2), [6, 2]))


@st.composite
def near_numbers(draw: st.DrawFn, format_: CustomFloat) -> Array:
    """Numbers of a format, ties, and what lies beside these, in float64."""
    turns = np.concatenate([format_.turns("ROUND"), format_.turns("DOWN")])
    some = np.array(draw(st.lists(st.sampled_from(turns.tolist()), min_size=1, max_size=8)))
    return np.concatenate([some, some * (1 + CLOSE), some * (1 - CLOSE), 3 * some])[np.newaxis]


@ROUNDING
@given(data=st.data(), elem=int_types(7))
def test_float64_and_fractions_agree(rounding: str, data: st.DataObject, elem: Int) -> None:
    format_ = data.draw(formats_of(elem))
    op = QuantiseFloat(ONE, format_, rounding)
    x = data.draw(near_numbers(format_))
    assert_same(op.evaluate(x), op.evaluate(exactly(x.tolist())))


@ROUNDING
def test_rounds_as_the_name_says(rounding: str) -> None:
    """Between two neighbours it is a step of the mantissa that is rounded."""
    op = QuantiseFloat(ONE, E4M3, rounding)
    for x in (Fraction(17, 16), Fraction(-17, 16), Fraction(35, 32), Fraction(-33, 16)):
        step = Fraction(1, 8) if abs(x) < 2 else Fraction(1, 4)
        wanted = Fraction(float(ROUNDINGS[rounding](np.array(float(x / step))))) * step
        (rank,) = op.evaluate(exactly([x]))
        assert Fraction(float(E4M3.decode(E4M3.codes_of(np.array([rank])))[0])) == wanted


FORMATS = {
    "e4m3": (E4M3, 448.0),
    "e5m2": (CustomFloat(5, 2, 15, subnormals=True, largest=0x7B), 57344.0),
    "e3m2": (CustomFloat(3, 2, 3, full=True, subnormals=True), 28.0),
    "e2m3": (CustomFloat(2, 3, 1, full=True, subnormals=True), 7.5),
    "e2m1": (E2M1, 6.0),
    "e3m0": (CustomFloat(3, 0, 3, full=True, subnormals=True), 16.0),
    "e1m2": (CustomFloat(1, 2, 1, full=True, subnormals=True), 1.75),
    "e4m3b20": (CustomFloat(4, 3, 20, full=True, subnormals=True), 0.05859375),
    "e2m6b-3": (CustomFloat(2, 6, -3, full=True, subnormals=True), 127.0),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rounding", ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP"])
@pytest.mark.parametrize("scale", [1.0, 0.0123])
def test_float32_as_the_executor(name: str, rounding: str, scale: float) -> None:
    """Powers of two are what float32's logarithm misjudges; the float next to them, above all."""
    format_, largest = FORMATS[name]
    rng = np.random.default_rng(7)
    turns = np.concatenate([format_.turns("ROUND"), format_.turns("DOWN")])
    exponents = rng.integers(-140, 100, 3000)
    x = np.concatenate([turns, np.ldexp(1.0, exponents), rng.normal(0, largest / 3, 3000), [0]])
    x = (x.astype(np.float32) * np.float32(scale)).astype(np.float32)
    x = np.concatenate([x, np.nextafter(x, np.float32(0)), np.nextafter(x, np.float32(np.inf)), -x])
    widths = np.array([format_.e_bits, format_.m_bits, format_.bias], dtype=np.float32)
    with np.errstate(all="ignore"):
        theirs = float_quant(
            x, np.float32(scale), *widths, max_val=np.float32(largest), rounding_mode=rounding
        )
    op = QuantiseFloat(Const(np.float32(scale)), format_, rounding)
    codes = format_.codes_of(op.evaluate(x))
    numbers = format_.decode(codes).astype(np.float32)
    np.testing.assert_array_equal(numbers * np.float32(scale), theirs.astype(np.float32))


@pytest.mark.parametrize("format_", [E4M3, PAPER, E2M1, CustomFloat(3, 4, 9)], ids=str)
@ROUNDING
def test_turns_are_where_results_change(format_: CustomFloat, rounding: str) -> None:
    op = QuantiseFloat(ONE, format_, rounding)
    turns = format_.turns(rounding)
    middles = (turns[1:] + turns[:-1]) / 2
    margin = CLOSE * (turns[1:] - turns[:-1])
    inside = np.stack([turns[:-1] + margin, middles, turns[1:] - margin])
    ranks = op.evaluate(inside)
    np.testing.assert_array_equal(ranks, np.broadcast_to(ranks[1], ranks.shape))
    # Ties of the rounding to even may be rounded to either side, but beside one there is a change.
    if rounding in HALVES:
        assert np.all(np.diff(ranks[1]) >= 1)
    x = np.array([turns[0], middles[0], 9 * turns[-1]])
    distances = [0, (turns[1] - turns[0]) / 2, 8 * turns[-1]]
    np.testing.assert_allclose(op.to_turn(x), distances)


@pytest.mark.parametrize("rounding", ["DOWN", "ROUND"])
def test_what_is_no_number_saturates(rounding: str) -> None:
    op = QuantiseFloat(ONE, PAPER, rounding)
    x = np.array([[np.inf, -np.inf, np.nan, -np.nan]], dtype=np.float32)
    assert_same(op.evaluate(x), [[5, -5, 5, -5]])


@pytest.mark.parametrize(
    ("op", "operand", "message"),
    [
        (
            QuantiseFloat(ONE, E2M1, "ROUND"),
            tensor(UInt(4), 2),
            "quantise_float needs a real operand, found uint4[2]",
        ),
        (
            QuantiseFloat(const([1, 2, 3], np.float32), E2M1, "ROUND"),
            tensor(Real(), 2),
            "a scale of shape [3] does not fit real[2]",
        ),
        (
            QuantiseFloat(ONE, E2M1, "EVEN"),
            tensor(Real(), 2),
            "there is no rounding mode EVEN",
        ),
    ],
)
def test_rejects(op: QuantiseFloat, operand: TensorType, message: str) -> None:
    assert rejection(op, operand) == f"I001: {message}"
