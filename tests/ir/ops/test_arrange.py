"""Concat, Crop, Upsample and Reorder: elements move, are left out or repeated, none changes."""

from itertools import accumulate
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Op, Real, TensorType, UInt
from bitmason.ir.ops.arrange import Concat, Crop, Reorder, Upsample
from bitmason.ir.types import Array, contains
from tests.ir.elements import int_types, values_of
from tests.ir.ops.checks import assert_same, const, exactly, rejection, tensor

X = tensor(UInt(4), 2, 3)


def counting(*shape: int) -> Array:
    return np.arange(prod(shape)).reshape(shape)


def test_concat_by_hand() -> None:
    a, b = np.array([[[1], [2]]]), np.array([[[3, 4], [5, 6]]])
    assert_same(Concat().evaluate(a, b), [[[1, 3, 4], [2, 5, 6]]])
    assert_same(Concat().evaluate(b, a, a), [[[3, 4, 1, 1], [5, 6, 2, 2]]])
    types = [tensor(UInt(3), 2, 2), tensor(UInt(1), 2, 1), tensor(UInt(2), 2, 1)]
    assert Concat().infer(types) == tensor(UInt(3), 2, 4)


@given(st.data(), st.lists(st.tuples(int_types(12), st.integers(1, 3)), min_size=2, max_size=4))
def test_concat_keeps_every_value(data: st.DataObject, parts: list[tuple[IntType, int]]) -> None:
    arrays = [
        data.draw(values_of(elem, 6 * channels)).reshape(2, 3, channels) for elem, channels in parts
    ]
    got = Concat().evaluate(*arrays)
    type_ = Concat().infer([tensor(elem, 3, channels) for elem, channels in parts])
    assert type_.shape == got.shape[1:]
    starts = accumulate((channels for _, channels in parts), initial=0)
    for array, start in zip(arrays, starts, strict=False):
        for index in np.ndindex(array.shape):
            assert got[(*index[:2], start + index[2])] == array[index]
    for elem, _ in parts:
        assert contains(type_.int_elem, np.array([elem.lo, elem.hi]))
        if not isinstance(elem, Bipolar):
            middle = np.arange(elem.lo, elem.hi + 1)
            assert contains(type_.int_elem, middle)


@pytest.mark.parametrize(
    ("elems", "joined"),
    [
        ((UInt(4), UInt(4)), UInt(4)),
        ((UInt(2), Int(2)), Int(3, -2, 3)),
        ((Int(3), UInt(2)), Int(3)),
        ((Int(4, 2, 5), Int(4, 3, 4)), Int(4, 2, 5)),
        ((Int(4, 2, 5), Int(4, 3, 6)), UInt(3, 6)),
        ((Bipolar(), Bipolar()), Bipolar()),
        ((Bipolar(), UInt(1)), Int(2, -1, 1)),
        ((Bipolar(), Int(2, -1, 1)), Int(2, -1, 1)),
        ((Int(2, -1, 1), Bipolar()), Int(2, -1, 1)),
        ((Bipolar(), Bipolar(), UInt(2)), Int(3, -1, 3)),
        ((UInt(62), UInt(3), UInt(62)), UInt(62)),
        ((Real(), Real()), Real()),
    ],
)
def test_type_of_a_concat(elems: tuple[IntType, ...], joined: IntType | Real) -> None:
    operands = [tensor(elem, 2, 1) for elem in elems]
    assert Concat().infer(operands) == tensor(joined, 2, len(elems))


def test_concat_of_narrow_and_wide_arrays() -> None:
    narrow, wide = np.array([[-128]], np.int8), np.array([[2**40]])
    assert_same(Concat().evaluate(narrow, wide, narrow), [[-128, 2**40, -128]])


@pytest.mark.parametrize(
    ("operands", "message"),
    [
        ((X, tensor(UInt(4), 3, 3)), "uint4[2, 3] and uint4[3, 3]: their shapes differ"),
        ((X, X, tensor(UInt(4), 3)), "uint4[2, 3] and uint4[3]: their shapes differ"),
        ((tensor(UInt(4)), tensor(UInt(4))), "uint4[] and uint4[]: their shapes differ"),
        ((X, tensor(Real(), 2, 3)), "uint4[2, 3] and real[2, 3]"),
        ((tensor(Real(), 2, 3), X), "real[2, 3] and uint4[2, 3]"),
    ],
)
def test_concat_rejects(operands: tuple[TensorType, ...], message: str) -> None:
    assert rejection(Concat(), *operands) == f"I001: concat cannot join {message}"


