"""Pack and unpack: every bit of a word is used, and nothing is lost."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Int, IntType, Op, Real, TensorType, UInt, int_type
from bitmason.ir.ops.words import Pack, Unpack
from tests.ir.elements import int_types, shapes, values_of
from tests.ir.ops.checks import assert_same, rejection, tensor


def test_by_hand() -> None:
    """Three elements of 3 bits, the first in the lowest bits, in one word of two bytes."""
    op = Pack(Int(3), 2)
    x = np.array([[1, -1, 2], [-4, 3, -2]], dtype=np.int8)
    packed = [[0b10111001, 0], [0b10011100, 1]]
    assert op.infer([tensor(Int(3), 3)]) == tensor(UInt(8), 2)
    assert_same(op.evaluate(x), packed)
    back = Unpack(Int(3), (3,), 2)
    assert back.infer([tensor(UInt(8), 2)]) == tensor(Int(3), 3)
    assert_same(back.evaluate(np.array(packed)), x)


def test_bits_of_signs() -> None:
    x = np.array([[1, -1, 1, 1, -1, -1, -1, 1, 1]])
    assert_same(Pack(Bipolar(), 1).evaluate(x), [[0b10001101, 1]])
    assert_same(Unpack(Bipolar(), (9,), 1).evaluate(np.array([[0b10001101, 1]])), x)


@given(st.data(), int_types(20), shapes, st.integers(1, 9))
def test_unpack_undoes_pack(
    data: st.DataObject, elem: IntType, shape: tuple[int, ...], word: int
) -> None:
    x = data.draw(values_of(elem, 2 * prod(shape))).reshape(2, *shape)
    pack, unpack = Pack(elem, word), Unpack(elem, shape, word)
    packed = pack.evaluate(x)
    type_ = pack.infer([TensorType(shape, elem)])
    assert type_ == tensor(UInt(8), *packed.shape[1:])
    assert type_.size % word == 0
    assert 0 <= 8 * type_.size - elem.bits * prod(shape) < 8 * word
    assert packed.min(initial=0) >= 0
    assert packed.max(initial=0) < 256
    assert unpack.infer([type_]) == TensorType(shape, elem)
    assert_same(unpack.evaluate(packed), x)


def test_narrow_elements_in_wide_places() -> None:
    op = Pack(Int(8), 4)
    assert op.infer([tensor(int_type(-3, 5), 2, 3)]) == tensor(UInt(8), 8)
    assert_same(op.evaluate(np.array([[-3, 5]])), [[253, 5, 0, 0]])


@pytest.mark.parametrize(
    ("op", "operand", "message"),
    [
        (Pack(UInt(4), 0), tensor(UInt(4), 2), "and uint4, found uint4[2]"),
        (Pack(UInt(4), 1), tensor(Int(4), 2), "and uint4, found int4[2]"),
        (Pack(UInt(4), 1), tensor(Real(), 2), "and uint4, found real[2]"),
        (Pack(Int(4), 1), tensor(Bipolar(), 2), "and int4, found bipolar[2]"),
        (Unpack(UInt(4), (2,), 0), tensor(UInt(8), 1), "and elements to make"),
        (Unpack(UInt(4), (0,), 1), tensor(UInt(8), 1), "and elements to make"),
    ],
)
def test_rejects(op: Op, operand: TensorType, message: str) -> None:
    assert rejection(op, operand) == f"I001: {op.name} needs words of a byte or more, {message}"


def test_words_of_other_frames() -> None:
    message = "I001: unpack makes uint4[2] of uint8[2], found"
    assert rejection(Unpack(UInt(4), (2,), 2), tensor(UInt(8), 1)) == f"{message} uint8[1]"
    assert rejection(Unpack(UInt(4), (2,), 2), tensor(Int(8), 2)) == f"{message} int8[2]"
