"""The whole design in SystemVerilog: layer modules, the top level, wrapper, memories, file list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from bitmason.backends.design import Design, Layer, Port
from bitmason.backends.render import TEMPLATES, render
from bitmason.backends.sv import layers as _layers  # noqa: F401  registers the emitters
from bitmason.backends.sv.names import ModuleNames
from bitmason.backends.sv.registry import EMITTERS, Emission, Parameter
from bitmason.ir.graph import Node
from bitmason.version import __version__

_LIBRARY = TEMPLATES / "sv" / "lib"
_CELL = re.compile(r"\bbm_\w+")
_COMMENT = re.compile(r"//.*")


@dataclass(frozen=True)
class StreamView:
    """A stream as a template sees it."""

    width: int
    padded: int
    beats: int
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
    source: StreamView
    sink: StreamView
    parameters: tuple[tuple[str, Parameter], ...]


@dataclass(frozen=True)
class TopView:
    """The top level as its template sees it."""

    module: str
    wrapper: str
    version: str
    network: str
    source: StreamView
    sink: StreamView
    layers: tuple[LayerView, ...]
    ii_cycles: int


@dataclass(frozen=True)
class SvFiles:
    """The RTL of a design: file name -> text, in compilation order, memories last."""

    top: str
    sources: dict[str, str]
    memories: dict[str, str]


def emit_sv(design: Design) -> SvFiles:
    """Return every file of the design's RTL."""
    names = ModuleNames(design.name)
    nodes = {node.name: node for node in design.graph.nodes}
    memories: dict[str, str] = {}
    modules: dict[str, str] = {}
    views: list[LayerView] = []
    for layer in design.layers:
        view, emission = _layer(layer, nodes.get(layer.name), names.layer(layer.name))
        views.append(view)
        memories.update(emission.memories)
        modules[f"{view.module}.sv"] = render("sv/layer.sv.j2", view)
    top = TopView(
        module=names.top,
        wrapper=names.wrapper,
        version=__version__,
        network=design.name,
        source=_stream(design.source),
        sink=_stream(design.sink),
        layers=tuple(views),
        ii_cycles=design.ii_cycles,
    )
    modules[f"{names.top}.sv"] = render("sv/top.sv.j2", top)
    cells = _cells_used("".join(modules.values()))
    sources = {f"lib/{cell}.sv": _library()[cell] for cell in cells} | modules
    sources[f"{names.wrapper}.v"] = render("sv/wrapper.v.j2", top)
    return SvFiles(names.top, sources, memories)


def _layer(layer: Layer, node: Node | None, module: str) -> tuple[LayerView, Emission]:
    emission = EMITTERS[layer.op](layer, node, module)
    view = LayerView(
        module=module,
        instance=f"u_layer_{layer.name}",
        cell=emission.cell,
        summary=f"{layer.op}, {emission.summary}",
        loc=str(layer.loc),
        version=__version__,
        source=_stream(layer.source),
        sink=_stream(layer.sink),
        parameters=tuple(emission.parameters.items()),
    )
    return view, emission


def _stream(port: Port) -> StreamView:
    return StreamView(port.width, port.padded_width, port.beats, str(port))


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
