"""Decide roundings exactly where float64 comes too close to a boundary to be trusted.

Invariant: the integers behind a chain are those of exact fractions, in the interpreter as in the
thresholds that tabulation makes; float64 only saves work where it cannot be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bitmason.ir.chain import Chain, Quantiser, trace, varying_axes
from bitmason.ir.graph import Graph
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.rounding import HALVES
from bitmason.ir.types import Array, Bipolar, IntArray, Real

# Far above the rounding errors of float64 in a chain, far below the distance of most positions.
_CLOSE = 1e-6
# The same for sums that cancel, in parts of a format's largest number: beside its smallest number,
# 2**-30 of that at most, little is close.
_CANCELLED = 1e-12


def quantised_chains(graph: Graph) -> Mapping[str, Chain]:
    """Return, for each quantiser behind an integer tensor, the chain between the two."""
    found: dict[str, Chain] = {}
    for node in graph.nodes:
        if isinstance(node.op, Quantiser):
            chain = trace(graph, node, fused=False)
            if isinstance(chain, Chain) and not isinstance(graph[chain.source].type.elem, Real):
                found[node.name] = chain
    return found


def settle(chain: Chain, source: Array, real: Array, codes: IntArray) -> IntArray:
    """Return `codes`, computed again in fractions where float64 is in doubt.

    Args:
        chain: ends in the quantiser that made `codes`.
        source: the integers that the chain starts from, `(frames, *frame)`.
        real: the operand of the quantiser, as float64 has it.
        codes: what the quantiser made of it.
    """
    doubtful = _doubtful(chain, real)
    if not doubtful.any():
        return codes
    if varying_axes(chain) == 1:
        return _settle_values(chain, source, doubtful, codes)
    frames = np.flatnonzero(doubtful.reshape(len(real), -1).any(axis=1))
    settled = codes.copy()
    settled[frames] = chain.evaluate(source[frames].astype(np.int64), exactly=True)
    return settled


def _settle_values(chain: Chain, source: Array, doubtful: Array, codes: IntArray) -> IntArray:
    """Settle each value of each channel once: a large image holds few different ones."""
    channels = source.shape[-1] if source.ndim > 1 else 1
    at = np.nonzero(doubtful.reshape(-1, channels))
    x = source.reshape(-1, channels)[at].astype(np.int64)
    low = int(x.min())
    span = int(x.max()) - low + 1
    keys, place = np.unique(at[1] * span + (x - low), return_inverse=True)
    channel, value = keys // span, keys % span + low
    row = np.arange(len(keys)) - np.searchsorted(channel, channel)
    grid = np.full((int(row.max()) + 1, channels), low, dtype=np.int64)
    grid[row, channel] = value
    frame = (*(1 for _ in source.shape[1:-1]), channels) if source.ndim > 1 else ()
    exact = chain.evaluate(grid.reshape(len(grid), *frame), exactly=True)
    settled = codes.copy()
    settled.reshape(-1, channels)[at] = exact.reshape(-1, channels)[row, channel][place]
    return settled


def _doubtful(chain: Chain, real: Array) -> Array:
    """Return where a position is close to a number at which the quantiser's result changes."""
    op = chain.nodes[-1].op
    if isinstance(op, Staircase):
        return _near_a_step(op, real)
    if isinstance(op, QuantiseFloat):
        position = op.position(real)
        margin = _CLOSE * np.abs(position) + _CANCELLED * op.format.greatest
        return np.asarray(op.to_turn(position) <= margin)
    assert isinstance(op, Quantise)
    position = op.position(real).astype(np.float64)
    margin = _CLOSE * (1 + np.abs(position))
    if isinstance(op.out, Bipolar):
        return np.asarray(np.abs(position) <= margin)
    shifted = position - 0.5 if op.rounding in HALVES else position
    near = np.abs(shifted - np.round(shifted)) <= margin
    return np.asarray(near & (position > op.out.lo - 1) & (position < op.out.hi + 1))


def _near_a_step(op: Staircase, real: Array) -> Array:
    margin = _CLOSE * (1 + np.abs(real))
    near = np.zeros(real.shape, dtype=bool)
    for step in op.steps.array.astype(np.float64).T:
        near |= np.abs(real - step) <= margin
    return near