def test_concat_rejects_what_no_type_holds() -> None:
    message = f"I001: values -1..{2**48 - 1} need more than 48 bits"
    assert rejection(Concat(), tensor(UInt(48), 1), tensor(Bipolar(), 1)) == message
    assert Concat().infer([tensor(UInt(47), 1), tensor(Bipolar(), 1)]).int_elem.bits == 48


def test_crop_by_hand() -> None:
    x = counting(1, 3, 4)
    assert_same(Crop((1, 1), (2, 2), (1, 2)).evaluate(x), [[[5, 7], [9, 11]]])
    assert_same(Crop((2, 3), (1, 1), (9, 9)).evaluate(x), [[[11]]])
    assert Crop((1, 1), (2, 2), (1, 2)).infer([tensor(Int(5), 3, 4)]) == tensor(Int(5), 2, 2)


@given(st.data(), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_crop_equals_the_definition(data: st.DataObject, shape: list[int]) -> None:
    start = [data.draw(st.integers(0, extent - 1)) for extent in shape]
    step = [data.draw(st.integers(1, 3)) for _ in shape]
    ends = zip(shape, start, step, strict=True)
    size = [data.draw(st.integers(1, len(range(s, extent, d)))) for extent, s, d in ends]
    op = Crop(tuple(start), tuple(size), tuple(step))
    x = counting(2, *shape)
    got = op.evaluate(x)
    assert op.infer([tensor(UInt(9), *shape)]).shape == got.shape[1:] == tuple(size)
    for frame, *index in np.ndindex(got.shape):
        source = (s + i * d for s, i, d in zip(start, index, step, strict=True))
        assert got[(frame, *index)] == x[(frame, *source)]


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (Crop((0,), (1,), (1,)), "crop of 1 axes does not fit uint4[2, 3]"),
        (Crop((0, 0), (1,), (1, 1)), "crop of 2 axes does not fit uint4[2, 3]"),
        (Crop((0, 0), (1, 1), (1, 1, 1)), "crop of 2 axes does not fit uint4[2, 3]"),
        (Crop((0, 2), (1, 2), (1, 1)), "crop of 2 from 2 in steps of 1 does not fit uint4[2, 3]"),
        (Crop((0, 0), (1, 2), (1, 3)), "crop of 2 from 0 in steps of 3 does not fit uint4[2, 3]"),
        (Crop((-1, 0), (1, 1), (1, 1)), "crop of 1 from -1 in steps of 1 does not fit uint4[2, 3]"),
        (Crop((0, 0), (0, 1), (1, 1)), "crop of 0 from 0 in steps of 1 does not fit uint4[2, 3]"),
        (Crop((1, 0), (2, 1), (0, 1)), "crop of 2 from 1 in steps of 0 does not fit uint4[2, 3]"),
    ],
)
def test_crop_rejects(op: Crop, message: str) -> None:
    assert rejection(op, X) == f"I001: {message}"


def test_upsample_by_hand() -> None:
    x = np.array([[[[1, 10], [2, 20]]]])
    wide = [[1, 10], [1, 10], [1, 10], [2, 20], [2, 20], [2, 20]]
    assert_same(Upsample((2, 3)).evaluate(x), [[wide, wide]])
    assert Upsample((2, 3)).infer([tensor(Bipolar(), 1, 2, 2)]) == tensor(Bipolar(), 2, 6, 2)


