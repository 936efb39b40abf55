"""The whole design in HLS C++: configurations, tables, the dataflow top, and what runs it.

Invariant: what is generated names, sizes and connects; all that computes is in the library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from textwrap import fill

from bitmason.backends.design import Design, End, FifoView, Layer, Port
from bitmason.backends.emission import EMITTERS
from bitmason.backends.hls.functions import TableArgument, call_of
from bitmason.backends.hls.types import beat_type, elem_type, initialiser
from bitmason.backends.names import ModuleNames, TypeNames
from bitmason.backends.render import TEMPLATES, render
from bitmason.ir.graph import Node
from bitmason.ir.types import Int, UInt
from bitmason.version import __version__

_HOME = TEMPLATES / "hls"
_INCLUDE = re.compile(r'#include "(\w+\.hpp)"')
_REGISTERS = 2  # of a stream that no FIFO deepens: what Vitis HLS gives it
_SETTINGS = "sim/settings.h"
_COLUMNS = 98  # of a call, behind its indentation
_WIDEST_WORD = 1024  # bits of an ap_uint, unless told otherwise


@dataclass(frozen=True)
class PortView:
    """An AXI4-Stream port of the top, `bytes` wide, and the stream behind it."""

    name: str
    bytes: int
    beats: int
    comment: str
    stream: str
    config: str
    error: str = ""

    @property
    def beat(self) -> str:
        """The name of the type of its beats."""
        return f"{self.name}_beat"


@dataclass(frozen=True)
class StreamView:
    """A stream between two functions."""

    name: str
    type: str
    depth: int
    comment: str


@dataclass(frozen=True)
class KnobView:
    """An argument of the top: a number from 1 to `maximum` that may change from frame to frame."""

    name: str
    maximum: int


@dataclass(frozen=True)
class TableView:
    """A table, and the directives that say how hardware holds it."""

    name: str
    argument: TableArgument

    @property
    def declaration(self) -> str:
        """What a declaration says of it."""
        words, elements = self.argument.values.shape
        return f"bitmason::Stored<{self.argument.elem}> {self.name}[{words}][{elements}]"

    @property
    def initialiser(self) -> str:
        """Its values."""
        return initialiser(self.argument.values)

    @property
    def pragmas(self) -> tuple[str, ...]:
        """Its directives."""
        variable = f"variable = {self.name}"
        return tuple(pragma.format(variable) for pragma in self.argument.pragmas)


@dataclass(frozen=True)
class LayerView:
    """A call of a library function, with the configuration that it is told by."""

    name: str
    function: str
    members: tuple[str, ...]
    summary: str
    loc: str
    arguments: tuple[str, ...]
    tables: tuple[TableView, ...] = ()
    knobs: tuple[KnobView, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def headers(self) -> frozenset[str]:
        """The headers of the library that it needs."""
        return frozenset({f"{self.function}.hpp", *self.more})

    @property
    def call(self) -> str:
        """The call as C++."""
        names = ", ".join((*self.arguments, *(table.name for table in self.tables)))
        text = f"bitmason::{self.function}<layers::{self.name}>({names});"
        return fill(text, _COLUMNS, subsequent_indent=" " * 6) if self.knobs else text


@dataclass(frozen=True)
class TopView:
    """The whole design as its templates see it."""

    top: str
    version: str
    network: str
    clock_mhz: float
    sources: tuple[PortView, ...]
    sinks: tuple[PortView, ...]
    streams: tuple[StreamView, ...]
    layers: tuple[LayerView, ...]
    headers: tuple[str, ...]
    widest_word: int = 0

    @property
    def ports(self) -> tuple[PortView, ...]:
        """Inputs, then outputs."""
        return self.sources + self.sinks

    @property
    def knobs(self) -> tuple[KnobView, ...]:
        """What the caller sets for each frame."""
        return tuple(knob for layer in self.layers for knob in layer.knobs)

    @property
    def signature(self) -> str:
        """The parameters of the top, one a line."""
        parameters = [f"hls::stream<{port.beat}>& {port.name}" for port in self.ports]
        parameters += [f"ap_uint<1>& {port.error}" for port in self.sources]
        parameters += [f"unsigned {knob.name}" for knob in self.knobs]
        return ",".join(f"\n    {parameter}" for parameter in parameters)


@dataclass(frozen=True)
class HlsFiles:
    """The HLS C++ of a design: file name -> text, and its ports."""

    top: str
    files: dict[str, str]
    sources: tuple[PortView, ...]
    sinks: tuple[PortView, ...]


def emit_hls(design: Design) -> HlsFiles:
    """Return every file of the design's HLS project."""
    streams = _Streams(design)
    types = TypeNames()
    nodes = {node.name: node for node in design.graph.nodes}
    layers: list[LayerView] = []
    for layer in design.layers:
        if layer.op not in _PASSIVE:
            layers += _calls(layer, nodes.get(layer.name), types, streams)
    tables = {f"weights/{layer.name}.hpp": layer for layer in layers if layer.tables}
    headers = {"axis.hpp"}.union(*(layer.headers for layer in layers))
    sources, sinks = streams.sources(types), streams.sinks(types)
    view = TopView(
        top=ModuleNames(design.name).top,
        version=__version__,
        network=design.name,
        clock_mhz=design.clock_mhz,
        sources=sources,
        sinks=sinks,
        streams=tuple(streams.views.values()),
        layers=tuple(layers),
        headers=tuple(f"lib/{header}" for header in sorted(headers)) + tuple(tables),
        widest_word=_widest(sources + sinks),
    )
    files = {name: render(f"hls/{name}.j2", view) for name in _GENERATED}
    files |= {name: render("hls/weights.hpp.j2", layer) for name, layer in tables.items()}
    files |= {f"lib/{name}": _text(f"lib/{name}") for name in library_used(headers)}
    simulation = sorted(f"sim/{path.name}" for path in (_HOME / "sim").iterdir())
    files |= {name: _text(name) for name in simulation if view.knobs or name != _SETTINGS}
    return HlsFiles(view.top, files, sources, sinks)


