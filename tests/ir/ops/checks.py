"""What the tests of all ops share: how an op refuses, and how results are compared."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.ir import Const, IntType, Op, Real, TensorType
from bitmason.ir.types import Array


def tensor(elem: IntType | Real, *shape: int) -> TensorType:
    """Return the type of one frame."""
    return TensorType(shape, elem)


def const(values: Any, dtype: Any = np.int8) -> Const:
    """Return a constant of this very kind."""
    return Const(np.array(values, dtype=dtype))


def exactly(values: Any) -> Array:
    """Return an object array of fractions."""
    array = np.array(values, dtype=object)
    return np.frompyfunc(Fraction, 1, 1)(array)  # type: ignore[no-any-return]


def rejection(op: Op, *operands: TensorType) -> str:
    """Return code and message with which `op` refuses `operands`."""
    with pytest.raises(CompileError) as caught:
        op.infer(operands)
    (found,) = caught.value.diagnostics
    return f"{found.code}: {found.message}"


def assert_same(got: Array, wanted: Array | Sequence[Any], dtype: Any = None) -> None:
    """Assert equal values, equal shape and this kind, by default signed integers of any width."""
    if dtype is None:
        assert got.dtype.kind == "i"
    else:
        assert got.dtype == dtype
    expected = np.array(wanted, dtype=np.int64 if dtype is None else dtype)
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)
