"""Run a graph: the golden model that every backend is held to.

Invariant: all meaning is in `Op.evaluate`; this file only walks the nodes. Behind integers, real
numbers are exact: float64 computes them, and fractions decide where it could be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from bitmason.ir.chain import Chain
from bitmason.ir.graph import Graph, Value
from bitmason.ir.settle import quantised_chains, settle
from bitmason.ir.types import Array

# Enough for BLAS to be busy, little enough for memory; measured on 784-wide MLPs and on CNV.
_CHUNK_FRAMES = 2048
_CHUNK_BYTES = 2**26  # of the largest tensor
_BYTES = 4  # of an element: most are narrower, real numbers are wider


def run(graph: Graph, feeds: Mapping[str, Array]) -> tuple[Array, ...]:
    """Return the outputs of `graph` for a batch of frames.

    Args:
        graph: any graph, imported or lowered.
        feeds: one array `(frames, *shape)` per input of the graph.
    """
    lengths = {len(array) for array in feeds.values()}
    assert len(lengths) == 1, f"inputs of {sorted(lengths)} frames"
    (frames,) = lengths
    values: list[Value] = [*graph.inputs, *graph.nodes]
    largest = max(value.type.size * _BYTES for value in values)
    at_once = max(1, min(_CHUNK_FRAMES, _CHUNK_BYTES // max(1, largest)))
    chunks = [
        run_all(
            graph,
            {name: array[start : start + at_once] for name, array in feeds.items()},
            keep=graph.outputs,
        )
        for start in range(0, max(frames, 1), at_once)
    ]
    return tuple(np.concatenate([chunk[name] for chunk in chunks]) for name in graph.outputs)


def run_all(
    graph: Graph, feeds: Mapping[str, Array], keep: Iterable[str] | None = None
) -> dict[str, Array]:
    """Return every value of `graph`, or those in `keep`; the rest is dropped after its last use."""
    kept = None if keep is None else set(keep)
    chains = quantised_chains(graph)
    reads = {node.name: {*node.operands, *_source(chains, node.name)} for node in graph.nodes}
    last_use = {name: node.name for node in graph.nodes for name in reads[node.name]}
    values: dict[str, Array] = {value.name: feeds[value.name] for value in graph.inputs}
    for node in graph.nodes:
        result = node.op.evaluate(*(values[operand] for operand in node.operands))
        if node.name in chains:
            chain = chains[node.name]
            result = settle(chain, values[chain.source], values[node.operands[0]], result)
        values[node.name] = result
        if kept is not None:
            done = {name for name in reads[node.name] if last_use[name] == node.name}
            for name in done - kept:
                del values[name]
    return values if kept is None else {name: values[name] for name in kept}


def _source(chains: Mapping[str, Chain], name: str) -> tuple[str, ...]:
    return (chains[name].source,) if name in chains else ()
