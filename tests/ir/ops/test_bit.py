"""Bit: the code of a bipolar value, read as a number."""

import numpy as np
import pytest

from bitmason.ir import Bipolar, Int, IntType, Real, UInt
from bitmason.ir.ops.bit import Bit
from tests.ir.ops.checks import assert_same, rejection, tensor


def test_is_the_code_in_hardware() -> None:
    x = np.array([[-1, 1, 1, -1]], dtype=np.int8)
    assert_same(Bit().evaluate(x), [[0, 1, 1, 0]])
    assert_same(Bit().evaluate(x), Bipolar().encode(x))
    assert Bit().infer([tensor(Bipolar(), 2, 3)]) == tensor(UInt(1), 2, 3)


@pytest.mark.parametrize("elem", [UInt(1), Int(2), Real()])
def test_rejects(elem: IntType | Real) -> None:
    message = f"I001: bit needs a bipolar operand, found {elem}[3]"
    assert rejection(Bit(), tensor(elem, 3)) == message
