"""Let products take ranks of floating-point numbers, and everything before them work on these."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.arrange import Concat, Crop, Reorder, Upsample
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import Pool
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.windows import Windows
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import Real

_MOVES = (Crop, Reorder, Reshape, Transpose, Upsample, Windows)


@dataclass(frozen=True)
class AbsorbExpand(Pass):
    """Move the expansion of ranks into the products behind it.

    Ranks are narrower than fixed point and have the same order, so line buffers, pools and FIFOs
    had better hold them. An expansion that something else reads stays where it is, for that reader.

    Before: %f = expand(%r); %p = pad(%f); %w = windows(%p); %y = dense(%w)
    After:  %p = pad(%r); %w = windows(%p); %y = dense(%w) {ranks = ...}
    """

    name: ClassVar[str] = "absorb-expand"

    def run(self, graph: Graph) -> Graph:
        carried: dict[str, str] = {}  # from values of the old graph to ranks in the new one

        def visit(rewriter: Rewriter, node: Node) -> str | None:
            if isinstance(node.op, Expand):
                if _is_taken(graph, node, node.op.format):
                    carried[node.name] = rewriter.now(node.operands[0])
                return None
            formats = {_format_of(graph, operand) for operand in node.operands}
            if not carried.keys() >= set(node.operands) or len(formats) != 1:
                return None
            operands = tuple(carried[operand] for operand in node.operands)
            if isinstance(node.op, Dense) and _takes(node):
                op = replace(node.op, ranks=formats.pop())
                return rewriter.add(op, operands, node.loc, node.name)
            if _carries(node):
                carried[node.name] = rewriter.add(node.op, operands, node.loc, node.name)
            return None

        return rewrite(graph, visit)


def _format_of(graph: Graph, value: str) -> CustomFloat | None:
    """Return the format of the ranks that `value`, moved or not, is expanded from."""
    node = graph.producer(value)
    while node is not None and not isinstance(node.op, Expand):
        node = graph.producer(node.operands[0]) if _carries(node) else None
    return node.op.format if node is not None and isinstance(node.op, Expand) else None


def _is_taken(graph: Graph, node: Node, format_: CustomFloat) -> bool:
    """Return whether a product behind `node` can take ranks, through what carries them."""
    return any(
        _takes(user)
        or (
            _carries(user)
            and all(_format_of(graph, operand) == format_ for operand in user.operands)
            and _is_taken(graph, user, format_)
        )
        for user in graph.users[node.name]
    )


def _takes(node: Node) -> bool:
    return isinstance(node.op, Dense) and not node.op.cleared


def _carries(node: Node) -> bool:
    """Return whether a node gives the same of ranks as of the numbers they stand for."""
    if isinstance(node.type.elem, Real):
        return False
    if isinstance(node.op, Pad):
        return not any(node.op.value)  # of rank 0 and of nothing else is the number 0
    is_max = isinstance(node.op, Pool) and node.op.kind == "max"
    return is_max or isinstance(node.op, (*_MOVES, Concat))
