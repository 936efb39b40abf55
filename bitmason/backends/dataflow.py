"""From a lowered graph to a design: find the hardware's part, fold it, join the layers.

Invariant: what leaves here is final; a backend adds no number of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bitmason.backends.budget import choose_within
from bitmason.backends.dense_ports import with_dense_ports
from bitmason.backends.design import Design, End, Layer, Port, Resources, Stream
from bitmason.backends.fifos import with_fifos
from bitmason.backends.folding import Candidate, Chosen, Folder, Wiring
from bitmason.backends.hardware import WIRES, Part, hardware_part
from bitmason.backends.layers.arrange import plan_fork
from bitmason.backends.layers.knobs import plan_knobs
from bitmason.backends.layers.registry import divisors
from bitmason.backends.layers.width_converter import adapt, plan_width_converter
from bitmason.config import Config
from bitmason.ir.graph import Folding, Graph, Value
from bitmason.ir.rewrite import drop_dead


def build_design(graph: Graph, config: Config) -> Design:
    """Return the design of a lowered graph.

    Raises:
        CompileError: P003 when nothing is integer, B003 when the integer part has an operation
            without hardware, B001 and B002 from the folding, B004 from the budget.
    """
    if config.bus_bits is not None:
        graph = with_dense_ports(graph, config.bus_bits // 8)
    part, wiring, folder = _folder(graph, config)
    chosen = choose_within(folder, config, graph.inputs[0].loc)
    net = _Net(graph, part, wiring, chosen, config)
    design = Design(
        name=graph.name,
        graph=_annotated(graph, chosen),
        entry=part.entry,
        exits=part.exits,
        layers=tuple(net.layers),
        streams=tuple(net.streams),
        clock_mhz=config.clock_mhz,
    )
    return with_fifos(_with_knobs(design))


def compare_engines(design: Design, config: Config) -> dict[str, tuple[Candidate, ...]]:
    """Return what each engine would make of each product, at the pace of the design."""
    _, _, folder = _folder(design.graph, config)
    return folder.compare(design.ii_cycles)


def _folder(graph: Graph, config: Config) -> tuple[Part, Wiring, Folder]:
    """Return the hardware's part of a graph, how its nodes are wired, and what folds them."""
    part = hardware_part(graph)
    nodes = [node for node in part.nodes if not isinstance(node.op, WIRES)]
    wiring = Wiring(graph, nodes, WIRES)
    return part, wiring, Folder(graph, nodes, wiring, config)


def _with_knobs(design: Design) -> Design:
    """Return `design` with a layer in front that gives each frame its settings, if it has any."""
    readers = [layer for layer in design.layers if layer.knobs]
    if not readers:
        return design
    ports = [layer.sources[-1] for layer in readers]
    taken = {layer.name for layer in design.layers}
    name = next(name for name in _numbered("knobs") if name not in taken)
    knobs = plan_knobs(name, design.graph[design.entry].loc, design.source, ports)
    streams = [Stream(design.source, End(""), End(name))]
    for stream in design.streams:
        entering = not stream.producer.layer
        streams.append(replace(stream, producer=End(name)) if entering else stream)
    for index, (layer, port) in enumerate(zip(readers, ports, strict=True), 1):
        streams.append(Stream(port, End(name, index), End(layer.name, len(layer.sources) - 1)))
    return replace(design, layers=(knobs, *design.layers), streams=tuple(streams))


def _annotated(graph: Graph, chosen: Mapping[str, Chosen]) -> Graph:
    """Return the graph with the folding of every node, and operations in the folding's blocks."""
    nodes = [
        replace(chosen[node.name].node, folding=chosen[node.name].layer.folding)
        if node.name in chosen
        else node
        for node in graph.nodes
    ]
    return drop_dead(graph.with_nodes(nodes))


