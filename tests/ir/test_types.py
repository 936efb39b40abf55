"""Integer types: ranges, codes in hardware, text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Int, IntType, Real, TensorType, UInt, int_type
from bitmason.ir.types import MAX_BITS, compact, contains, parse_elem
from tests.ir.elements import int_types, values_of


@given(int_types(), st.data())
def test_decode_undoes_encode(elem: IntType, data: st.DataObject) -> None:
    values = data.draw(values_of(elem, 6))
    codes = elem.encode(values)
    assert np.all(codes >= 0)
    assert all(int(code) < 2**elem.bits for code in codes)
    np.testing.assert_array_equal(elem.decode(codes), values)


@pytest.mark.parametrize("bits", [1, 2, 3, 5])
@pytest.mark.parametrize("make", [UInt, Int])
def test_every_code_of_a_full_type_is_one_value(make: type[UInt | Int], bits: int) -> None:
    elem = make(bits)
    codes = np.arange(2**bits)
    values = elem.decode(codes)
    assert sorted(values.tolist()) == list(range(elem.lo, elem.hi + 1))
    np.testing.assert_array_equal(elem.encode(values), codes)


def test_codes_are_twos_complement() -> None:
    values = np.array([0, 1, 7, -1, -8])
    assert Int(4).encode(values).tolist() == [0, 1, 7, 15, 8]


def test_bipolar_is_coded_as_one_bit() -> None:
    assert Bipolar().encode(np.array([-1, 1])).tolist() == [0, 1]
    assert Bipolar().decode(np.array([0, 1])).tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("elem", "lo", "hi"),
    [
        (UInt(1), 0, 1),
        (UInt(8), 0, 255),
        (UInt(8, 200), 0, 200),
        (UInt(1, 0), 0, 0),
        (UInt(62), 0, 2**62 - 1),
        (Int(1), -1, 0),
        (Int(8), -128, 127),
        (Int(8, -127), -127, 127),
        (Int(8, upper=5), -128, 5),
        (Int(8, -100, -3), -100, -3),
        (Int(62), -(2**61), 2**61 - 1),
        (Bipolar(), -1, 1),
    ],
)
def test_bounds(elem: IntType, lo: int, hi: int) -> None:
    assert (elem.lo, elem.hi) == (lo, hi)


@pytest.mark.parametrize(("tight", "full"), [(UInt(3, 7), UInt(3)), (Int(3, -4, 3), Int(3))])
def test_a_range_that_the_width_implies_is_no_range(tight: IntType, full: IntType) -> None:
    assert tight == full
    assert hash(tight) == hash(full)
    assert str(tight) == str(full)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (UInt, (0,)),
        (UInt, (MAX_BITS + 1,)),
        (UInt, (4, 16)),
        (UInt, (4, -1)),
        (Int, (0,)),
        (Int, (MAX_BITS + 1,)),
        (Int, (4, -9)),
        (Int, (4, None, 8)),
        (Int, (4, 3, 2)),
    ],
)
def test_impossible_types_are_refused(
    make: type[UInt | Int], arguments: tuple[int | None, ...]
) -> None:
    with pytest.raises(AssertionError):
        make(*arguments)  # type: ignore[arg-type]


@given(st.integers(-(2**61), 2**61 - 1), st.integers(-(2**61), 2**61 - 1))
def test_int_type_is_the_narrowest(a: int, b: int) -> None:
    lo, hi = min(a, b), max(a, b)
    elem = int_type(lo, hi)
    assert isinstance(elem, UInt) == (lo >= 0)
    assert elem.hi == hi
    assert elem.lo == min(lo, 0) if lo >= 0 else lo
    narrower = elem.bits - 1
    if lo >= 0:
        assert narrower == 0 or hi >= 2**narrower
    elif narrower > 1:  # a signed type has two bits at least
        assert lo < -(2 ** (narrower - 1)) or hi >= 2 ** (narrower - 1)


@pytest.mark.parametrize(
    ("lo", "hi", "text"),
    [
        (0, 0, "uint1<0..0>"),
        (0, 1, "uint1"),
        (3, 3, "uint2"),
        (3, 4, "uint3<0..4>"),
        (-1, 0, "int2<-1..0>"),
        (-1, -1, "int2<-1..-1>"),
        (-1, 1, "int2<-1..1>"),
        (-8, 7, "int4"),
        (-9, 0, "int5<-9..0>"),
        (-1, 8, "int5<-1..8>"),
    ],
)
def test_int_type_by_hand(lo: int, hi: int, text: str) -> None:
    assert str(int_type(lo, hi)) == text


@given(int_types() | st.just(Real()))
def test_text_is_parsed_back(elem: IntType | Real) -> None:
    assert parse_elem(str(elem)) == elem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int",
        "int0",
        "uint63",
        "int4 ",
        "int4\n",
        "bipolar\n",
        "real\n",
        "sint4",
        "int-4",
        "int4<1>",
        "int4<5..2>",
        "int4<-9..2>",
        "int4<0..8>",
        "uint4<3..7>",
        "uint4<-1..7>",
        "uint4<0..16>",
        "int\uff14",
        "uint" + "9" * 5000,
        "int4<0.." + "1" * 5000 + ">",
    ],
)
def test_other_texts_name_no_type(text: str) -> None:
    assert parse_elem(text) is None


@given(int_types(8), st.lists(st.integers(-300, 300), max_size=5))
def test_contains_is_membership(elem: IntType, values: list[int]) -> None:
    members = {-1, 1} if isinstance(elem, Bipolar) else set(range(elem.lo, elem.hi + 1))
    assert contains(elem, np.array(values, dtype=np.int64)) == (set(values) <= members)


@pytest.mark.parametrize(
    ("elem", "dtype"),
    [
        (Bipolar(), np.int8),
        (Int(8), np.int8),
        (UInt(8), np.int16),
        (UInt(15), np.int16),
        (UInt(16, 32768), np.int64),
        (Int(17, -32768, 32767), np.int16),
        (Int(17), np.int64),
        (UInt(62), np.int64),
    ],
)
def test_compact_takes_the_narrowest_array(elem: IntType, dtype: type[np.int8]) -> None:
    ends = np.array([elem.lo, elem.hi], dtype=np.int64)
    got = compact(elem, ends)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, ends)


@given(int_types(), st.data())
def test_codes_of_narrow_arrays_are_those_of_wide_ones(elem: IntType, data: st.DataObject) -> None:
    values = data.draw(values_of(elem, 6))
    np.testing.assert_array_equal(elem.encode(compact(elem, values)), elem.encode(values))
    assert contains(elem, compact(elem, values))


def test_tensor_type() -> None:
    type_ = TensorType((2, 3), UInt(4))
    assert str(type_) == "uint4[2, 3]"
    assert type_.size == 6
    assert type_.int_elem == UInt(4)
    assert TensorType((), Real()).size == 1
    with pytest.raises(AssertionError):
        _ = TensorType((1,), Real()).int_elem
