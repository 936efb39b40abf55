"""Reduced precision: planes are cleared as in two's complement; result types cover all of it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.planes import clear_planes
from bitmason.ir.types import IntArray
from tests.ir.elements import int_types, matrices
from tests.ir.ops.checks import assert_same, const, rejection, tensor


@given(st.data(), int_types(12), st.integers(0, 12))
def test_clears_the_lowest_bits_of_the_code(
    data: st.DataObject, elem: IntType, planes: int
) -> None:
    planes = min(planes, elem.bits)
    x = data.draw(matrices(elem, 2, 5))
    wide = Int(elem.bits + 1)
    codes = wide.encode(x) & ~np.int64(2**planes - 1)
    assert_same(clear_planes(x, planes), wide.decode(codes))


def test_keeps_the_element_type_of_an_array() -> None:
    cleared = clear_planes(np.array([-1, 7], dtype=np.int8), 2)
    assert_same(cleared, [-4, 4], np.int8)


def test_a_product_of_fewer_planes_by_hand() -> None:
    weights = const([[3, -3], [1, -4]])
    x = np.array([[5, 2]])
    assert_same(Dense(weights, Int(3), cleared=(0, 0)).evaluate(x), [[9, -3]])
    assert_same(Dense(weights, Int(3), cleared=(1, 0)).evaluate(x), [[2 * 5 - 4 * 2, -8]])
    assert_same(Dense(weights, Int(3), cleared=(0, 1)).evaluate(x), [[3 * 4 - 3 * 2, 4 - 8]])
    assert_same(Dense(weights, Int(3), cleared=(2, 2)).evaluate(x), [[-4 * 0, 0]])


def _planes(op: Dense | Depthwise, elem: IntType) -> list[tuple[int, int]]:
    return list(product(range(op.stored.bits), range(elem.bits)))


def _naive(x: IntArray, weights: IntArray, cleared: tuple[int, int]) -> list[list[int]]:
    """Multiply floors with Python's integers."""
    floors = [[value // 2 ** cleared[1] * 2 ** cleared[1] for value in frame] for frame in x]
    kept = [[value // 2 ** cleared[0] * 2 ** cleared[0] for value in row] for row in weights]
    return [[int(sum(a * b for a, b in zip(f, row, strict=True))) for row in kept] for f in floors]


@given(st.data(), int_types(5), int_types(4), st.integers(1, 3), st.integers(1, 4))
def test_a_dense_type_covers_every_precision(
    data: st.DataObject, elem: IntType, weight: IntType, rows: int, columns: int
) -> None:
    weights = data.draw(matrices(weight, rows, columns))
    x = data.draw(matrices(elem, 3, columns))
    full = Dense(Const.integers(weights), weight, cleared=(0, 0))
    result = full.infer([tensor(elem, columns)])
    for cleared in _planes(full, elem):
        op = Dense(Const.integers(weights), weight, cleared=cleared)
        assert op.infer([tensor(elem, columns)]) == result
        y = op.evaluate(x)
        assert_same(y, _naive(x, weights, cleared))
        assert result.int_elem.lo <= y.min()
        assert y.max() <= result.int_elem.hi


@given(st.data(), int_types(4), int_types(4), st.integers(1, 3), st.integers(1, 3))
def test_a_depthwise_type_covers_every_precision(
    data: st.DataObject, elem: IntType, weight: IntType, channels: int, taps: int
) -> None:
    weights = data.draw(matrices(weight, channels, taps))
    x = data.draw(matrices(elem, 3, channels * taps))
    full = Depthwise(Const.integers(weights), weight, 1, cleared=(0, 0))
    result = full.infer([tensor(elem, channels * taps)])
    for cleared in _planes(full, elem):
        op = Depthwise(Const.integers(weights), weight, 1, cleared=cleared)
        assert op.infer([tensor(elem, channels * taps)]) == result
        y = op.evaluate(x)
        by_channel = x.reshape(3, channels, taps)
        wanted = [
            [_naive(frame[c : c + 1], weights[c : c + 1], cleared)[0][0] for c in range(channels)]
            for frame in by_channel
        ]
        assert_same(y, wanted)
        assert result.int_elem.lo <= y.min()
        assert y.max() <= result.int_elem.hi


def test_a_fixed_product_is_no_wider_than_it_has_to_be() -> None:
    weights = const([[1, -1]])
    fixed = Dense(weights, Int(4)).infer([tensor(UInt(2), 2)])
    assert fixed == tensor(Int(3, -3, 3), 1)
    assert Dense(const([[1, -2]]), Int(4), cleared=(0, 0)).infer([tensor(UInt(2), 2)]) == tensor(
        Int(4, -6, 3), 1
    )


@pytest.mark.parametrize("cleared", [(1,), (0, 4), (3, 0), (-1, 0), (0, 0, 0)])
def test_refuses_to_clear_what_is_not_there(cleared: tuple[int, ...]) -> None:
    found = rejection(Dense(const([[3, -4]]), Int(3), cleared=cleared), tensor(UInt(4), 2))
    assert found == (
        f"I001: dense cannot clear {cleared} of the (3, 4) planes of weights and operand"
    )


def test_bipolar_weights_have_one_plane() -> None:
    op = Dense(const([[1, -1]]), Bipolar(), cleared=(0, 2))
    assert_same(op.evaluate(np.array([[7, 1]])), [[4]])
    assert rejection(Dense(const([[1, -1]]), Bipolar(), cleared=(1, 0)), tensor(UInt(3), 2))
