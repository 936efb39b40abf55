"""Lookup: the table's entry, per channel or shared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Real, UInt
from bitmason.ir.ops.lookup import Lookup
from tests.ir.elements import int_types, matrices
from tests.ir.ops.checks import assert_same, const, rejection, tensor


def test_by_hand() -> None:
    op = Lookup(const([[10, 20, 30, 40]]), -2, UInt(6))
    assert op.infer([tensor(Int(2), 3)]) == tensor(UInt(6), 3)
    assert_same(op.evaluate(np.array([[-2, 0, 1]])), [[10, 30, 40]])


def test_one_row_per_channel() -> None:
    op = Lookup(const([[1, 2], [3, 4]]), 0, UInt(3))
    x = np.array([[[0, 0], [1, 1]], [[0, 1], [1, 0]]])
    assert_same(op.evaluate(x), [[[1, 3], [2, 4]], [[1, 4], [2, 3]]])


@given(st.data(), int_types(5), int_types(8), st.booleans())
def test_equals_the_definition(
    data: st.DataObject, elem: IntType, out: IntType, shared: bool
) -> None:
    channels = data.draw(st.integers(1, 3))
    columns = elem.hi - elem.lo + 1
    table = data.draw(matrices(out, 1 if shared else channels, columns))
    op = Lookup(Const.integers(table), elem.lo, out)
    assert op.infer([tensor(elem, channels)]) == tensor(out, channels)
    x = data.draw(matrices(elem, 4, channels))
    rows = [0 if shared else c for c in range(channels)]
    wanted = [
        [int(table[r, v - elem.lo]) for r, v in zip(rows, f, strict=True)] for f in x.tolist()
    ]
    assert_same(op.evaluate(x), wanted)


def test_narrow_arrays_do_not_wrap() -> None:
    op = Lookup(const([list(range(256))], np.int16), -128, UInt(8))
    assert_same(op.evaluate(np.array([[-128, -1, 0, 127]], dtype=np.int8)), [[0, 127, 128, 255]])


def test_bipolar_operand_and_result() -> None:
    op = Lookup(const([[1, -1, -1]]), -1, Bipolar())
    assert op.infer([tensor(Bipolar(), 2)]) == tensor(Bipolar(), 2)
    assert_same(op.evaluate(np.array([[-1, 1]])), [[1, -1]])


@pytest.mark.parametrize(
    ("op", "elem", "shape", "message"),
    [
        (
            Lookup(const([[0, 1]]), 0, UInt(1)),
            Real(),
            (2,),
            "I001: lookup has 1 rows, its operand is real[2]",
        ),
        (
            Lookup(const([[0, 1]] * 3), 0, UInt(1)),
            UInt(1),
            (2,),
            "I001: lookup has 3 rows, its operand is uint1[2]",
        ),
        (
            Lookup(const([[0, 1]]), 0, UInt(1)),
            UInt(1),
            (),
            "I001: lookup has 1 rows, its operand is uint1[]",
        ),
        (
            Lookup(const([[0, 1]]), 0, UInt(1)),
            UInt(2),
            (2,),
            "I001: lookup covers 0..1, its operand is uint2[2]",
        ),
        (
            Lookup(const([[0, 1]]), 0, UInt(1)),
            Int(1),
            (2,),
            "I001: lookup covers 0..1, its operand is int1[2]",
        ),
        (
            Lookup(const([[0, 2]]), 0, UInt(1)),
            UInt(1),
            (2,),
            "I001: lookup holds values outside uint1",
        ),
        (
            Lookup(const([[1, 0]]), 0, Bipolar()),
            UInt(1),
            (2,),
            "I001: lookup holds values outside bipolar",
        ),
        (
            Lookup(const([0, 1]), 0, UInt(1)),
            UInt(1),
            (2,),
            "I001: lookup needs a matrix of integers, found i8[2]",
        ),
    ],
)
def test_rejects(op: Lookup, elem: IntType | Real, shape: tuple[int, ...], message: str) -> None:
    assert rejection(op, tensor(elem, *shape)) == message
