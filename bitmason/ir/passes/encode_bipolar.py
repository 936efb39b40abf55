"""Turn products of bipolar values into counts and selections of bits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import Bipolar, IntArray


@dataclass(frozen=True)
class EncodeBipolar(Pass):
    """Count agreeing bits instead of summing +-1; the scale and offset that follow make up for it.

    With K columns, rows w and x = 2b - 1:
    Before: %y = dequantise(dense(%x, w)) {scale = s, offset = o}, %x bipolar
    After:  %y = dequantise(xnor_popcount(%x, w)) {scale = 2s, offset = o - K s}, w bipolar
            %y = dequantise(dense(bit(%x), w)) {scale = 2s, offset = o - s sum(w)}, w not
    """

    name: ClassVar[str] = "encode-bipolar"

    def run(self, graph: Graph) -> Graph:
        return rewrite(graph, _visit)


def _visit(rewriter: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, Dequantise):
        return None
    product = rewriter.graph.producer(node.operands[0])
    if product is None or not isinstance(product.op, Dense):
        return None
    x = rewriter.now(product.operands[0])
    if not isinstance(rewriter.type_of(x).elem, Bipolar):
        return None
    counted, correction = _count(rewriter, product, product.op, x)
    op = _corrected(node.op, correction)
    return rewriter.add(op, (counted,), node.loc, node.name)


def _count(rewriter: Rewriter, node: Node, dense: Dense, x: str) -> tuple[str, IntArray]:
    """Return the counting node and, per output, what to subtract from twice its result."""
    if isinstance(dense.weight, Bipolar):
        counted = rewriter.add(XnorPopcount(dense.weights), (x,), node.loc, node.name)
        return counted, np.array([dense.weights.shape[1]], dtype=np.int64)
    bits = rewriter.add(Bit(), (x,), node.loc, f"{x}_bit")
    selected = rewriter.add(dense, (bits,), node.loc, node.name)
    return selected, dense.weights.int64().sum(axis=1)


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
