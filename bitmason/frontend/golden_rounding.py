"""How the golden model turns the operand of a quantiser of the file into integers.

Invariant: the graph's own operations do it, so that the executor's operand and the golden model's
are rounded by the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bitmason.ir import Bipolar, Const, Graph, Node, Op
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.rounding import HALVES
from bitmason.ir.types import Array, IntArray

QUANTISERS = Quantise | QuantiseFloat | Staircase
_ONE, _ZERO = Const(np.float64(1)), Const(np.float64(0))


@dataclass(frozen=True)
class Rounding:
    """The operations from a real value of the graph to integers, the first of which rounds."""

    operand: str
    ops: Sequence[Op]

    @classmethod
    def of(cls, graph: Graph, node: Node, *, truncates: bool) -> Rounding:
        """Return how `node`, a quantiser, comes to its integers.

        Args:
            graph: where `node` is.
            node: a Quantise or a Staircase.
            truncates: whether it is the second half of a Trunc, which rounds twice.
        """
        nodes = [node]
        while truncates and len(nodes) < _TRUNC_LENGTH:
            above = graph.producer(nodes[0].operands[0])
            if above is None or not isinstance(above.op, Quantise | Dequantise):
                break
            nodes.insert(0, above)
        return cls(nodes[0].operands[0], tuple(one.op for one in nodes))

    def codes(self, x: Array) -> IntArray:
        """Return the integers for the real numbers `x`."""
        for op in self.ops:
            x = op.evaluate(x)
        return x

    def codes_at(self, position: Array) -> IntArray:
        """Return the integers for places on the grid of the first rounding."""
        first, *others = self.ops
        if isinstance(first, Quantise):
            first = replace(first, scale=_ONE, zero_point=_ZERO)
        if isinstance(first, QuantiseFloat):
            first = replace(first, scale=_ONE)
        return Rounding(self.operand, (first, *others)).codes(position)

    def position(self, x: Array) -> Array:
        """Return where `x` lies on the grid of the first rounding."""
        first = self.ops[0]
        return first.position(x) if isinstance(first, Quantise | QuantiseFloat) else x

    @property
    def zero_point(self) -> Array:
        """Where the grid of the first rounding has 0."""
        first = self.ops[0]
        if isinstance(first, Quantise):
            return first.zero_point.array.astype(np.float64)
        return np.zeros(())

    def clamped(self, position: Array) -> Array:
        """Return `position`, with everything beyond the ends of the grid moved there."""
        first = self.ops[0]
        if isinstance(first, Quantise):
            return np.clip(position, first.out.lo, first.out.hi)
        if isinstance(first, QuantiseFloat):
            return np.clip(position, -first.format.greatest, first.format.greatest)
        return position

    def to_boundary(self, position: Array) -> Array:
        """Return how far each position is from the nearest place where the integer changes."""
        first = self.ops[0]
        if isinstance(first, Staircase):
            steps = np.sort(first.steps.array.astype(np.float64), axis=1)
            distances = (np.abs(position - steps[:, k]) for k in range(steps.shape[1]))
            nearest = np.full(position.shape, np.inf)
            for distance in distances:
                np.minimum(nearest, distance, out=nearest)
            return nearest
        if isinstance(first, QuantiseFloat):
            return first.to_turn(position)
        assert isinstance(first, Quantise), "the first operation rounds"
        if isinstance(first.out, Bipolar):
            return np.abs(position)
        halves = 0.5 if first.rounding in HALVES else 0.0
        return np.asarray(np.abs(position - halves - np.round(position - halves)))


_TRUNC_LENGTH = 3  # Quantise, Dequantise, Quantise
