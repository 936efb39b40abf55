"""Dense: an exact integer product, whichever arithmetic computes it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Real, UInt
from bitmason.ir.ops.dense import MAX_ACCUMULATOR_BITS, Dense
from bitmason.ir.types import IntArray
from tests.ir.elements import int_types, matrices
from tests.ir.ops.checks import assert_same, const, rejection, tensor

_LIMITS = (2**24, 2**53)


def naive(x: IntArray, weights: IntArray) -> list[list[int]]:
    """Multiply with Python's integers."""
    return [
        [sum(a * b for a, b in zip(frame, row, strict=True)) for row in weights.tolist()]
        for frame in x.tolist()
    ]


def dense(weights: list[list[int]]) -> Dense:
    return Dense(Const.integers(np.array(weights, dtype=np.int64)), Int(62))


def test_by_hand() -> None:
    op = Dense(const([[1, 2, 3], [-1, 0, 1]]), Int(3))
    assert_same(op.evaluate(np.array([[1, 1, 1], [4, 5, 6]])), [[6, 0], [32, 2]])


@given(st.data(), int_types(24), int_types(24), st.integers(1, 4), st.integers(1, 12))
def test_equals_pythons_integers(
    data: st.DataObject, elem: IntType, weight: IntType, rows: int, columns: int
) -> None:
    weights = data.draw(matrices(weight, rows, columns))
    x = data.draw(matrices(elem, 3, columns))
    assert_same(Dense(Const.integers(weights), weight).evaluate(x), naive(x, weights))


@pytest.mark.parametrize("limit", _LIMITS)
@pytest.mark.parametrize("past", [-2, -1, 0, 1, 2])
def test_is_exact_on_both_sides_of_a_floats_limit(limit: int, past: int) -> None:
    half = limit // 2 + past
    weights, x = np.array([[half, half, 1]]), np.array([[1, 1, 1], [1, -1, 1], [-1, -1, -1]])
    assert_same(dense(weights.tolist()).evaluate(x), naive(x, weights))


@pytest.mark.parametrize("limit", _LIMITS)
@given(data=st.data())
def test_is_exact_where_only_a_partial_sum_is_large(limit: int, data: st.DataObject) -> None:
    near = st.integers(limit - 3, limit + 3)
    big = data.draw(st.lists(near, min_size=1, max_size=4))
    row = [*big, 1, *(-b for b in big), 3]
    weights = np.array([row])
    x = np.ones((2, len(row)), dtype=np.int64)
    assert_same(dense(weights.tolist()).evaluate(x), [[4], [4]])


@pytest.mark.parametrize("limit", _LIMITS)
def test_the_matrix_of_one_batch_is_not_too_narrow_for_the_next(limit: int) -> None:
    op = dense([[limit - 1, 0], [1, 1]])
    for largest in (0, 1, 2, 3, 300, 1):
        x = np.array([[largest, 1], [-largest, -1]])
        assert_same(op.evaluate(x), naive(x, op.weights.int64()))


@pytest.mark.parametrize("limit", _LIMITS)
def test_only_negative_operands_may_be_large(limit: int) -> None:
    x = np.array([[1 - limit, -1, 1]])
    op = dense([[3, 1, 1], [5, 0, 1]])
    assert_same(op.evaluate(x), [[3 - 3 * limit, 6 - 5 * limit]])


def test_zero_operands_do_not_make_odd_weights_inexact() -> None:
    op = dense([[2**53 + 1, 2**24 + 1]])
    assert_same(op.evaluate(np.array([[0, 0]])), [[0]])
    assert_same(op.evaluate(np.array([[1, 1]])), [[2**53 + 2**24 + 2]])
    assert_same(dense([[0, 0]]).evaluate(np.array([[2**60 + 1, 5]])), [[0]])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32])
def test_narrow_arrays_do_not_wrap(dtype: type[np.int8]) -> None:
    top = int(np.iinfo(dtype).max)
    op = dense([[127, 127, 127]])
    assert_same(op.evaluate(np.full((1, 3), top, dtype=dtype)), [[381 * top]])


def test_leading_axes_of_the_frame_are_kept() -> None:
    op = Dense(const([[1, 2], [3, 4], [5, 6]]), UInt(3))
    assert op.infer([tensor(UInt(1), 5, 4, 2)]) == tensor(UInt(4, 11), 5, 4, 3)
    x = np.arange(40).reshape(1, 5, 4, 2)
    assert_same(op.evaluate(x).reshape(20, 3), naive(x.reshape(20, 2), op.weights.int64()))


def test_groups_by_hand() -> None:
    op = Dense(const([[1, 2], [3, 4], [5, 6], [7, 8]]), UInt(4), 2)
    assert_same(op.evaluate(np.array([[1, 10, 100, 1000]])), [[21, 43, 6500, 8700]])
    assert op.infer([tensor(UInt(2), 3, 4)]) == tensor(UInt(6, 45), 3, 4)


