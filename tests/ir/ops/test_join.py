"""WeightedSum, Product and JoinLookup: two tensors of integers become one."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Op, Real, UInt
from bitmason.ir.ops.dense import MAX_ACCUMULATOR_BITS
from bitmason.ir.ops.join import JoinLookup, Product, WeightedSum
from bitmason.ir.types import contains
from tests.ir.elements import int_types, matrices, signed, unsigned
from tests.ir.ops.checks import assert_same, const, rejection, tensor

NUMBERS = unsigned(10) | signed(10)
TINY = unsigned(3) | signed(3)
TABLE = JoinLookup(const([[0, 1, 2, 3, 4, 5, 6, 7]]), (0, 0), 4, UInt(3))


def test_weighted_sum_by_hand() -> None:
    op = WeightedSum(const([[2], [-3]]))
    a, b = np.array([[1, 2]]), np.array([[10, -20]])
    assert_same(op.evaluate(a, b), [[2 - 30, 4 + 60]])
    assert op.infer([tensor(UInt(2), 2), tensor(Int(4), 2)]) == tensor(Int(6, -21, 30), 2)


def test_weighted_sum_of_each_channel_by_hand() -> None:
    op = WeightedSum(const([[2, 0], [-3, 1]]))
    a, b = np.array([[[1, 2], [3, 4]]]), np.array([[[10, 20], [30, 40]]])
    assert_same(op.evaluate(a, b), [[[-28, 20], [-84, 40]]])
    assert op.infer([tensor(UInt(2), 5, 2), tensor(UInt(4), 5, 2)]) == tensor(Int(7, -45, 15), 5, 2)


@given(st.data(), NUMBERS, NUMBERS, st.integers(1, 3), st.booleans())
def test_weighted_sum_equals_the_definition(
    data: st.DataObject, first: UInt | Int, second: UInt | Int, channels: int, shared: bool
) -> None:
    factors = data.draw(matrices(Int(12), 2, 1 if shared else channels))
    a, b = data.draw(matrices(first, 3, channels)), data.draw(matrices(second, 3, channels))
    k, m = (row * channels if shared else row for row in factors.tolist())
    wanted = [
        [k[c] * p[c] + m[c] * q[c] for c in range(channels)]
        for p, q in zip(a.tolist(), b.tolist(), strict=True)
    ]
    op = WeightedSum(Const.integers(factors))
    assert_same(op.evaluate(a, b), wanted)
    found = op.infer([tensor(first, channels), tensor(second, channels)])
    assert found.shape == (channels,)
    corners = [
        k[c] * x + m[c] * y
        for c in range(channels)
        for x, y in product((first.lo, first.hi), (second.lo, second.hi))
    ]
    assert found.int_elem.hi == max(corners)
    assert found.int_elem.lo == min(*corners, 0)


def test_product_by_hand() -> None:
    a, b = np.array([[1, 2]]), np.array([[10, -20]])
    assert_same(Product().evaluate(a, b), [[10, -40]])
    assert_same(Product((3, 10)).evaluate(a, b), [[0, 30]])
    types = [tensor(UInt(2), 2), tensor(Int(4), 2)]
    assert Product().infer(types) == tensor(Int(6, -24, 21), 2)
    assert Product((3, 8)).infer(types) == tensor(UInt(6, 48), 2)


@given(st.data(), NUMBERS, NUMBERS, st.integers(-600, 600), st.integers(-600, 600))
def test_product_equals_the_definition(
    data: st.DataObject, first: UInt | Int, second: UInt | Int, z: int, w: int
) -> None:
    a, b = data.draw(matrices(first, 4, 2)), data.draw(matrices(second, 4, 2))
    wanted = [
        [(x - z) * (y - w) for x, y in zip(p, q, strict=True)]
        for p, q in zip(a.tolist(), b.tolist(), strict=True)
    ]
    op = Product((z, w))
    assert_same(op.evaluate(a, b), wanted)
    found = op.infer([tensor(first, 2), tensor(second, 2)]).int_elem
    ends = [(x - z) * (y - w) for x in (first.lo, first.hi) for y in (second.lo, second.hi)]
    assert found.hi == max(ends)
    assert found.lo == min(*ends, 0)
    assert contains(found, np.array(wanted))


def test_join_lookup_by_hand() -> None:
    op = JoinLookup(const([[10, 11, 20, 21, 30, 31]]), (-1, 5), 2, UInt(5))
    a, b = np.array([[-1, 0, 0]]), np.array([[5, 6, 7]])
    assert_same(op.evaluate(a, b), [[10, 21, 31]])
    types = [tensor(Int(2, -1, 0), 4, 3), tensor(Int(4, 5, 7), 4, 3)]
    assert op.infer(types) == tensor(UInt(5), 4, 3)


@given(st.data(), TINY, TINY, int_types(8), st.booleans())
def test_join_lookup_equals_the_definition(
    data: st.DataObject, first: UInt | Int, second: UInt | Int, out: IntType, shared: bool
) -> None:
    channels, slack = data.draw(st.integers(1, 2)), data.draw(st.integers(0, 2))
    span = first.hi - first.lo + 1 + slack
    start = (first.lo - slack, second.lo)
    rows = 1 if shared else channels
    table = data.draw(matrices(out, rows, span * (second.hi - second.lo + 1)))
    op = JoinLookup(Const.integers(table), start, span, out)
    assert op.infer([tensor(first, channels), tensor(second, channels)]) == tensor(out, channels)
    a, b = data.draw(matrices(first, 4, channels)), data.draw(matrices(second, 4, channels))
    meant = {
        (row, start[0] + column % span, start[1] + column // span): value
        for row, values in enumerate(table.tolist())
        for column, value in enumerate(values)
    }
    wanted = [
        [meant[0 if shared else c, p[c], q[c]] for c in range(channels)]
        for p, q in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert_same(op.evaluate(a, b), wanted)


def test_a_table_can_hold_what_the_other_joins_compute() -> None:
    a, b = np.array(list(product(range(-2, 2), range(4)))).T.reshape(2, 1, 16)
    for op in (WeightedSum(const([[3], [-2]])), Product((1, 2))):
        table = [
            op.evaluate(np.array([[x]]), np.array([[y]])) for y in range(4) for x in range(-2, 2)
        ]
        lookup = JoinLookup(Const(np.array(table).reshape(1, 16)), (-2, 0), 4, Int(8))
        assert_same(lookup.evaluate(a, b), op.evaluate(a, b))


def test_narrow_arrays_do_not_wrap() -> None:
    top, low = np.full((1, 1), 127, np.int8), np.full((1, 1), -128, np.int8)
    assert_same(WeightedSum(const([[127], [-128]])).evaluate(top, low), [[127**2 + 128**2]])
    assert_same(Product((-127, 127)).evaluate(top, low), [[254 * -255]])
    assert_same(Product().evaluate(low, low.astype(np.int16)), [[2**14]])
    column = (127 + 128) * 256 + 255
    table = np.zeros((1, 65536), np.int8)
    table[0, column] = 5
    lookup = JoinLookup(Const(table), (-128, -128), 256, UInt(3))
    assert_same(lookup.evaluate(top, top), [[5]])


JOINS = [WeightedSum(const([[1], [1]])), Product(), TABLE]


@pytest.mark.parametrize("op", JOINS)
def test_no_frames(op: Op) -> None:
    none = np.zeros((0, 2, 3), np.int8)
    assert op.evaluate(none, none).shape == (0, 2, 3)


@pytest.mark.parametrize("op", JOINS)
@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            tensor(UInt(2), 3),
            tensor(UInt(1), 4),
            "{} needs two operands of one shape, found uint2[3] and uint1[4]",
        ),
        (
            tensor(UInt(2), 1, 3),
            tensor(UInt(1), 3),
            "{} needs two operands of one shape, found uint2[1, 3] and uint1[3]",
        ),
        (
            tensor(UInt(2)),
            tensor(UInt(1)),
            "{} needs two operands of one shape, found uint2[] and uint1[]",
        ),
        (
            tensor(Real(), 3),
            tensor(UInt(1), 3),
            "{} needs integers that are not bipolar, found real[3]",
        ),
        (
            tensor(UInt(2), 3),
            tensor(Bipolar(), 3),
            "{} needs integers that are not bipolar, found bipolar[3]",
        ),
    ],
)
def test_joins_reject(op: Op, first: object, second: object, message: str) -> None:
    assert rejection(op, first, second) == f"I001: {message.format(op.name)}"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (const([[1]]), "weighted_sum of 1 x 1 factors does not fit uint2[3]"),
        (const([[1], [1], [1]]), "weighted_sum of 3 x 1 factors does not fit uint2[3]"),
        (const([[1, 1], [1, 1]]), "weighted_sum of 2 x 2 factors does not fit uint2[3]"),
        (const([1, 1]), "weighted_sum needs a matrix of integers, found i8[2]"),
        (
            const([[0.5], [1]], np.float64),
            "weighted_sum needs a matrix of integers, found f64[2, 1]",
        ),
    ],
)
def test_weighted_sum_rejects(factors: Const, message: str) -> None:
    x = tensor(UInt(2), 3)
    assert rejection(WeightedSum(factors), x, x) == f"I001: {message}"


@pytest.mark.parametrize(
    ("op", "first", "second", "message"),
    [
        (
            JoinLookup(const([[0] * 8] * 2), (0, 0), 4, UInt(3)),
            UInt(2),
            UInt(1),
            "join_lookup has 2 rows, its operand is uint2[3]",
        ),
        (
            TABLE,
            UInt(3),
            UInt(1),
            "join_lookup covers 4 x 2 values from (0, 0), its operands are uint3 and uint1",
        ),
        (
            TABLE,
            UInt(2),
            UInt(2),
            "join_lookup covers 4 x 2 values from (0, 0), its operands are uint2 and uint2",
        ),
        (
            TABLE,
            UInt(3, 4),
            UInt(1),
            "join_lookup covers 4 x 2 values from (0, 0), its operands are uint3<0..4> and uint1",
        ),
        (
            TABLE,
            UInt(2),
            UInt(2, 2),
            "join_lookup covers 4 x 2 values from (0, 0), its operands are uint2 and uint2<0..2>",
        ),
        (
            TABLE,
            Int(2),
            UInt(1),
            "join_lookup covers 4 x 2 values from (0, 0), its operands are int2 and uint1",
        ),
        (
            JoinLookup(const([[0] * 8]), (0, 1), 4, UInt(3)),
            UInt(2),
            UInt(1),
            "join_lookup covers 4 x 2 values from (0, 1), its operands are uint2 and uint1",
        ),
        (
            JoinLookup(const([[0] * 9]), (0, 0), 4, UInt(3)),
            UInt(2),
            UInt(1),
            "join_lookup covers 4 x 2 values from (0, 0), its operands are uint2 and uint1",
        ),
        (
            JoinLookup(const([[0] * 8]), (0, 0), 0, UInt(3)),
            UInt(2),
            UInt(1),
            "join_lookup covers 0 x 8 values from (0, 0), its operands are uint2 and uint1",
        ),
        (
            JoinLookup(const([[0] * 8]), (0, 0), -4, UInt(3)),
            UInt(2),
            UInt(1),
            "join_lookup covers -4 x 8 values from (0, 0), its operands are uint2 and uint1",
        ),
        (
            JoinLookup(const([[8] * 8]), (0, 0), 4, UInt(3)),
            UInt(2),
            UInt(1),
            "join_lookup holds values outside uint3",
        ),
        (
            JoinLookup(const([[0] * 8]), (0, 0), 4, Bipolar()),
            UInt(2),
            UInt(1),
            "join_lookup holds values outside bipolar",
        ),
        (
            JoinLookup(const([0] * 8), (0, 0), 4, UInt(3)),
            UInt(2),
            UInt(1),
            "join_lookup needs a matrix of integers, found i8[8]",
        ),
    ],
)
def test_join_lookup_rejects(op: JoinLookup, first: IntType, second: IntType, message: str) -> None:
    assert rejection(op, tensor(first, 3), tensor(second, 3)) == f"I001: {message}"


def test_the_widest_supported_result() -> None:
    most = MAX_ACCUMULATOR_BITS
    ones, wide = WeightedSum(const([[1], [1]])), tensor(UInt(most - 1), 1)
    assert ones.infer([wide, wide]).int_elem.bits == most
    message = "P004: the result needs 49 bits, at most 48 are supported"
    assert rejection(ones, wide, tensor(UInt(most), 1)) == message
    half = tensor(UInt(most // 2), 1)
    assert Product().infer([half, half]).int_elem.bits == most
    assert rejection(Product(), half, tensor(UInt(most // 2 + 1), 1)) == message
    far = Product((2**62, 2**62))
    assert rejection(far, half, half) == message.replace("49", "125")
