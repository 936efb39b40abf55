"""Reshape and Transpose: elements move, none changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Op, Real, UInt
from bitmason.ir.ops.shape import Reshape, Transpose
from tests.ir.ops.checks import assert_same, exactly, rejection, tensor


def test_reshape_keeps_row_major_order() -> None:
    x = np.arange(12).reshape(2, 2, 3)
    assert_same(Reshape((6,)).evaluate(x), np.arange(12).reshape(2, 6))
    assert_same(Reshape((3, 1, 2)).evaluate(x), np.arange(12).reshape(2, 3, 1, 2))
    assert Reshape((3, 1, 2)).infer([tensor(UInt(4), 2, 3)]) == tensor(UInt(4), 3, 1, 2)


def test_reshape_to_and_from_a_scalar() -> None:
    assert Reshape(()).infer([tensor(Real(), 1, 1)]) == tensor(Real())
    assert Reshape((1,)).infer([tensor(Real())]) == tensor(Real(), 1)
    assert Reshape(()).evaluate(np.ones((4, 1, 1))).shape == (4,)


@given(st.permutations(range(4)))
def test_transpose_moves_axis_perm_i_to_i(perm: list[int]) -> None:
    frame = (2, 3, 4, 5)
    op = Transpose(tuple(perm))
    x = np.arange(240).reshape(2, *frame[:3], 5)
    got = op.evaluate(x)
    assert op.infer([tensor(UInt(8), *frame)]).shape == got.shape[1:]
    for index in np.ndindex(*got.shape[1:]):
        source = [0] * 4
        for place, axis in enumerate(perm):
            source[axis] = index[place]
        assert got[(1, *index)] == x[(1, *source)]


def test_transpose_gives_contiguous_frames() -> None:
    got = Transpose((1, 0)).evaluate(np.arange(6).reshape(1, 2, 3))
    assert got.flags.c_contiguous
    assert_same(got, [[[0, 3], [1, 4], [2, 5]]])


@pytest.mark.parametrize("op", [Reshape((4,)), Transpose((1, 0))])
def test_any_kind_of_element_passes(op: Op) -> None:
    for x in (np.ones((1, 2, 2), np.float32), exactly(np.ones((1, 2, 2)))):
        assert op.evaluate(x).dtype == x.dtype


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (Reshape((5,)), "cannot give uint4[2, 3] the shape [5]: the sizes differ"),
        (Reshape(()), "cannot give uint4[2, 3] the shape []: the sizes differ"),
        (Reshape((-2, -3)), "cannot give uint4[2, 3] the shape [-2, -3]: the sizes differ"),
        (Transpose((0,)), "[0] is not a permutation of the axes of uint4[2, 3]"),
        (Transpose((0, 0)), "[0, 0] is not a permutation of the axes of uint4[2, 3]"),
        (Transpose((1, 2)), "[1, 2] is not a permutation of the axes of uint4[2, 3]"),
        (Transpose((-1, 0)), "[-1, 0] is not a permutation of the axes of uint4[2, 3]"),
    ],
)
def test_rejects(op: Op, message: str) -> None:
    assert rejection(op, tensor(UInt(4), 2, 3)) == f"I001: {message}"
