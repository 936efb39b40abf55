"""The whole design in SystemVerilog: layer modules, the top level, wrapper, memories, file list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from bitmason.backends.design import Design, End, Layer, Port
from bitmason.backends.emission import EMITTERS, Parameter, Vector
from bitmason.backends.names import ModuleNames
from bitmason.backends.packing import pack_words
from bitmason.backends.render import TEMPLATES, render
from bitmason.backends.sv.memories import memories_of
from bitmason.ir.graph import Node
from bitmason.ir.types import Bipolar, Int, UInt
from bitmason.version import __version__

_LIBRARY = TEMPLATES / "sv" / "lib"
_CELL = re.compile(r"\bbm_\w+")
_COMMENT = re.compile(r"//.*")


@dataclass(frozen=True)
class PortView:
    """A port of a module as a template sees it, and the stream at it."""

    name: str
    width: int
    padded: int
    beats: int
    comment: str
    stream: str = ""
    data: str = ""
    mark: str = ""


@dataclass(frozen=True)
class StreamView:
    """A stream inside the top level as its template sees it."""

    name: str
    width: int
    comment: str


@dataclass(frozen=True)
class WideningView:
    """Elements of a stream that a layer takes in more bits."""

    name: str
    stream: str
    width: int
    count: int
    in_bits: int
    out_bits: int
    code: str
    comment: str


@dataclass(frozen=True)
class LayerView:
    """A layer module as its template sees it."""

    module: str
    instance: str
    cell: str
    summary: str
    loc: str
    version: str
    sources: tuple[PortView, ...]
    sinks: tuple[PortView, ...]
    parameters: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, int], ...]
    replicas: int
    packed: bool


@dataclass(frozen=True)
class TopView:
    """The top level as its template sees it."""

    module: str
    wrapper: str
    version: str
    network: str
    source: PortView
    sinks: tuple[PortView, ...]
    streams: tuple[StreamView, ...]
    widenings: tuple[WideningView, ...]
    layers: tuple[LayerView, ...]
    ii_cycles: int


@dataclass(frozen=True)
class SvFiles:
    """The RTL of a design: file name -> text, in compilation order, memories last.

    `sinks` are the names of the output streams.
    """

    top: str
    sources: dict[str, str]
    memories: dict[str, str]
    sinks: tuple[str, ...]


def emit_sv(design: Design) -> SvFiles:
    """Return every file of the design's RTL."""
    names = ModuleNames(design.name)
    nodes = {node.name: node for node in design.graph.nodes}
    memories: dict[str, str] = {}
    modules: dict[str, str] = {}
    views: list[LayerView] = []
    wires = _Wires(design)
    for layer in design.layers:
        view, files = _layer(layer, nodes.get(layer.name), names.layer(layer.name), wires)
        views.append(view)
        memories.update(files)
        modules[f"{view.module}.sv"] = render("sv/layer.sv.j2", view)
    top = TopView(
        module=names.top,
        wrapper=names.wrapper,
        version=__version__,
        network=design.name,
        source=wires.source,
        sinks=wires.sinks,
        streams=wires.streams,
        widenings=tuple(wires.widenings),
        layers=tuple(views),
        ii_cycles=design.ii_cycles,
    )
    modules[f"{names.top}.sv"] = render("sv/top.sv.j2", top)
    cells = _cells_used("".join(modules.values()))
    sources = {f"lib/{cell}.sv": _library()[cell] for cell in cells} | modules
    sources[f"{names.wrapper}.v"] = render("sv/wrapper.v.j2", top)
    return SvFiles(names.top, sources, memories, tuple(port.name for port in wires.sinks))


