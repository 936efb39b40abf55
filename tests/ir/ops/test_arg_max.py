"""ArgMax: the first of the largest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Int, IntType, Real, UInt
from bitmason.ir.ops.arg_max import ArgMax
from tests.ir.elements import int_types, matrices
from tests.ir.ops.checks import assert_same, exactly, rejection, tensor


def test_the_lowest_index_wins_a_tie() -> None:
    x = np.array([[3, 5, 5, 1], [0, 0, 0, 0], [-1, -2, -1, -9], [1, 2, 3, 4]])
    assert_same(ArgMax().evaluate(x), [[1], [0], [0], [3]])


@given(st.data(), int_types(62), st.integers(1, 9))
def test_equals_the_definition(data: st.DataObject, elem: IntType, channels: int) -> None:
    x = data.draw(matrices(elem, 4, channels))
    assert_same(ArgMax().evaluate(x), [[row.index(max(row))] for row in x.tolist()])


def test_is_exact_where_float64_is_not() -> None:
    assert_same(ArgMax().evaluate(np.array([[2**53, 2**53 + 1]])), [[1]])


def test_narrow_arrays_do_not_wrap() -> None:
    assert_same(ArgMax().evaluate(np.array([[-128, -127, -128]], dtype=np.int8)), [[1]])


def test_works_on_reals_and_fractions() -> None:
    assert_same(ArgMax().evaluate(np.array([[0.5, 0.5, 0.25]], dtype=np.float32)), [[0]])
    assert_same(ArgMax().evaluate(exactly([["1/3", "1/2", "1/2"]])), [[1]])


@pytest.mark.parametrize(
    ("shape", "result", "elem"),
    [((1,), (1,), UInt(1, 0)), ((10,), (1,), UInt(4, 9)), ((3, 16), (3, 1), UInt(4))],
)
def test_infers_an_index(shape: tuple[int, ...], result: tuple[int, ...], elem: UInt) -> None:
    assert ArgMax().infer([tensor(Int(8), *shape)]) == tensor(elem, *result)
    assert ArgMax().infer([tensor(Real(), *shape)]) == tensor(elem, *result)
    assert ArgMax().evaluate(np.zeros((2, *shape), np.int64)).shape == (2, *result)


@pytest.mark.parametrize("shape", [(), (0,)])
def test_rejects(shape: tuple[int, ...]) -> None:
    x = tensor(UInt(2), *shape)
    assert rejection(ArgMax(), x) == f"I001: arg_max needs a channel, found {x}"
