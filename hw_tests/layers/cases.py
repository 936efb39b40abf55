"""What the benches of generated layers simulate: single layers, and designs with their top level.

Invariant: every number of a case comes from a planner or the folding search, never from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bitmason.backends.budget import choose_within
from bitmason.backends.dataflow import build_design
from bitmason.backends.design import Design, End, FifoView, Layer, Port, Resources, Stream
from bitmason.backends.folding import Folder, Wiring
from bitmason.backends.hardware import WIRES
from bitmason.backends.layers import Options, Site, planner_of
from bitmason.backends.layers.arrange import plan_fork
from bitmason.backends.layers.width_converter import plan_width_converter
from bitmason.config import Config
from bitmason.diagnostics import Loc
from bitmason.ir import Builder, Folding, Graph, IntType, Op, TensorType
from bitmason.ir.graph import Node
from bitmason.ir.ops.windows import Windows

LOC = Loc("bench.onnx", "layer")
Cases = Mapping[str, "Case"]


@dataclass(frozen=True)
class Case:
    """A design of one layer, or of several behind its real top level, and what it computes.

    `takes` and `gives` are the types of the frames on each stream, `graph` says what comes of them;
    where it is None, every output is the input.
    """

    design: Design
    takes: tuple[TensorType, ...]
    gives: tuple[TensorType, ...]
    graph: Graph | None
    whole: bool = False

    @property
    def layer(self) -> Layer:
        """The layer under test, where it is one."""
        (layer,) = self.design.layers
        return layer


def _alone(
    name: str,
    layer: Layer,
    graph: Graph,
    types: tuple[Sequence[TensorType], Sequence[TensorType]],
    golden: Graph | None,
) -> Case:
    entering = [Stream(p, End("", i), End(layer.name, i)) for i, p in enumerate(layer.sources)]
    leaving = [Stream(p, End(layer.name, i), End("", i)) for i, p in enumerate(layer.sinks)]
    exits = graph.outputs * len(layer.sinks)
    streams = (*entering, *leaving)
    design = Design(name, graph, graph.inputs[0].name, exits, (layer,), streams)
    return Case(design, tuple(types[0]), tuple(types[1]), golden)


def case(
    name: str,
    op: Op,
    sources: TensorType | Sequence[TensorType],
    folding: Folding,
    **options: Any,
) -> Case:
    """Return a case for an op with a planner."""
    types = [sources] if isinstance(sources, TensorType) else list(sources)
    builder = Builder(name)
    operands = [builder.input(f"x{i}", type_, LOC) for i, type_ in enumerate(types)]
    graph = builder.finish([builder.add(op, operands, LOC, "layer")])
    (node,) = graph.nodes
    layer = planner_of(node).plan(Site(node, tuple(types), Options(**options)), folding)
    return _alone(name, layer, graph, (types, [node.type]), graph)


def window_case(
    name: str, image: TensorType, windows: Windows, reader: Op, folding: Folding, **options: Any
) -> Case:
    """Return a case for the window generator in front of `reader`, folded as the two agree."""
    graph = _windowed(name, image, (windows, reader), folding)
    config = Config(**options)
    wiring = Wiring(graph, graph.nodes, WIRES)
    chosen = choose_within(Folder(graph, graph.nodes, wiring, config), config, LOC)
    made = chosen["windows"]
    alone = replace(graph, nodes=(made.node,), outputs=("windows",))
    return _alone(name, made.layer, alone, ([image], [made.node.type]), alone)


def _windowed(name: str, image: TensorType, ops: Sequence[Op], folding: Folding) -> Graph:
    builder = Builder(name)
    value = builder.input("x", image, LOC)
    for op in ops[:-1]:
        value = builder.add(op, [value], LOC, op.name)
    return builder.finish([builder.add(ops[-1], [value], LOC, "last", folding)])


def width_case(
    name: str, elem: IntType, elements: int, taken: int, given: int, lanes: int = 1
) -> Case:
    """Return a case for a width converter; `taken` and `given` are elements of one lane."""
    builder = Builder(name)
    x = builder.input("x", TensorType((lanes, elements // lanes), elem), LOC)
    source = Port(elem, elements, taken * lanes, lanes)
    layer = plan_width_converter("layer", LOC, source, given)
    graph = builder.finish([x])
    types = [graph.inputs[0].type]
    return _alone(name, layer, graph, (types, types), None)


def fork_case(name: str, elem: IntType, elements: int, per_beat: int, copies: int) -> Case:
    """Return a case for a fork."""
    builder = Builder(name)
    x = builder.input("x", TensorType((elements,), elem), LOC)
    layer = plan_fork("layer", LOC, Port(elem, elements, per_beat), copies)
    graph = builder.finish([x])
    types = [graph.inputs[0].type]
    return _alone(name, layer, graph, (types, types * copies), None)


def fifo_case(name: str, elem: IntType, elements: int, depth: int, style: str) -> Case:
    """Return a case for a FIFO of single elements."""
    builder = Builder(name)
    x = builder.input("x", TensorType((elements,), elem), LOC)
    layer = _fifo("layer", Port(elem, elements, 1), depth, style)
    graph = builder.finish([x])
    types = [graph.inputs[0].type]
    return _alone(name, layer, graph, (types, types), None)


def _fifo(name: str, port: Port, depth: int, style: str) -> Layer:
    return Layer(
        name=name,
        op="fifo",
        engine=style,
        loc=LOC,
        folding=Folding(port.per_lane, mmv=port.lanes),
        sources=(port,),
        sinks=(port,),
        cycles=port.beats,
        resources=Resources(),
        view=FifoView(depth, style, "of the bench"),
    )


def chain_case(
    name: str, image: TensorType, ops: Sequence[Op], folding: Folding, **config: Any
) -> Case:
    """Return a case for a chain of operations, the last with `folding`, behind its real top."""
    return graph_case(_windowed(name, image, ops, folding), **config)


def graph_case(graph: Graph, **config: Any) -> Case:
    """Return a case for a graph of integers as the compiler builds it, behind its real top."""
    design = build_design(graph, Config(**config))
    types = [graph[name].type for name in (design.entry, *design.exits)]
    return Case(design, (types[0],), tuple(types[1:]), graph, whole=True)


def fed(one: Case) -> Design:
    """Return the design of a case with a single input, for the timing model.

    Several inputs are fed from one fork, through FIFOs without an end: as independent sources that
    always offer a beat, `feed_cycles` later.
    """
    design = one.design
    entering = [stream for stream in design.streams if not stream.producer.layer]
    if len(entering) == 1:
        return design
    port = design.source
    fork = plan_fork("feed", LOC, port, len(entering))
    streams = [Stream(port, End(""), End("feed"))]
    layers = [fork]
    for index, stream in enumerate(entering):
        fifo = _fifo(f"feed{index}", port, 1 << 20, "shift")
        layers.append(fifo)
        streams.append(Stream(port, End("feed", index), End(fifo.name)))
        streams.append(replace(stream, producer=End(fifo.name)))
    streams += [stream for stream in design.streams if stream.producer.layer]
    return replace(design, layers=(*layers, *design.layers), streams=tuple(streams))


def feed_cycles(one: Case) -> int:
    """Return how many cycles `fed` delays the inputs."""
    return 2 if len(one.takes) > 1 else 0


def nodes_of(graph: Graph) -> dict[str, Node]:
    """Return the nodes of a graph by name."""
    return {node.name: node for node in graph.nodes}
