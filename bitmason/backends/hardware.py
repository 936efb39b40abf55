"""Which part of a lowered graph becomes hardware, and where data enter and leave it.

Invariant: the host's part before, the hardware and the host's part after make up the whole graph;
the hardware's part is integers only.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitmason.diagnostics import fail
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.words import Pack, Unpack
from bitmason.ir.types import Real

# The stream carries the same bits in the same order before and after these.
WIRES = (Bit, Reshape)
# What costs the host nothing on the results, or takes fewer bits before. Padding must not come last
# in hardware either: that of a frame goes out before the frame has come.
_LAST_ON_HOST = (Reshape, Transpose, Bit, Expand, Pad, Unpack)


@dataclass(frozen=True)
class Part:
    """The nodes of the hardware in order, the value that enters it, and those that leave it."""

    nodes: tuple[Node, ...]
    entry: str
    exits: tuple[str, ...]


def hardware_part(graph: Graph) -> Part:
    """Return the integer operations from the first quantiser to the last integers.

    Raises:
        CompileError: P003 when nothing is integer, B003 when integers enter at several places.
    """
    nodes = _without_last_orders(graph, _without_first_words(graph, _integer_nodes(graph)))
    names = {node.name for node in nodes}
    entries = {operand for node in nodes for operand in node.operands} - names
    if not nodes:
        quantisers = (Quantise, QuantiseFloat)
        entries = {node.name for node in graph.nodes if isinstance(node.op, quantisers)}
        entries |= {v.name for v in graph.inputs if not isinstance(v.type.elem, Real)}
    if not entries:
        fail("P003", "no layer of the network is integer arithmetic, so there is nothing to build")
    if len(entries) > 1:
        fail(
            "B003",
            f"the hardware would have {len(entries)} input streams, one is supported",
            loc=graph[max(entries)].loc,
            help="quantise the input once, and let every branch read the result",
        )
    entry = entries.pop()
    leaving = [name for name in (entry, *(n.name for n in nodes)) if _leaves(graph, name, names)]
    return Part(nodes, entry, tuple(leaving))


def _integer_nodes(graph: Graph) -> list[Node]:
    nodes: list[Node] = []
    on_host: set[str] = set()  # what follows the first real number behind an integer
    for node in graph.nodes:
        integers = [o for o in node.operands if not isinstance(graph[o].type.elem, Real)]
        if on_host.intersection(node.operands) or (integers and isinstance(node.type.elem, Real)):
            on_host.add(node.name)
        elif len(integers) == len(node.operands):
            nodes.append(node)
    return nodes


def _without_first_words(graph: Graph, nodes: list[Node]) -> list[Node]:
    """Leave the words that the hardware takes, and what they are made of, to the host."""
    first = next((node.name for node in nodes if isinstance(node.op, Pack)), None)
    if first is None:
        return nodes
    behind = graph.downstream(first) - {first}
    return [node for node in nodes if node.name in behind]


def _without_last_orders(graph: Graph, nodes: list[Node]) -> tuple[Node, ...]:
    """Leave to the host what only re-orders or pads the results, as it costs nothing there."""
    kept = {node.name: node for node in nodes}
    for node in reversed(nodes):
        read = any(user.name in kept for user in graph.users[node.name])
        if isinstance(node.op, _LAST_ON_HOST) and not read:
            del kept[node.name]
    return tuple(kept.values())


def _leaves(graph: Graph, name: str, inside: set[str]) -> bool:
    users = graph.users[name]
    return name in graph.outputs or any(user.name not in inside for user in users) or not users
