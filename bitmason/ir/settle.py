"""Decide roundings exactly where float64 comes too close to a boundary to be trusted.

Invariant: the integers behind a chain are those of exact fractions, in the interpreter as in the
thresholds that tabulation makes; float64 only saves work where it cannot be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bitmason.ir.chain import Chain, trace
from bitmason.ir.graph import Graph
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.types import Array, Bipolar, IntArray, Real

# Far above the rounding errors of float64 in a chain, far below the distance of most positions.
_CLOSE = 1e-6
_HALVES = frozenset({"ROUND", "HALF_UP", "HALF_DOWN"})


def quantised_chains(graph: Graph) -> Mapping[str, Chain]:
    """Return, for each quantiser behind an integer tensor, the chain between the two."""
    found: dict[str, Chain] = {}
    for node in graph.nodes:
        if isinstance(node.op, Quantise):
            chain = trace(graph, node, fused=False)
            if isinstance(chain, Chain) and not isinstance(graph[chain.source].type.elem, Real):
                found[node.name] = chain
    return found


def settle(chain: Chain, source: Array, real: Array, codes: IntArray) -> IntArray:
    """Return `codes`, computed again in fractions in the frames where float64 is in doubt.

    Args:
        chain: ends in the quantiser that made `codes`.
        source: the integers that the chain starts from, `(frames, *frame)`.
        real: the operand of the quantiser, as float64 has it.
        codes: what the quantiser made of it.
    """
    op = chain.nodes[-1].op
    assert isinstance(op, Quantise)
    frames = np.flatnonzero(_doubtful(op, real).reshape(len(real), -1).any(axis=1))
    if not len(frames):
        return codes
    settled = codes.copy()
    settled[frames] = chain.evaluate(source[frames].astype(np.int64), exactly=True)
    return settled


def _doubtful(op: Quantise, real: Array) -> Array:
    """Return where a position is close to a number at which the rounding changes."""
    position = op.position(real).astype(np.float64)
    margin = _CLOSE * (1 + np.abs(position))
    if isinstance(op.out, Bipolar):
        return np.asarray(np.abs(position) <= margin)
    shifted = position - 0.5 if op.rounding in _HALVES else position
    near = np.abs(shifted - np.round(shifted)) <= margin
    return np.asarray(near & (position > op.out.lo - 1) & (position < op.out.hi + 1))
