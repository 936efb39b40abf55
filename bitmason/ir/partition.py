"""Cut a graph at two of its values: what the host does before, the hardware, the host after.

Invariant: running the three parts one after the other is running the graph.
"""

from __future__ import annotations

from bitmason.ir.graph import Graph, Input
from bitmason.ir.rewrite import drop_dead


def before(graph: Graph, cut: str) -> Graph:
    """Return the part of `graph` that computes the value `cut` from the inputs."""
    return drop_dead(graph.with_nodes(graph.nodes, (cut,)))


def between(graph: Graph, first: str, last: str) -> Graph:
    """Return the part that computes `last` from `first`."""
    return before(after(graph, first), last)


def after(graph: Graph, cut: str) -> Graph:
    """Return the part that computes the outputs from the value `cut`."""
    value = graph[cut]
    reached = graph.downstream(cut) - {cut}
    nodes = tuple(node for node in graph.nodes if node.name in reached)
    return Graph(graph.name, (Input(cut, value.type, value.loc),), nodes, graph.outputs)
