"""From a lowered graph to a design: find the hardware's part, fold it, join the layers.

Invariant: what leaves here is final; a backend adds no number of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bitmason.backends.design import Design, Layer, Port, Resources
from bitmason.backends.folding import choose_layers
from bitmason.backends.layers.registry import divisors
from bitmason.backends.layers.width_converter import plan_width_converter
from bitmason.config import Config
from bitmason.diagnostics import fail
from bitmason.ir.graph import Folding, Graph, Node, Value
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.ops.shape import Reshape
from bitmason.ir.types import Real

# The stream carries the same bits in the same order before and after these.
_WIRES = (Bit, Reshape)


def build_design(graph: Graph, config: Config) -> Design:
    """Return the design of a lowered graph.

    Raises:
        CompileError: P003 when nothing is integer, B003 when the integer part is not a chain of
            operations with hardware, B001 and B002 from the folding.
    """
    chain, entry = _integer_chain(graph)
    nodes = [node for node in chain if not isinstance(node.op, _WIRES)]
    exit_ = chain[-1].name if chain else entry.name
    chosen = choose_layers(graph, nodes, config) if nodes else [_register(entry, config)]
    folded = {layer.name: layer.folding for layer in chosen}
    annotated = graph.with_nodes(
        replace(node, folding=folded.get(node.name)) for node in graph.nodes
    )
    return Design(
        name=graph.name,
        graph=annotated,
        entry=entry.name,
        exit=exit_,
        layers=tuple(_joined(chosen)),
        clock_mhz=config.clock_mhz,
    )


def _integer_chain(graph: Graph) -> tuple[list[Node], Value]:
    """Return the integer operations from the first quantiser to the last integer, in order."""
    nodes: list[Node] = []
    on_host: set[str] = set()  # what follows the first real number behind an integer
    for node in graph.nodes:
        integers = [o for o in node.operands if not isinstance(graph[o].type.elem, Real)]
        if on_host.intersection(node.operands) or (integers and isinstance(node.type.elem, Real)):
            on_host.add(node.name)
        elif len(integers) == len(node.operands):
            nodes.append(node)
    entries = {o for node in nodes for o in node.operands} - {node.name for node in nodes}
    if not nodes:
        entries = {node.name for node in graph.nodes if isinstance(node.op, Quantise)}
        entries |= {v.name for v in graph.inputs if not isinstance(v.type.elem, Real)}
    if not entries:
        fail("P003", "no layer of the network is integer arithmetic, so there is nothing to build")
    if len(entries) > 1:
        fail(
            "B003",
            f"the hardware would have {len(entries)} input streams, one is supported",
            loc=graph[max(entries)].loc,
        )
    entry = graph[entries.pop()]
    expected = entry.name
    for node in nodes:
        if node.operands != (expected,):
            fail(
                "B003",
                "this layer is not the next in the chain of layers: branches are not supported",
                loc=node.loc,
                notes=[f"it reads %{', %'.join(node.operands)}, the chain has reached %{expected}"],
            )
        expected = node.name
    return nodes, entry


def _register(entry: Value, config: Config) -> Layer:
    """Return the single layer of a network that only quantises: it passes the integers on."""
    elem, size = entry.type.int_elem, entry.type.size
    per_beat = next(d for d in divisors(size) if size // d <= config.cycles_wanted)
    port = Port(elem, size, per_beat)
    return Layer(
        name=f"{entry.name}_out",
        op="register",
        engine="skid",
        loc=entry.loc,
        folding=Folding(per_beat),
        source=port,
        sink=port,
        cycles=port.beats,
        resources=Resources(lut=port.width, ff=2 * port.width),
        view=None,
    )


def _joined(layers: Sequence[Layer]) -> list[Layer]:
    """Return `layers` with a width converter wherever two beats differ."""
    joined = [layers[0]]
    taken = {layer.name for layer in layers}
    for layer in layers[1:]:
        above = joined[-1]
        if above.sink.per_beat != layer.source.per_beat:
            # The two ends may name the same bits differently (bipolar, uint1): the layer's counts.
            source = replace(above.sink, elem=layer.source.elem)
            name = f"{layer.name}_width"
            while name in taken:  # a node of the user's may be called so
                name += "_converter"
            taken.add(name)
            joined.append(plan_width_converter(name, layer.loc, source, layer.source.per_beat))
        joined.append(layer)
    return joined
