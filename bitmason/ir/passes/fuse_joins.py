"""Read the sum or product of two small integers, and what follows, from one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.join import JoinLookup, Product, WeightedSum
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import IntArray, IntType

_LUT_BITS = 64  # what a LUT of six inputs stores, and so what one costs in bits of a table


@dataclass(frozen=True)
class FuseJoins(Pass):
    """Replace a join and the function behind it by a table, where the table costs less.

    The table costs its bits. The join costs 64 bits for each LUT: one for each bit that an adder
    makes, one for each product of two bits in a multiplier (of a factor other than +-1, or of the
    two operands), one for two bits of each threshold; thresholds and tables behind it cost the
    bits of their constants too.

    Before: %s = weighted_sum(%a, %b); %y = thresholds(%s)
    After:  %y = join_lookup(%a, %b)
    """

    name: ClassVar[str] = "fuse-joins"
    max_address_bits: int = 10
    max_table_entries: int = 2**14

    def run(self, graph: Graph) -> Graph:
        def visit(rewriter: Rewriter, node: Node) -> str | None:
            join = rewriter.graph.producer(node.operands[0]) if node.operands else None
            if not isinstance(node.op, Thresholds | Lookup) or join is None:
                return None
            if not isinstance(join.op, WeightedSum | Product) or _is_read_elsewhere(graph, join):
                return None
            return self._fused(rewriter, node, join)

        return rewrite(graph, visit)

    def _fused(self, rewriter: Rewriter, node: Node, join: Node) -> str | None:
        operands = tuple(rewriter.now(operand) for operand in join.operands)
        a, b = (rewriter.type_of(operand).int_elem for operand in operands)
        if a.bits + b.bits > self.max_address_bits:
            return None
        table = _table(node, join, a, b)
        entries = len(table) << (a.bits + b.bits)
        if entries > self.max_table_entries or entries * node.type.int_elem.bits > _cost(
            node, join, a, b
        ):
            return None
        span = a.hi - a.lo + 1
        op = JoinLookup(Const.integers(table), (a.lo, b.lo), span, node.type.int_elem)
        return rewriter.add(op, operands, node.loc, node.name)


def _is_read_elsewhere(graph: Graph, join: Node) -> bool:
    return len(graph.users[join.name]) != 1 or join.name in graph.outputs


def _table(node: Node, join: Node, a: IntType, b: IntType) -> IntArray:
    """Return the result for each `b` and `a`, in one row where all channels agree."""
    second, first = np.meshgrid(np.arange(b.lo, b.hi + 1), np.arange(a.lo, a.hi + 1), indexing="ij")
    channels = node.type.shape[-1]
    x, y = (np.repeat(part.reshape(-1, 1), channels, axis=1) for part in (first, second))
    rows: IntArray = node.op.evaluate(join.op.evaluate(x, y)).T
    return rows[:1] if np.all(rows == rows[:1]) else rows


def _cost(node: Node, join: Node, a: IntType, b: IntType) -> int:
    """Return what the join and the function behind it cost as they are, in bits of a table."""
    width = join.type.int_elem.bits
    if isinstance(join.op, WeightedSum):
        luts = width
        for factors, x in zip(join.op.factors.int64(), (a, b), strict=True):
            largest = int(np.abs(factors).max())
            luts += 0 if largest <= 1 else largest.bit_length() * x.bits
    else:
        luts = a.bits * b.bits
    if isinstance(node.op, Lookup):
        return _LUT_BITS * luts + node.op.table.array.size * node.type.int_elem.bits
    assert isinstance(node.op, Thresholds)
    channels, count = node.op.steps.shape
    steps, falls = node.op.steps.array, node.op.descending.array
    alike = bool(np.all(steps == steps[:1]) and np.all(falls == falls[0]))
    rows = 1 if alike else channels
    return _LUT_BITS * (luts + count * width // 2) + rows * count * width
