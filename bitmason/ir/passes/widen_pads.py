"""Give padded images the type that their padding needs: the hardware only inserts pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.pad import Pad
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import Bipolar, IntType, Real


@dataclass(frozen=True)
class WidenPads(Pass):
    """Recode by a table in front of a pad what has other bits behind it.

    Before: %y = pad(%x) {value = (0)} : int2    (%x bipolar, or with fewer bits)
    After:  %y_in = lookup(%x) : int2; %y = pad(%y_in)
    """

    name: ClassVar[str] = "widen-pads"
    max_table_entries: int = 2**14

    def run(self, graph: Graph) -> Graph:
        def visit(rewriter: Rewriter, node: Node) -> str | None:
            if not isinstance(node.op, Pad):
                return None
            x = rewriter.now(node.operands[0])
            elem, wanted = rewriter.type_of(x).elem, node.type.elem
            if isinstance(elem, Real) or isinstance(wanted, Real) or _same_bits(elem, wanted):
                return None
            span = elem.hi - elem.lo + 1
            if span > self.max_table_entries:
                fail(
                    "P001",
                    f"the padding is none of the {span} values of the image, and a table that "
                    f"makes room for it may have {self.max_table_entries} at most",
                    loc=node.loc,
                    help="quantise the image to fewer bits in front of this layer",
                )
            table = Const.integers(np.arange(elem.lo, elem.hi + 1, dtype=np.int64)[np.newaxis])
            made = rewriter.add(Lookup(table, elem.lo, wanted), (x,), node.loc, f"{node.name}_in")
            return rewriter.add(node.op, (made,), node.loc, node.name)

        return rewrite(graph, visit)


def _same_bits(elem: IntType, wanted: IntType) -> bool:
    """Return whether every value of `elem` has the same bits as one of `wanted`."""
    if isinstance(elem, Bipolar) or isinstance(wanted, Bipolar):
        return elem == wanted
    return (elem.bits, elem.lo < 0) == (wanted.bits, wanted.lo < 0) and type(elem) is type(wanted)
