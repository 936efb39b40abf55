"""Constants: immutable, compared by content, the same bits after a trip through text."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bitmason.ir import Const
from bitmason.ir.constant import exact, in_domain_of
from bitmason.ir.types import Array

DTYPES = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.bool_, np.float32, np.float64)
_TEXT = re.compile(r'(\w+)\[([\d, ]*)\](\(.*\)|".*")')

arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    )
)


def parse(text: str) -> Const | None:
    match = _TEXT.fullmatch(text)
    assert match is not None, text
    kind, dims, body = match.groups()
    return Const.from_text(kind, tuple(int(d) for d in dims.split(",") if d), body)


@given(arrays)
def test_text_is_parsed_back_bit_for_bit(array: Array) -> None:
    const = Const(array)
    again = parse(const.text())
    assert again is not None
    assert again.shape == array.shape
    assert again.array.dtype == array.dtype
    if not np.any(np.isnan(array)):  # a NaN has many bit patterns and one text
        assert again == const


@pytest.mark.parametrize("value", [-0.0, 5e-324, 1.7976931348623157e308, np.inf, -np.inf, 0.1])
def test_awkward_floats_survive_text(value: float) -> None:
    for size in (1, 20):
        const = Const(np.full(size, value))
        assert parse(const.text()) == const


def test_few_elements_are_readable() -> None:
    assert Const(np.array([[1, -2]], dtype=np.int8)).text() == "i8[1, 2](1, -2)"
    assert Const(np.array(0.5, dtype=np.float32)).text() == "f32[](0.5)"
    assert Const(np.array([True, False])).text() == "bool[2](True, False)"
    assert Const(np.arange(9)).text().startswith('i64[9]"')


@given(arrays)
def test_equal_content_is_equal_and_hashes_alike(array: Array) -> None:
    a, b = Const(array), Const(np.array(array, order="F"))
    assert a == b
    assert hash(a) == hash(b)


def test_shape_kind_and_bits_all_count() -> None:
    base = Const(np.zeros((2, 3), np.int8))
    assert base != Const(np.zeros((3, 2), np.int8))
    assert base != Const(np.zeros((2, 3), np.uint8))
    assert base != Const(np.eye(2, 3, dtype=np.int8))
    assert base != "i8[2, 3]"
    assert Const(np.array(0.0)) != Const(np.array(-0.0))


def test_is_a_copy_that_cannot_be_written() -> None:
    source = np.array([1, 2, 3])
    const = Const(source)
    source[0] = 9
    assert const.array.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        const.array[0] = 9


@pytest.mark.parametrize("bad", [np.array([1 + 2j]), np.array(["a"]), np.array([None])])
def test_refuses_arrays_that_have_no_text(bad: Array) -> None:
    with pytest.raises(AssertionError):
        Const(bad)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([], np.int8),
        ([-128, 127], np.int8),
        ([128], np.int16),
        ([-129], np.int16),
        ([2**15], np.int32),
        ([-(2**31) - 1], np.int64),
        ([2**62], np.int64),
    ],
)
def test_integers_takes_the_narrowest_kind(values: list[int], dtype: type[np.int64]) -> None:
    const = Const.integers(np.array(values, dtype=np.int64))
    assert const.array.dtype == dtype
    assert const.int64().tolist() == values
    assert const.int64().dtype == np.int64


@pytest.mark.parametrize(
    ("kind", "shape", "body"),
    [
        ("i7", (1,), "(1)"),
        ("i8", (2,), "(1)"),
        ("i8", (1,), "(1, 2)"),
        ("i8", (2**32, 2**32), "()"),
    ],
)
def test_parts_that_do_not_fit_are_refused(kind: str, shape: tuple[int, ...], body: str) -> None:
    assert Const.from_text(kind, shape, body) is None


def test_a_bomb_is_not_unpacked() -> None:
    text = Const(np.zeros(2**22, np.int8)).text()
    body = text[text.index('"') :]
    assert Const.from_text("i8", (9,), body) is None


def test_fractions_meet_fractions_and_floats_keep_their_width() -> None:
    constant = np.array([0.1], dtype=np.float32)
    assert in_domain_of(constant, np.zeros(1, np.float32)).dtype == np.float32
    assert in_domain_of(constant, np.zeros(1, np.float64)).dtype == np.float32
    fractions = in_domain_of(constant, exact(np.zeros(1)))
    assert fractions[0] == fractions[0].numerator / 2**27
    assert float(fractions[0]) == float(np.float32(0.1))


@given(hnp.arrays(np.float64, 3, elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_exact_loses_nothing(array: Array) -> None:
    np.testing.assert_array_equal(exact(array).astype(np.float64), array)