_GENERATED = ("top.hpp", "top.cpp", "testbench.cpp", "library.cpp", "script.tcl", "Makefile")
# Layers that are no functions, but room in a stream.
_PASSIVE = frozenset({"fifo", "register"})


class _Streams:
    """The streams of the top, by the ports at their ends; FIFOs are their depth."""

    def __init__(self, design: Design) -> None:
        self.views: dict[str, StreamView] = {}
        self._design = design
        self._into: dict[End, tuple[str, Port]] = {}
        self._out_of: dict[End, str] = {}
        passive = {layer.name: layer for layer in design.layers if layer.op in _PASSIVE}
        behind = {s.producer.layer: s for s in design.streams if s.producer.layer in passive}
        ahead = (s for s in design.streams if s.producer.layer not in passive)
        for index, stream in enumerate(ahead):
            name, room, last = f"stream{index}", _REGISTERS, stream
            notes = [str(stream.port)]
            while last.consumer.layer in passive:
                view = passive[last.consumer.layer].view
                if isinstance(view, FifoView):
                    room += view.depth
                    notes.append(f"{view.depth} beats {view.purpose}")
                last = behind[last.consumer.layer]
            self.views[name] = StreamView(name, beat_type(stream.port), room, "; ".join(notes))
            self._into[last.consumer] = (name, stream.port)
            self._out_of[stream.producer] = name

    def sources(self, types: TypeNames) -> tuple[PortView, ...]:
        """Return the input ports of the top."""
        entering = sorted(end for end in self._out_of if not end.layer)
        several = len(entering) > 1
        ports = {s.producer: s.port for s in self._design.streams}
        return tuple(
            _port(
                f"s{end.port if several else ''}_axis",
                ports[end],
                self._out_of[end],
                types,
                f"frame_error{end.port or ''}",
            )
            for end in entering
        )

    def sinks(self, types: TypeNames) -> tuple[PortView, ...]:
        """Return the output ports of the top."""
        return tuple(
            _port(f"m{index or ''}_axis", port, self._into[End("", index)][0], types)
            for index, port in enumerate(self._design.sinks)
        )

    def into(self, layer: Layer, index: int) -> tuple[str, Port]:
        """Return the stream at an input of a layer, and what it carries."""
        return self._into[End(layer.name, index)]

    def out_of(self, layer: Layer) -> list[str]:
        """Return the streams at the outputs of a layer."""
        return [self._out_of[End(layer.name, index)] for index in range(len(layer.sinks))]

    def knobs_of(self, layer: Layer) -> list[tuple[str, tuple[KnobView, ...]]]:
        """Return the streams in which a layer sends settings, and the numbers that go there."""
        readers = {name: end.layer for end, (name, _) in self._into.items()}
        layers = {layer.name: layer for layer in self._design.layers}
        streams = self.out_of(layer)[1:]
        return [(name, _knobs(layers[readers[name]])) for name in streams]

    def add(self, name: str, port: Port) -> None:
        """Add a stream of what an input of a layer takes."""
        self.views[name] = StreamView(name, beat_type(port), _REGISTERS, str(port))

    def deepen(self, name: str, beats: int) -> None:
        """Make room for the next vector of a layer in front of it."""
        view = self.views[name]
        note = f"{view.comment}; {beats} beats of the next vector" if beats else view.comment
        self.views[name] = replace(view, depth=view.depth + beats, comment=note)


