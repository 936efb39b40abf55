"""Cut a graph at some of its values: what the host does before, the hardware, the host after.

Invariant: running the three parts one after the other is running the graph.
"""

from __future__ import annotations

from collections.abc import Sequence

from bitmason.ir.graph import Graph, Input
from bitmason.ir.rewrite import drop_dead


def before(graph: Graph, *cuts: str) -> Graph:
    """Return the part of `graph` that computes the values `cuts` from the inputs."""
    return drop_dead(graph.with_nodes(graph.nodes, cuts))


def between(graph: Graph, first: str, lasts: Sequence[str]) -> Graph:
    """Return the part that computes `lasts` from `first`."""
    return before(after(graph, (first,)), *lasts)


def after(graph: Graph, cuts: Sequence[str]) -> Graph:
    """Return the part that computes the outputs from the values `cuts`."""
    inputs = tuple(Input(cut, graph[cut].type, graph[cut].loc) for cut in cuts)
    reached = frozenset().union(*(graph.downstream(cut) for cut in cuts)).difference(cuts)
    nodes = tuple(node for node in graph.nodes if node.name in reached)
    return drop_dead(Graph(graph.name, inputs, nodes, graph.outputs))
