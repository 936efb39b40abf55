"""Zero points of products become tables."""

from __future__ import annotations

import numpy as np
import pytest

from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Builder, Graph, Int, IntType, TensorType, UInt
from bitmason.ir.interp import run
from bitmason.ir.ops.join import Product
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.passes.unshift_products import UnshiftProducts


def product(a: IntType, b: IntType, shifts: tuple[int, int]) -> Graph:
    builder = Builder("net")
    loc = Loc("net.onnx", "mul")
    x = builder.input("x", TensorType((2, 3), a), loc)
    y = builder.input("y", TensorType((2, 3), b), loc)
    return builder.finish([builder.add(Product(shifts), [x, y], loc, "mul")])


@pytest.mark.parametrize("shifts", [(3, 0), (0, -2), (5, 7)])
def test_values_stay_and_shifts_go(shifts: tuple[int, int]) -> None:
    graph = product(UInt(4), Int(3), shifts)
    made = UnshiftProducts().run(graph)
    rng = np.random.default_rng(0)
    feeds = {"x": rng.integers(0, 16, (50, 2, 3)), "y": rng.integers(-4, 4, (50, 2, 3))}
    assert np.array_equal(run(graph, feeds)[0], run(made, feeds)[0])
    products = [node.op for node in made.nodes if isinstance(node.op, Product)]
    assert products == [Product()]
    tables = [node for node in made.nodes if isinstance(node.op, Lookup)]
    assert len(tables) == sum(shift != 0 for shift in shifts)


def test_leaves_plain_products_alone() -> None:
    graph = product(UInt(4), Int(3), (0, 0))
    assert UnshiftProducts().run(graph) is graph


def test_refuses_a_table_without_end() -> None:
    with pytest.raises(CompileError) as caught:
        UnshiftProducts().run(product(UInt(20), Int(3), (1, 0)))
    assert "error[P001]: an operand of this product has a zero point and 1048576 values" in str(
        caught.value
    )