class _Net:
    """The layers of a design and the streams between them, put together from the input on."""

    def __init__(
        self,
        graph: Graph,
        part: Part,
        wiring: Wiring,
        chosen: Mapping[str, Chosen],
        config: Config,
    ) -> None:
        self.layers: list[Layer] = []
        self.streams: list[Stream] = []
        self._graph, self._wiring = graph, wiring
        self._taken = set(chosen)
        self._readers = _readers(part, wiring, chosen)
        # Streams that are offered and not yet taken: by value, one for each of its readers.
        self._offered: dict[str, list[tuple[End, Port]]] = {}
        order = [node.name for node in part.nodes if node.name in chosen]
        self._offer(part.entry, End(""), self._entering(part, chosen, config))
        for name in order:
            layer = chosen[name].layer
            operands = chosen[name].node.operands
            wanted = layer.sources[: len(operands)]  # any more are for knobs
            ends = [
                self._adapted(value, port, layer.name)
                for value, port in zip(operands, wanted, strict=True)
            ]
            self._place(layer, ends)
            self._offer(name, End(layer.name), layer.sink)
        for index, name in enumerate(part.exits):
            end, port = self._leaving(wiring.origin(name))
            if not self.layers:
                end = self._register(port, self._graph[name])
            self.streams.append(Stream(port, end, End("", index)))

    def _entering(self, part: Part, chosen: Mapping[str, Chosen], config: Config) -> Port:
        """Return the input port: as the first reader takes it, if that is whole pixels."""
        type_ = self._graph[part.entry].type
        readers = [r for r in self._readers.get(part.entry, []) if r]
        if not readers:
            size = type_.size
            per_beat = next(d for d in divisors(size) if size // d <= config.cycles_wanted)
            return Port(type_.int_elem, size, per_beat)
        first = chosen[readers[0]]
        port = first.layer.sources[0]
        channels = type_.shape[-1] if type_.shape else 1
        lanes = port.lanes if port.lanes == 1 or port.per_lane == channels else 1
        per_beat = port.per_beat if lanes == port.lanes else port.per_lane
        return Port(type_.int_elem, type_.size, per_beat, lanes)

    def _leaving(self, value: str) -> tuple[End, Port]:
        """Return the stream of a result in plain element order: its lanes hold whole pixels."""
        end, port = self._take(value)
        type_ = self._graph[value].type
        channels = type_.shape[-1] if type_.shape else 1
        if port.lanes == 1 or port.per_lane == channels:
            return end, port
        name, loc = self._fresh(f"{value}_width"), self._graph[value].loc
        layer = plan_width_converter(name, loc, port, channels)
        self._place(layer, [(end, port)])
        return End(name), layer.sink

    def _register(self, port: Port, value: Value) -> End:
        """Place the single layer of a network that only quantises: it passes the integers on."""
        name = f"{value.name}_out"
        layer = Layer(
            name=name,
            op="register",
            engine="skid",
            loc=value.loc,
            folding=Folding(port.per_beat),
            sources=(port,),
            sinks=(port,),
            cycles=port.beats,
            resources=Resources(lut=port.width, ff=2 * port.width),
            view=None,
        )
        self._place(layer, [(End(""), port)])
        return End(name)

    def _offer(self, value: str, end: End, port: Port) -> None:
        """Offer a value to its readers, through a fork where there are several."""
        readers = len(self._readers.get(value, []))
        if readers > 1:
            layer = plan_fork(self._fresh(f"{value}_fork"), self._graph[value].loc, port, readers)
            self._place(layer, [(end, port)])
            self._offered[value] = [(End(layer.name, i), port) for i in range(readers)]
        else:
            self._offered[value] = [(end, port)]

    def _take(self, value: str) -> tuple[End, Port]:
        return self._offered[value].pop(0)

    def _adapted(self, value: str, wanted: Port, reader: str) -> tuple[End, Port]:
        """Return the stream of `value` in the beats that the layer `reader` takes."""
        origin = self._wiring.origin(value)
        end, port = self._take(origin)
        types = (self._graph[name].type for name in (origin, value))
        before, behind = (type_.shape[-1] if type_.shape else 1 for type_ in types)
        loc = self._graph[reader].loc
        for layer in adapt(self._names(f"{reader}_width"), loc, port, wanted, (before, behind)):
            self._place(layer, [(end, layer.source)])
            end, port = End(layer.name), layer.sink
        return end, port

    def _place(self, layer: Layer, ends: Sequence[tuple[End, Port]]) -> None:
        for index, (end, port) in enumerate(ends):
            self.streams.append(Stream(port, end, End(layer.name, index)))
        self.layers.append(layer)

    def _names(self, wanted: str) -> Iterator[str]:
        while True:
            yield self._fresh(wanted)

    def _fresh(self, wanted: str) -> str:
        """Return a name for a layer that no node of the user's has."""
        name = next(name for name in _numbered(wanted) if name not in self._taken)
        self._taken.add(name)
        return name


def _numbered(wanted: str) -> Iterator[str]:
    """Yield `wanted`, then the same with numbers behind it."""
    yield wanted
    for count in itertools.count(2):
        yield f"{wanted}_{count}"


def _readers(part: Part, wiring: Wiring, chosen: Mapping[str, Chosen]) -> dict[str, list[str]]:
    """Return who reads each value, past wires: layers once for each operand, "" for an exit."""
    found: dict[str, list[str]] = {}
    for node in part.nodes:
        if node.name in chosen:
            for operand in node.operands:
                found.setdefault(wiring.origin(operand), []).append(node.name)
    for name in part.exits:
        found.setdefault(wiring.origin(name), []).append("")
    return found
