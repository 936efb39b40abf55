"""Turn products of bipolar values into counts and selections of bits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.arrange import Crop, Reorder, Upsample
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.pooling import GlobalPool, Pool
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import Bipolar, IntArray, int_type

# What may stand between a product and its scale: it moves or pools integers, but adds nothing.
_PASSED = (Crop, GlobalPool, Pool, Reorder, Reshape, Transpose, Upsample, Windows)


@dataclass(frozen=True)
class EncodeBipolar(Pass):
    """Count agreeing bits instead of summing +-1; the scale and offset that follow make up for it.

    With K columns, rows w and x = 2b - 1:
    Before: %y = dequantise(dense(%x, w)) {scale = s, offset = o}, %x bipolar
    After:  %y = dequantise(xnor_popcount(%x, w)) {scale = 2s, offset = o - K s}, w bipolar
            %y = dequantise(dense(bit(%x), w)) {scale = 2s, offset = o - s sum(w)}, w not
    A depthwise product selects bits too, also where its weights are bipolar: its channels lie side
    by side, while an xnor_popcount takes one group after the other. Pools and moves may stand in
    between: they carry the correction along. Where anything else reads the product, it stays,
    with a table in front that makes numbers of two bits.
    """

    name: ClassVar[str] = "encode-bipolar"

    def run(self, graph: Graph) -> Graph:
        corrections: dict[str, IntArray] = {}

        def visit(rewriter: Rewriter, node: Node) -> str | None:
            if isinstance(node.op, Dense | Depthwise):
                return _counted(rewriter, node, node.op, corrections)
            if isinstance(node.op, Dequantise) and node.operands[0] in corrections:
                op = _corrected(node.op, corrections[node.operands[0]])
                return rewriter.add(op, (rewriter.now(node.operands[0]),), node.loc, node.name)
            return None

        return rewrite(graph, visit)


def _counted(
    rewriter: Rewriter, node: Node, op: Dense | Depthwise, corrections: dict[str, IntArray]
) -> str | None:
    """Count instead of `op`, if all that reads the result can be told what to subtract."""
    x = rewriter.now(node.operands[0])
    if not isinstance(rewriter.type_of(x).elem, Bipolar):
        return None
    counts = isinstance(op, Dense) and isinstance(op.weight, Bipolar)
    correction = [op.weights.shape[1]] if counts else op.weights.int64().sum(axis=1)
    found = _spread(rewriter.graph, node, np.array(correction, dtype=np.int64))
    if found is None:  # what reads the product cannot make up for counts: sum the very +-1
        return rewriter.add(op, (_numbers(rewriter, node),), node.loc, node.name)
    corrections |= found
    if isinstance(op, Dense) and counts:
        return rewriter.add(XnorPopcount(op.weights, op.groups), (x,), node.loc, node.name)
    bits = rewriter.add(Bit(), (x,), node.loc, f"{x}_bit")
    return rewriter.add(op, (bits,), node.loc, node.name)


def _numbers(rewriter: Rewriter, node: Node) -> str:
    """Return the operand of `node` in two bits; windows stay right in front of their product."""
    table = Lookup(Const.integers(np.array([[-1, 0, 1]])), -1, int_type(-1, 1))
    above = rewriter.graph.producer(node.operands[0])
    if above is None or not isinstance(above.op, Windows):
        x = rewriter.now(node.operands[0])
        return rewriter.add(table, (x,), node.loc, f"{x}_number")
    x = rewriter.now(above.operands[0])
    made = rewriter.add(table, (x,), node.loc, f"{x}_number")
    return rewriter.add(above.op, (made,), above.loc, above.name)


def _spread(graph: Graph, node: Node, correction: IntArray) -> dict[str, IntArray] | None:
    """Return what to subtract from twice the counts in `node`, and in all that they flow through.

    None where they flow to something else than a scale, or into the network's outputs.
    """
    found = {node.name: correction}
    for user in graph.users[node.name]:
        if isinstance(user.op, Dequantise):
            continue
        moved = _moved(user, graph[node.name].type.shape, correction)
        beyond = None if moved is None else _spread(graph, user, moved)
        if beyond is None:
            return None
        found |= beyond
    return None if node.name in graph.outputs else found


def _moved(user: Node, frame: tuple[int, ...], correction: IntArray) -> IntArray | None:
    """Return the correction behind `user`, one or one per channel, or None if it has no such."""
    if not isinstance(user.op, _PASSED) or not user.type.shape:
        return None
    whole = np.ascontiguousarray(np.broadcast_to(correction, (1, *frame)))
    moved: IntArray = user.op.evaluate(whole).reshape(-1, user.type.shape[-1])
    fallen = user.op.evaluate(-whole).reshape(moved.shape)
    # A maximum of different corrections is no correction: it would not mirror.
    if np.any(moved != moved[:1]) or np.any(moved != -fallen):
        return None
    row: IntArray = moved[0]
    return row[:1] if np.all(row == row[0]) else row


def _corrected(op: Dequantise, correction: IntArray) -> Dequantise:
    count = max(len(op.scale), len(op.offset), len(correction))
    scale = _stretch(op.scale, count)
    subtract = [int(value) for value in np.broadcast_to(correction, (count,))]
    offset = tuple(
        o - s * c for o, s, c in zip(_stretch(op.offset, count), scale, subtract, strict=True)
    )
    return Dequantise(tuple(2 * s for s in op.scale), _shrink(offset))


def _stretch(values: tuple[Fraction, ...], count: int) -> tuple[Fraction, ...]:
    return values * count if len(values) == 1 else values


def _shrink(values: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    return values[:1] if len(set(values)) == 1 else values
