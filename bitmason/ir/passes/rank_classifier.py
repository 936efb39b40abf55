"""Let the hardware choose the label: ArgMax over integers instead of real numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.ir.chain import ELEMENTWISE, Chain, trace, varying_axes
from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.arrange import Reorder
from bitmason.ir.ops.classifier import Softmax
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.permutation import is_identity, smallest_block, split
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import IntArray, Real, TensorType, int_type


@dataclass(frozen=True)
class RankClassifier(Pass):
    """Take ArgMax on the integers of the last layer where that gives the same label, always.

    One positive scale for all channels keeps the order as it is. Otherwise every value that any
    channel can take is ranked exactly, and a table maps integers to ranks: order and ties stay.
    Softmax in between keeps the order too, and so does what moves whole vectors of logits: an image
    of them has a label for each pixel. Where the table would be too large, nothing changes
    and the host chooses the label.

    Before: %r = dequantise(%acc); %b = add_const(%r); %y = arg_max(%b)
    After:  %k = lookup(%acc); %y = arg_max(%k)
    """

    name: ClassVar[str] = "rank-classifier"
    max_table_entries: int = 2**14

    def run(self, graph: Graph) -> Graph:
        def visit(rewriter: Rewriter, node: Node) -> str | None:
            if not isinstance(node.op, ArgMax):
                return None
            logits, order = _logits(rewriter.graph, node)
            ranked = self._ranked(rewriter, node, logits)
            if ranked is None:
                return None
            label = rewriter.add(node.op, (ranked,), node.loc, node.name)
            if not is_identity(order):
                reorder = Reorder(Const.integers(smallest_block(order)), node.type.shape)
                return rewriter.add(reorder, (label,), node.loc, f"{node.name}_order")
            if rewriter.type_of(label).shape != node.type.shape:
                return rewriter.add(Reshape(node.type.shape), (label,), node.loc, node.name)
            return label

        return rewrite(graph, visit)

    def _ranked(self, rewriter: Rewriter, node: Node, logits: Node | None) -> str | None:
        """Return integers that are in the order of `logits`, ties included."""
        if logits is None:
            return None
        chain = trace(rewriter.graph, logits)
        if not isinstance(chain, Chain):
            return None
        x = rewriter.now(chain.source)
        source = rewriter.type_of(x)
        if isinstance(source.elem, Real) or varying_axes(chain) > 1:
            return None
        if _keeps_order(chain):
            return x
        span = source.elem.hi - source.elem.lo + 1
        if span * source.shape[-1] > self.max_table_entries:
            return None
        ranks = _ranks(chain, source, span)
        table = Lookup(Const.integers(ranks), source.elem.lo, int_type(0, int(ranks.max())))
        return rewriter.add(table, (x,), node.loc, f"{node.name}_rank")


def _logits(graph: Graph, label: Node) -> tuple[Node | None, IntArray]:
    """Return what makes the vectors that `label` ranks, and the order in which it sees them.

    Moves that keep every vector whole lie between, and a softmax over them, which keeps the order
    of their elements.
    """
    order = np.arange(label.type.size)
    node = graph.producer(label.operands[0])
    while node is not None:
        (x, *_) = graph.operand_types(node)
        if isinstance(node.op, Reshape | Transpose):
            moved = node.op.evaluate(np.arange(x.size).reshape(1, *x.shape)).reshape(-1)
            parts = split(moved, node.type.shape[-1]) if node.type.shape else None
            if x.shape[-1:] != node.type.shape[-1:] or parts is None or not is_identity(parts[1]):
                break
            order = parts[0][order]
        elif not isinstance(node.op, Softmax) or node.op.axis != -1:
            break
        node = graph.producer(node.operands[0])
    if node is None or not isinstance(node.op, ELEMENTWISE) or not isinstance(node.type.elem, Real):
        return None, order
    return node, order


def _keeps_order(chain: Chain) -> bool:
    (first, *rest) = chain.nodes
    op = first.op
    if rest or not isinstance(op, Dequantise):
        return False
    return len(op.scale) == 1 and op.scale[0] > 0 and len(op.offset) == 1


def _ranks(chain: Chain, source: TensorType, span: int) -> IntArray:
    """Return, per channel and integer, the rank of its value among all values of all channels."""
    channels = source.shape[-1]
    grid = np.arange(span, dtype=np.int64)[:, np.newaxis] + source.int_elem.lo
    frame = (*(1 for _ in source.shape[:-1]), channels)
    values = chain.evaluate(np.repeat(grid, channels, axis=1).reshape(span, *frame), exactly=True)
    flat = values.reshape(span, channels).T.reshape(-1).tolist()
    rank_of = {value: rank for rank, value in enumerate(sorted(set(flat)))}
    return np.array([rank_of[value] for value in flat], dtype=np.int64).reshape(channels, span)
