"""Take the zero points out of products of two streams, so that the hardware only multiplies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.join import Product
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import int_type


@dataclass(frozen=True)
class UnshiftProducts(Pass):
    """Subtract zero points by a table in front of a product.

    Before: %y = product(%a, %b) {shifts = (3, 0)}
    After:  %y_a = lookup(%a); %y = product(%y_a, %b)
    """

    name: ClassVar[str] = "unshift-products"
    max_table_entries: int = 2**14

    def run(self, graph: Graph) -> Graph:
        def visit(rewriter: Rewriter, node: Node) -> str | None:
            if not isinstance(node.op, Product) or node.op.shifts == (0, 0):
                return None
            a, b = (rewriter.now(operand) for operand in node.operands)
            first, second = node.op.shifts
            a = self._shifted(rewriter, node, a, first, "a")
            b = self._shifted(rewriter, node, b, second, "b")
            return rewriter.add(Product(), (a, b), node.loc, node.name)

        return rewrite(graph, visit)

    def _shifted(self, rewriter: Rewriter, node: Node, x: str, shift: int, side: str) -> str:
        if shift == 0:
            return x
        elem = rewriter.type_of(x).int_elem
        span = elem.hi - elem.lo + 1
        if span > self.max_table_entries:
            fail(
                "P001",
                f"an operand of this product has a zero point and {span} values, at most "
                f"{self.max_table_entries} are allowed",
                loc=node.loc,
                help="quantise it to fewer bits, or without a zero point",
            )
        values = np.arange(elem.lo, elem.hi + 1, dtype=np.int64) - shift
        out = int_type(int(values[0]), int(values[-1]))
        table = Lookup(Const.integers(values[np.newaxis]), elem.lo, out)
        return rewriter.add(table, (x,), node.loc, f"{node.name}_{side}")