@given(st.tuples(st.integers(1, 3), st.integers(1, 3)), st.integers(1, 4), st.integers(1, 4))
def test_upsample_equals_the_definition(factors: tuple[int, int], height: int, width: int) -> None:
    x = counting(2, height, width, 2)
    got = Upsample(factors).evaluate(x)
    assert got.shape == (2, height * factors[0], width * factors[1], 2)
    for frame, i, j, c in np.ndindex(got.shape):
        assert got[frame, i, j, c] == x[frame, i // factors[0], j // factors[1], c]


@pytest.mark.parametrize(
    ("factors", "type_", "message"),
    [
        ((0, 1), tensor(UInt(4), 1, 2, 3), "upsample by (0, 1) does not fit uint4[1, 2, 3]"),
        ((1, -2), tensor(UInt(4), 1, 2, 3), "upsample by (1, -2) does not fit uint4[1, 2, 3]"),
        ((1, 2), X, "upsample by (1, 2) does not fit uint4[2, 3]"),
    ],
)
def test_upsample_rejects(factors: tuple[int, int], type_: TensorType, message: str) -> None:
    assert rejection(Upsample(factors), type_) == f"I001: {message}"


def test_reorder_by_hand() -> None:
    op = Reorder(const([2, 0, 1]), (3, 2))
    x = np.array([[[1, 2, 3], [4, 5, 6]]])
    assert_same(op.evaluate(x), [[[3, 1], [2, 6], [4, 5]]])
    assert op.infer([tensor(Int(4), 2, 3)]) == tensor(Int(4), 3, 2)


@given(st.data(), st.integers(1, 6), st.integers(1, 4))
def test_reorder_equals_the_definition(data: st.DataObject, length: int, blocks: int) -> None:
    order = data.draw(st.permutations(range(length)))
    op = Reorder(Const(order), (blocks, length))
    x = counting(2, length * blocks)
    got = op.evaluate(x)
    assert op.infer([tensor(UInt(9), length * blocks)]).shape == got.shape[1:]
    for frame, block, i in np.ndindex(got.shape):
        assert got[frame, block, i] == x[frame, block * length + order[i]]


@given(st.permutations(range(3)))
def test_reorder_can_transpose(axes: list[int]) -> None:
    x = counting(3, 2, 3, 4)
    wanted = x.transpose(0, *(axis + 1 for axis in axes))
    order = counting(2, 3, 4).transpose(axes).reshape(-1)
    assert_same(Reorder(Const(order), wanted.shape[1:]).evaluate(x), wanted)


@pytest.mark.parametrize(
    "order", [const([]), const([1, 2]), const([0, 0]), const([-1, 0]), const([[0, 1], [2, 3]]),
              const([1, 0], np.float32), const([False, True], np.bool_)]
)  # fmt: skip
def test_reorder_rejects_what_is_no_permutation(order: Const) -> None:
    assert rejection(Reorder(order, (2, 3)), X) == "I001: reorder needs a permutation"


@pytest.mark.parametrize(
    ("order", "shape", "message"),
    [
        ([1, 0, 2, 3], (2, 3), "reorder of blocks of 4 to [2, 3] does not fit uint4[2, 3]"),
        ([1, 0], (5,), "reorder of blocks of 2 to [5] does not fit uint4[2, 3]"),
        ([1, 0], (-2, -3), "reorder of blocks of 2 to [-2, -3] does not fit uint4[2, 3]"),
        ([1, 0], (), "reorder of blocks of 2 to [] does not fit uint4[2, 3]"),
    ],
)
def test_reorder_rejects(order: list[int], shape: tuple[int, ...], message: str) -> None:
    assert rejection(Reorder(const(order), shape), X) == f"I001: {message}"


MOVES = [
    Crop((0, 1, 0), (2, 1, 1), (1, 1, 1)),
    Upsample((2, 1)),
    Reorder(const([1, 0]), (4,)),
    Concat(),
]


@pytest.mark.parametrize("op", MOVES)
def test_any_kind_of_element_passes(op: Op) -> None:
    for x in (np.ones((1, 2, 2, 1), np.float32), exactly(np.ones((1, 2, 2, 1)))):
        assert op.evaluate(*[x] * (2 if isinstance(op, Concat) else 1)).dtype == x.dtype


@pytest.mark.parametrize("op", MOVES)
def test_no_frames(op: Op) -> None:
    count = 2 if isinstance(op, Concat) else 1
    got = op.evaluate(*[np.zeros((0, 2, 2, 1), np.int8)] * count)
    assert got.shape == (0, *op.infer([tensor(UInt(1), 2, 2, 1)] * count).shape)