def _port(name: str, port: Port, stream: str, types: TypeNames, error: str = "") -> PortView:
    comment = f"{port}; {port.beats} beats a frame"
    bytes_ = port.padded_width // 8
    config = types.layer(f"frame_of_{name}")
    return PortView(name, bytes_, port.beats, comment, stream, config, error)


def _knobs(layer: Layer) -> tuple[KnobView, ...]:
    names = (TypeNames().layer(f"{layer.name}_{knob.name}") for knob in layer.knobs)
    return tuple(map(KnobView, names, (knob.maximum for knob in layer.knobs)))


def _calls(
    layer: Layer, node: Node | None, types: TypeNames, streams: _Streams
) -> Iterable[LayerView]:
    """Return the call of a layer's function, after those that widen what it takes."""
    emission = EMITTERS[layer.op](layer, node)
    found = call_of(layer, emission)
    arguments: list[str] = []
    settings = streams.knobs_of(layer) if layer.op == "knobs" else []
    sinks = streams.out_of(layer)[: -len(settings) or None]
    for stream, knobs in settings:
        sinks += [stream, *(knob.name for knob in knobs)]
    for index, port in enumerate(layer.sources):
        stream, given = streams.into(layer, index)
        if elem_type(given.elem) != elem_type(port.elem):
            wide = f"{stream}_wide"
            streams.add(wide, port)
            yield _widening(types.layer(wide), layer, given, (stream, wide))
            stream = wide
        streams.deepen(stream, found.ahead if index == 0 else 0)
        arguments.append(stream)
    name = types.layer(layer.name)
    yield LayerView(
        name,
        found.function,
        found.members,
        f"{layer.op}, {emission.summary}",
        str(layer.loc),
        tuple(sinks + arguments if found.outputs_first else arguments + sinks),
        tuple(TableView(f"{name}_{table.role}", table) for table in found.tables),
        tuple(knob for _, knobs in settings for knob in knobs),
        found.more,
    )


def _widening(name: str, layer: Layer, given: Port, ends: tuple[str, str]) -> LayerView:
    kind = type(given.elem)
    code = "Unsigned" if kind is UInt else "Signed" if kind is Int else "BipolarCode"
    members = (f"static constexpr unsigned BEATS = {given.beats}", f"using Code = bitmason::{code}")
    summary = f"{given.elem} as '{layer.name}' takes them"
    return LayerView(name, "widen", members, summary, str(layer.loc), ends)


def _widest(ports: tuple[PortView, ...]) -> int:
    """Return the bits of the widest word where they are more than ap_int.h expects, or 0."""
    widest = max(8 * port.bytes for port in ports)
    return widest if widest > _WIDEST_WORD else 0


@cache
def _text(name: str) -> str:
    return (_HOME / name).read_text(encoding="utf-8")


def library_used(headers: set[str]) -> list[str]:
    """Return the library's headers that `headers` need, themselves included, sorted."""
    seen: set[str] = set()
    waiting = sorted(headers)
    while waiting:
        header = waiting.pop()
        if header not in seen:
            seen.add(header)
            waiting += _INCLUDE.findall(_text(f"lib/{header}"))
    return sorted(seen)
