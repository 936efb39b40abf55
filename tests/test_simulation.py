"""What enters the hardware, whatever form the user's inputs have."""

import numpy as np

from bitmason.diagnostics import Loc
from bitmason.ir import Builder, Const, Int, Real, TensorType
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.simulation import entering_integers


def test_integers_take_the_same_way_as_the_floats_they_stand_for() -> None:
    builder = Builder("turned")
    value = builder.input("x", TensorType((2, 3), Real()), Loc("x"))
    value = builder.add(Transpose((1, 0)), [value], Loc("x"))
    value = builder.add(Reshape((6,)), [value], Loc("x"))
    one, zero = Const(np.float32(1)), Const(np.float32(0))
    codes = builder.add(Quantise(one, zero, Int(4)), [value], Loc("x"))
    graph = builder.finish([codes])
    x = np.arange(12).reshape(2, 2, 3) - 6
    from_floats = entering_integers(graph, codes, x.astype(np.float32))
    np.testing.assert_array_equal(entering_integers(graph, codes, x), from_floats)
    np.testing.assert_array_equal(from_floats[0], [-6, -3, -5, -2, -4, -1])
