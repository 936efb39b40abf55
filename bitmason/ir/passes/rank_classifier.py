"""Let the hardware choose the label: ArgMax over integers instead of real numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.ir.chain import Chain, trace, varies_by_channel_only
from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.classifier import Softmax
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import IntArray, Real, TensorType, int_type


@dataclass(frozen=True)
class RankClassifier(Pass):
    """Take ArgMax on the integers of the last layer where that gives the same label, always.

    One positive scale for all channels keeps the order as it is. Otherwise every value that any
    channel can take is ranked exactly, and a table maps integers to ranks: order and ties stay.
    Softmax in between keeps the order too. Where the table would be too large, nothing changes
    and the host chooses the label.

    Before: %r = dequantise(%acc); %b = add_const(%r); %y = arg_max(%b)
    After:  %k = lookup(%acc); %y = arg_max(%k)
    """

    name: ClassVar[str] = "rank-classifier"
    max_table_entries: int = 2**14

    def run(self, graph: Graph) -> Graph:
        def visit(rewriter: Rewriter, node: Node) -> str | None:
            operand = rewriter.graph.producer(node.operands[0]) if node.operands else None
            if not isinstance(node.op, ArgMax) or operand is None:
                return None
            while isinstance(operand.op, Softmax) and operand.op.axis == -1:
                operand = rewriter.graph.producer(operand.operands[0])
                if operand is None:
                    return None
            return self._ranked(rewriter, node, operand)

        return rewrite(graph, visit)

    def _ranked(self, rewriter: Rewriter, node: Node, logits: Node) -> str | None:
        if not isinstance(logits.type.elem, Real):
            return None
        chain = trace(rewriter.graph, logits)
        if not isinstance(chain, Chain):
            return None
        source = rewriter.graph[chain.source].type
        if isinstance(source.elem, Real) or not varies_by_channel_only(chain, source.shape):
            return None
        x = rewriter.now(chain.source)
        if not _keeps_order(chain):
            span = source.elem.hi - source.elem.lo + 1
            if span * source.shape[-1] > self.max_table_entries:
                return None
            ranks = _ranks(chain, source, span)
            out = int_type(0, int(ranks.max()))
            table = Lookup(Const.integers(ranks), source.elem.lo, out)
            x = rewriter.add(table, (x,), node.loc, f"{node.name}_rank")
        return rewriter.add(node.op, (x,), node.loc, node.name)


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
