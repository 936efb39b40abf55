"""Expand: the numbers that ranks stand for, in whole steps."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Int, IntType, Real, UInt, int_type
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.ops.expand import Expand
from tests.ir.elements import matrices, signed, unsigned
from tests.ir.ops.checks import assert_same, rejection, tensor
from tests.ir.strategies import formats_of

SMALL = CustomFloat(2, 1, 1, full=True)
SUBNORMAL = CustomFloat(2, 1, 1, full=True, subnormals=True)


def test_by_hand() -> None:
    """With a mantissa bit: 1, 1.5, 2, 3, 4 and 6, in halves of the smallest."""
    ranks = np.array([[0, 1, 2, 3, 4, 5, 6, 7, -7, -3, -1]], dtype=np.int8)
    numbers = [0, 0, 2, 3, 4, 6, 8, 12, -12, -3, 0]
    assert_same(Expand(SMALL).evaluate(ranks), [numbers])
    numbers[1], numbers[-1] = 1, -1
    assert_same(Expand(SUBNORMAL).evaluate(ranks), [numbers])


def test_only_a_sign_without_mantissa() -> None:
    op = Expand(CustomFloat(2, 0, 5, full=True))
    assert op.infer([tensor(Int(3, -3, 3), 7)]) == tensor(Int(4, -4, 4), 7)
    assert_same(op.evaluate(np.arange(-3, 4)[np.newaxis]), [[-4, -2, -1, 0, 1, 2, 4]])


def test_the_type_of_what_really_arrives() -> None:
    op = Expand(CustomFloat(4, 3, 7, subnormals=True, largest=126))
    top = 14 << 14
    assert op.infer([tensor(Int(8, -126, 126), 2, 3)]) == tensor(int_type(-top, top), 2, 3)
    assert op.infer([tensor(UInt(7, 126), 2)]) == tensor(int_type(0, top), 2)
    assert op.infer([tensor(int_type(-9, 30), 2)]) == tensor(int_type(-9, 14 << 2), 2)
    assert op.infer([tensor(Int(2, -1, 1), 2)]) == tensor(Int(2, -1, 1), 2)


@given(st.data(), signed(9) | unsigned(9))
def test_equals_the_definition(data: st.DataObject, elem: IntType) -> None:
    format_ = data.draw(formats_of(elem))
    x = data.draw(matrices(elem, 3, 4))
    op = Expand(format_)
    wanted = [[_number(format_, rank) / format_.unit for rank in row] for row in x.tolist()]
    assert all(number.denominator == 1 for row in wanted for number in row)
    assert_same(op.evaluate(x), [[int(number) for number in row] for row in wanted])
    found = op.infer([tensor(elem, 4)]).int_elem
    ends = [int(_number(format_, rank) / format_.unit) for rank in (elem.lo, elem.hi)]
    assert (found.lo, found.hi) == (min(ends[0], 0) if ends[0] > 0 else ends[0], ends[1])


def _number(format_: CustomFloat, rank: int) -> Fraction:
    """Return what a rank stands for, by the formula of the format."""
    exponent, mantissa = divmod(abs(rank), 2**format_.m_bits)
    part = Fraction(mantissa, 2**format_.m_bits)
    if exponent:
        part += 1
    elif not format_.subnormals:
        part = Fraction(0)
    power = Fraction(2) ** (max(exponent, 1) - format_.bias)
    return Fraction(part * power * (-1 if rank < 0 else 1))


def test_wide_results_of_narrow_arrays() -> None:
    op = Expand(CustomFloat(5, 2, 15, full=True))
    assert_same(op.evaluate(np.array([[127, -127]], dtype=np.int8)), [[7 << 30, -(7 << 30)]])


@pytest.mark.parametrize(
    ("op", "elem", "message"),
    [
        (Expand(SMALL), Real(), "expand needs ranks of float<e2m1b1, to 7>, found real[2]"),
        (Expand(SMALL), Int(4), "expand needs ranks of float<e2m1b1, to 7>, found int4[2]"),
        (Expand(SMALL), Bipolar(), "expand needs ranks of float<e2m1b1, to 7>, found bipolar[2]"),
        (Expand(SMALL), UInt(4), "expand needs ranks of float<e2m1b1, to 7>, found uint4[2]"),
        (
            Expand(CustomFloat(6, 0, 0)),
            UInt(1),
            "expand makes at most 62 bits, float<e6m0b0> has 64",
        ),
        (
            Expand(CustomFloat(8, 23, 0)),
            UInt(1),
            "expand makes at most 62 bits, float<e8m23b0> has 279",
        ),
    ],
)  # fmt: skip
def test_rejects(op: Expand, elem: IntType | Real, message: str) -> None:
    assert rejection(op, tensor(elem, 2)) == f"I001: {message}"