class _Wires:
    """The streams of the top level, by the ports at their ends."""

    def __init__(self, design: Design) -> None:
        self._into: dict[End, tuple[str, Port]] = {}
        self._out_of: dict[End, str] = {}
        self.widenings: list[WideningView] = []
        views: list[StreamView] = []
        for index, stream in enumerate(design.streams):
            name = f"stream{index}"
            views.append(StreamView(name, stream.port.width, str(stream.port)))
            self._into[stream.consumer] = (name, stream.port)
            self._out_of[stream.producer] = name
        self.streams = tuple(views)
        self.source = _port("s_axis", design.source, self._out_of[End("")])
        self.sinks = tuple(
            replace(
                _port(sink_name(index), port, self._into[End("", index)][0]),
                mark=f"frame_mark{index or ''}",
            )
            for index, port in enumerate(design.sinks)
        )

    def sources_of(self, layer: Layer) -> tuple[PortView, ...]:
        """Return the inputs of a layer."""
        found: list[PortView] = []
        for index, port in enumerate(layer.sources):
            stream, given = self._into[End(layer.name, index)]
            name = "s_axis" if len(layer.sources) == 1 else f"s{index}_axis"
            view = _port(name, port, stream)
            if port.width != given.width:
                view = replace(view, data=self._widened(stream, given, port))
            found.append(view)
        return tuple(found)

    def sinks_of(self, layer: Layer) -> tuple[PortView, ...]:
        """Return the outputs of a layer."""
        several = len(layer.sinks) > 1
        return tuple(
            _port(
                f"m{index}_axis" if several else "m_axis",
                port,
                self._out_of[End(layer.name, index)],
            )
            for index, port in enumerate(layer.sinks)
        )

    def _widened(self, stream: str, given: Port, taken: Port) -> str:
        name = f"{stream}_wide"
        code = {UInt: "unsigned", Int: "signed", Bipolar: "bipolar"}[type(given.elem)]
        self.widenings.append(
            WideningView(
                name, stream, taken.width, taken.per_beat, given.elem.bits, taken.elem.bits, code,
                str(taken),
            )
        )  # fmt: skip
        return name


def sink_name(index: int) -> str:
    """Return the name of an output stream of the top level."""
    return f"m{index or ''}_axis"


def _layer(
    layer: Layer, node: Node | None, module: str, wires: _Wires
) -> tuple[LayerView, Mapping[str, str]]:
    """Return the module of a layer, and its memory files."""
    emission = EMITTERS[layer.op](layer, node)
    memories = memories_of(emission, module)
    parameters = {**emission.parameters, **memories.parameters}
    view = LayerView(
        module=module,
        instance=f"u_layer_{layer.name}",
        cell=emission.cell,
        summary=f"{layer.op}, {emission.summary}",
        loc=str(layer.loc),
        version=__version__,
        sources=wires.sources_of(layer),
        sinks=wires.sinks_of(layer),
        parameters=tuple((name, _literal(value)) for name, value in parameters.items()),
        outputs=tuple(emission.outputs.items()),
        replicas=emission.replicas,
        packed=emission.packed,
    )
    return view, memories.files


def _literal(value: Parameter) -> str:
    """Return a parameter's value in SystemVerilog."""
    match value:
        case Vector(elements, bits):
            (packed,) = pack_words(np.array([elements], np.int64), bits)
            return f"{len(elements) * bits}'h{packed:x}"
        case bool():
            return "1'b1" if value else "1'b0"
        case str():
            assert '"' not in value and "\\" not in value, value
            return f'"{value}"'
    return str(value)


def _port(name: str, port: Port, stream: str) -> PortView:
    return PortView(
        name, port.width, port.padded_width, port.beats, str(port), stream, f"{stream}_tdata"
    )


@cache
def _library() -> dict[str, str]:
    return {path.stem: path.read_text() for path in sorted(_LIBRARY.glob("bm_*.sv"))}


def _cells_used(text: str) -> list[str]:
    """Return the library cells that `text` needs, each after the cells that it needs itself."""
    ordered: list[str] = []
    seen: set[str] = set()

    def visit(cell: str) -> None:
        if cell in seen or cell not in _library():
            return
        seen.add(cell)
        for below in _CELL.findall(_COMMENT.sub("", _library()[cell])):
            visit(below)
        ordered.append(cell)

    for cell in sorted(set(_CELL.findall(_COMMENT.sub("", text)))):
        visit(cell)
    return ordered