@given(st.data(), int_types(24), int_types(24), st.integers(1, 4), st.integers(1, 3))
def test_groups_are_products_side_by_side(
    data: st.DataObject, elem: IntType, weight: IntType, groups: int, rows: int
) -> None:
    columns = data.draw(st.integers(1, 4))
    weights = data.draw(matrices(weight, groups * rows, columns))
    x = data.draw(matrices(elem, 3, groups * columns))
    op = Dense(Const.integers(weights), weight, groups)
    wanted = [
        [
            sum(w * frame[n // rows * columns + k] for k, w in enumerate(weights.tolist()[n]))
            for n in range(groups * rows)
        ]
        for frame in x.tolist()
    ]
    assert_same(op.evaluate(x), wanted)
    assert_same(op.evaluate(x[:, np.newaxis, :]), [[frame] for frame in wanted])
    assert op.infer([tensor(elem, groups * columns)]).shape == (groups * rows,)


def test_groups_of_no_frames() -> None:
    op = Dense(const([[1, 2], [3, 4]]), UInt(3), 2)
    assert op.evaluate(np.zeros((0, 5, 4), np.int8)).shape == (0, 5, 2)


def test_no_frames() -> None:
    assert dense([[1, 2]]).evaluate(np.zeros((0, 2), np.int64)).shape == (0, 1)


@given(st.data(), int_types(4), int_types(4), st.integers(1, 3), st.integers(1, 3))
def test_infers_the_exact_range(
    data: st.DataObject, elem: IntType, weight: IntType, rows: int, columns: int
) -> None:
    weights = data.draw(matrices(weight, rows, columns))
    ends = np.array(np.meshgrid(*[[elem.lo, elem.hi]] * columns)).reshape(columns, -1).T
    reached = naive(ends, weights)
    type_ = Dense(Const.integers(weights), weight).infer([tensor(elem, columns)])
    assert type_.shape == (rows,)
    lo, hi = min(map(min, reached)), max(map(max, reached))
    assert type_.int_elem.hi == hi
    assert type_.int_elem.lo == (min(lo, 0) if lo > 0 else lo)


@pytest.mark.parametrize(
    ("weights", "stored"),
    [
        ([[1, -1], [-1, -1]], Bipolar()),
        ([[1, 0]], UInt(1)),
        ([[-1, 0]], Int(2, -1, 0)),
        ([[1, -1], [0, 1]], Int(2, -1, 1)),
        ([[0, 0]], UInt(1, 0)),
        ([[-8, 7]], Int(4)),
    ],
)
def test_stored_type_is_the_narrowest(weights: list[list[int]], stored: IntType) -> None:
    assert dense(weights).stored == stored


def test_ops_compare_by_weights_whatever_was_computed() -> None:
    a, b = dense([[1, 2]]), dense([[1, 2]])
    a.evaluate(np.array([[1, 1]]))
    assert a == b
    assert hash(a) == hash(b)
    assert a != dense([[1, 3]])


@pytest.mark.parametrize(
    ("op", "elem", "shape", "message"),
    [
        (dense([[1, 2]]), Real(), (2,), "I001: dense needs an integer operand, found real[2]"),
        (dense([[1, 2]]), UInt(4), (3,), "I001: dense has 2 columns, its operand is uint4[3]"),
        (dense([[1]]), UInt(4), (), "I001: dense has 1 columns, its operand is uint4[]"),
        (
            Dense(const([[1, 2], [3, 4]]), Int(4), 2),
            UInt(4),
            (2,),
            "I001: dense has 4 columns, its operand is uint4[2]",
        ),
        (
            Dense(const([[1], [2], [3]]), Int(4), 2),
            UInt(4),
            (2,),
            "I001: dense cannot share 3 rows among 2 groups",
        ),
        (
            Dense(const([[1]]), Int(4), 0),
            UInt(4),
            (1,),
            "I001: dense cannot share 1 rows among 0 groups",
        ),
        (
            Dense(const([[5]]), Bipolar()),
            UInt(4),
            (1,),
            "I001: dense holds weights outside bipolar",
        ),
        (Dense(const([[8]]), Int(4)), UInt(4), (1,), "I001: dense holds weights outside int4"),
        (
            Dense(const([1, 2]), Int(4)),
            UInt(4),
            (2,),
            "I001: dense needs a matrix of integers, found i8[2]",
        ),
        (
            Dense(const([[0.5]], np.float32), Int(4)),
            UInt(4),
            (1,),
            "I001: dense needs a matrix of integers, found f32[1, 1]",
        ),
        (
            Dense(const(np.zeros((0, 2))), Int(4)),
            UInt(4),
            (2,),
            "I001: dense needs a matrix of integers, found i8[0, 2]",
        ),
    ],
)
def test_rejects(op: Dense, elem: IntType | Real, shape: tuple[int, ...], message: str) -> None:
    assert rejection(op, tensor(elem, *shape)) == message


def test_the_widest_supported_accumulator() -> None:
    x = tensor(UInt(MAX_ACCUMULATOR_BITS), 1)
    assert dense([[1]]).infer([x]).int_elem.bits == MAX_ACCUMULATOR_BITS
    assert rejection(dense([[2]]), x) == "P004: the sum needs 49 bits, at most 48 are supported"


@pytest.mark.parametrize(
    ("weights", "elem", "bits"),
    [
        ([[2**31 - 1]], UInt(32), 63),
        ([[2**31 - 1] * 2], UInt(32), 64),
        ([[2**20] * 2048], UInt(33), 64),
        # One row wraps round to a range inside that of the other, so its type would look sound.
        ([[2**30] * 8, [1, -1] * 4], Int(32), 65),
        ([[2**61 - 1]], UInt(62), 123),
        ([[2**61 - 1] * 8], UInt(1), 64),
        ([[2**61 - 1] * 8, [1, -1] * 4], UInt(1), 65),
    ],
)
def test_sums_beyond_64_bits_do_not_wrap_round(
    weights: list[list[int]], elem: IntType, bits: int
) -> None:
    message = f"P004: the sum needs {bits} bits, at most 48 are supported"
    assert rejection(dense(weights), tensor(elem, len(weights[0]))) == message
