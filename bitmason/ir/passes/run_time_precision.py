"""Let the precision of products change from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from bitmason.diagnostics import CompileError, Diagnostic, fail
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.rewrite import Pass, Rewriter, rewrite


@dataclass(frozen=True)
class RunTimePrecision(Pass):
    """Let bit planes of weights and operand be left out while the hardware runs, where wanted.

    The type of the product then holds whatever any number of planes makes of it, and so does all
    that is made for that type. `everywhere` it is wanted that precision has something to change
    (more than one plane of weights or operand), `layers` tell for single ones, by name.

    Before: %y = dense(%x)
    After:  %y = dense(%x) {cleared = (0, 0)}
    """

    name: ClassVar[str] = "run-time-precision"
    everywhere: bool = False
    layers: tuple[tuple[str, bool], ...] = ()

    def run(self, graph: Graph) -> Graph:
        named = dict(self.layers)

        def visit(rewriter: Rewriter, node: Node) -> str | None:
            if not isinstance(node.op, Dense | Depthwise | XnorPopcount):
                return None
            asked = named.get(node.name, named.get(node.loc.node))
            if not (self.everywhere if asked is None else asked):
                return None
            x = rewriter.now(node.operands[0])
            bits = rewriter.type_of(x).int_elem.bits
            if isinstance(node.op, XnorPopcount) or node.op.stored.bits * bits == 1:
                return None if asked is None else _refuse(node)
            op = replace(node.op, cleared=(0, 0))
            try:
                return rewriter.add(op, (x,), node.loc, node.name)
            except CompileError as error:  # of a sum that any number of planes may make
                raise CompileError([_placed(found, node) for found in error.diagnostics]) from None

        return rewrite(graph, visit)


def _placed(found: Diagnostic, node: Node) -> Diagnostic:
    return replace(found, loc=node.loc, help="leave run_time_precision out for this layer")


def _refuse(node: Node) -> str:
    fail(
        "B001",
        f"run_time_precision = true is not possible for this '{node.op.name}' layer",
        loc=node.loc,
        notes=["its weights and its inputs have one bit each"],
        help="leave run_time_precision out",
    )
