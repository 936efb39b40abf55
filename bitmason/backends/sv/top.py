"""The whole design in SystemVerilog: layer modules, the top level, wrapper, memories, file list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from bitmason.backends.design import Design, End, Layer, Port
from bitmason.backends.emission import EMITTERS, Emission, Parameter, Vector
from bitmason.backends.layers.ras.unrolled import adders_of
from bitmason.backends.names import ModuleNames
from bitmason.backends.packing import pack_words
from bitmason.backends.registers import RegisterFiles, emit_registers
from bitmason.backends.render import TEMPLATES, render
from bitmason.backends.sv.memories import memories_of
from bitmason.backends.sv.ras import render_adders
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
    unused: tuple[str, ...]
    settings: int


@dataclass(frozen=True)
class AxilView:
    """A port of the AXI4-Lite interface: `sized` is its name behind its range."""

    name: str
    direction: str
    sized: str


@dataclass(frozen=True)
class TopView:
    """The top level as its template sees it.

    `control` is the module of the registers, empty where there are none; `taken` is the wire that
    tells of each frame that was taken.
    """

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
    control: str
    axil: tuple[AxilView, ...]
    settings: int
    taken: str

    @property
    def interfaces(self) -> str:
        """The bus interfaces that belong to the clock."""
        lite = ["s_axil"] if self.axil else []
        return ":".join(["s_axis", *(port.name for port in self.sinks), *lite])


@dataclass(frozen=True)
class SvFiles:
    """The RTL of a design: file name -> text, in compilation order, memories last.

    `sinks` are the names of the output streams. `registers` are those of a design with knobs.
    """

    top: str
    sources: dict[str, str]
    memories: dict[str, str]
    sinks: tuple[str, ...]
    registers: RegisterFiles | None = None


def emit_sv(design: Design, digest: bytes = b"") -> SvFiles:
    """Return every file of the design's RTL.

    `digest` is the SHA-256 of the model's file, which registers tell software.
    """
    registers = emit_registers(design.name, design.knobs, digest) if design.knobs else None
    names = ModuleNames(design.name)
    nodes = {node.name: node for node in design.graph.nodes}
    memories: dict[str, str] = {}
    modules: dict[str, str] = {}
    views: list[LayerView] = []
    wires = _Wires(design)
    for layer in design.layers:
        emission, own = _named(layer, nodes.get(layer.name), names)
        modules.update(own)
        view, files = _layer(layer, emission, names.layer(layer.name), wires)
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
        control=registers.control if registers else "",
        axil=_axil(registers.map.address_bits) if registers else (),
        settings=sum(knob.bits for knob in design.knobs),
        taken="frame_taken" if registers else "unused_frame_taken",
    )
    modules[f"{names.top}.sv"] = render("sv/top.sv.j2", top)
    cells = _cells_used("".join(modules.values()))
    sources = {f"lib/{cell}.sv": _library()[cell] for cell in cells}
    sources |= {**(registers.sources if registers else {}), **modules}
    sources[f"{names.wrapper}.v"] = render("sv/wrapper.v.j2", top)
    sinks = tuple(port.name for port in wires.sinks)
    return SvFiles(names.top, sources, memories, sinks, registers)


def _axil(address_bits: int) -> tuple[AxilView, ...]:
    """Return the ports of an AXI4-Lite interface with 32 data bits (AMBA AXI, B1.1)."""
    signals = (("awaddr", address_bits), *_AXIL_WRITE, ("araddr", address_bits), *_AXIL_READ)
    views: list[AxilView] = []
    for name, bits in signals:
        range_ = f"[{bits - 1}:0] " if bits > 1 else ""
        direction = "output" if name in _AXIL_OUTPUTS else "input "
        views.append(AxilView(f"s_axil_{name}", direction, f"{range_}s_axil_{name}"))
    return tuple(views)


_AXIL_WRITE = (
    *(("awprot", 3), ("awvalid", 1), ("awready", 1)),
    *(("wdata", 32), ("wstrb", 4), ("wvalid", 1), ("wready", 1)),
    *(("bresp", 2), ("bvalid", 1), ("bready", 1)),
)
_AXIL_READ = (
    *(("arprot", 3), ("arvalid", 1), ("arready", 1)),
    *(("rdata", 32), ("rresp", 2), ("rvalid", 1), ("rready", 1)),
)
_AXIL_OUTPUTS = {"awready", "wready", "bresp", "bvalid", "arready", "rdata", "rresp", "rvalid"}


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

    def sources_of(self, layer: Layer, names: tuple[str, ...]) -> tuple[PortView, ...]:
        """Return the inputs of a layer, called by `names` where its cell has any."""
        found: list[PortView] = []
        count = len(layer.sources)
        names = names or tuple("s_axis" if count == 1 else f"s{i}_axis" for i in range(count))
        for index, (name, port) in enumerate(zip(names, layer.sources, strict=True)):
            stream, given = self._into[End(layer.name, index)]
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


def _named(
    layer: Layer, node: Node | None, names: ModuleNames
) -> tuple[Emission, Mapping[str, str]]:
    """Return what a layer is made of, and the file of its cell where that is in no library."""
    emission = EMITTERS[layer.op](layer, node)
    if (adders := emission.adders) is None:
        return emission, {}
    cell = names.layer(f"{layer.name}_adders")
    text = render_adders(
        adders_of(adders.weights, adders.x),
        cell,
        out_bits=adders.out_bits,
        between=adders.between,
        loc=str(layer.loc),
    )
    return replace(emission, cell=cell), {f"{cell}.sv": text}


def _layer(
    layer: Layer, emission: Emission, module: str, wires: _Wires
) -> tuple[LayerView, Mapping[str, str]]:
    """Return the module of a layer, and its memory files."""
    memories = memories_of(emission, module)
    parameters = {**emission.parameters, **memories.parameters}
    view = LayerView(
        module=module,
        instance=f"u_layer_{layer.name}",
        cell=emission.cell,
        summary=f"{layer.op}, {emission.summary}",
        loc=str(layer.loc),
        version=__version__,
        sources=wires.sources_of(layer, emission.inputs),
        sinks=wires.sinks_of(layer),
        parameters=tuple((name, _literal(value)) for name, value in parameters.items()),
        outputs=tuple(emission.outputs.items()),
        replicas=emission.replicas,
        packed=emission.packed,
        unused=emission.unused,
        settings=emission.settings,
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
