"""Settings of a design: one number for each of its knobs.

Invariant: a setting changes what the golden model computes and how long layers take, never what is
built. At the largest numbers, the default, nothing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bitmason.backends.design import Design, Knob, Layer
from bitmason.backends.layers.bitserial import BitSerialView
from bitmason.backends.layers.float_link import KNOB_NAMES, FloatLinkView
from bitmason.backends.registers.map import Field, Register, register_map
from bitmason.diagnostics import did_you_mean, fail, quote
from bitmason.ir.custom_float import Knobs
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.float_link import Compress, Decompress, RankValue
from bitmason.ir.ops.quantise_float import QuantiseFloat

Setting = tuple[int, ...]
_ALL = "*."  # in front of the name of a knob, for all layers that have it
# Numbers by name, for all frames or for each of them; nothing leaves all at the largest.
Given = Mapping[str, int] | Sequence[Mapping[str, int]]


def parse_settings(texts: Iterable[str]) -> dict[str, int]:
    """Return settings by name from texts such as "fc1.abits=2".

    Raises:
        CompileError: S005 for a text of another form, or for a name that comes twice.
    """
    found: dict[str, int] = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        if not name or not re.fullmatch(r"[0-9]{1,4}", value, re.ASCII):
            fail(
                "S005",
                f"{quote(text)} is not a setting",
                help="write LAYER.KNOB=NUMBER, for example fc1.abits=2",
            )
        if name in found:
            fail("S005", f"{quote(name)} is set twice", help="set it once")
        found[name] = int(value)
    return found


def setting_of(design: Design, given: Mapping[str, int]) -> Setting:
    """Return the numbers of all knobs of `design`: those `given` by name, the largest elsewhere.

    A name is that of the layer, or of its node in the model, with the knob's behind a dot. `*`
    names all layers that have such a knob; what is said of one of them by name counts more.

    Raises:
        CompileError: S005 for a name or a number that the design does not have.
    """
    knobs = {f"{knob.layer}.{knob.name}": knob for knob in design.knobs}
    trained = {layer.name: layer.loc.node for layer in design.layers}
    aliases = {f"{trained[knob.layer]}.{knob.name}": name for name, knob in knobs.items()}
    values = {name: knob.maximum for name, knob in knobs.items()}
    alone = {name: name for name in knobs} | {a: n for a, n in aliases.items() if a not in knobs}
    for asked in sorted(given, key=alone.__contains__):
        value = given[asked]
        if asked in alone:
            names = [alone[asked]]
        else:
            names = [name for name, knob in knobs.items() if f"{_ALL}{knob.name}" == asked]
        if not names:
            _refuse_name(asked, knobs)
        for name in names:
            if not 1 <= value <= knobs[name].maximum:
                fail(
                    "S005",
                    f"{asked} = {value} is not possible",
                    notes=[f"{knobs[name].layer} was built for 1 to {knobs[name].maximum}"],
                    help=f"use {name}={min(max(value, 1), knobs[name].maximum)}",
                )
            values[name] = value
    return tuple(values.values())


def _refuse_name(asked: str, knobs: Mapping[str, Knob]) -> None:
    if not knobs:
        fail(
            "S005",
            f"there is nothing to set in this design, {quote(asked)} neither",
            help="compile with --run-time-precision a network that has products of more than one "
            "bit, or a compressor whose numbers go straight to a port",
        )
    shown = ", ".join([*knobs][:8]) + (", ..." if len(knobs) > 8 else "")
    fail(
        "S005",
        f"the design has no knob called {quote(asked)}",
        help=did_you_mean(asked, knobs) or f"its knobs are {shown}",
    )


def settings_of(design: Design, frames: int, given: Given) -> tuple[Setting, ...]:
    """Return the setting of each of `frames` frames; nothing where all are the largest.

    Raises:
        CompileError: S005 for a name or a number that the design does not have, or for another
            count of settings than of frames.
    """
    if isinstance(given, Mapping):
        return (setting_of(design, given),) * frames if given else ()
    if len(given) != frames:
        fail("S005", f"there are {len(given)} settings for {frames} frames", help="give one each")
    return tuple(setting_of(design, each) for each in given)


def register_writes(
    design: Design, settings: Sequence[Setting]
) -> tuple[tuple[int, int, int], ...]:
    """Return the frames before which words are to be written to registers: (frame, address, word).

    Written so, each frame has its setting.
    """
    found_in = register_map(design.name, design.knobs, b"")
    places = [found_in.setting(knob) for knob in design.knobs]
    written = _words(places, tuple(knob.maximum for knob in design.knobs))  # as reset leaves them
    found: list[tuple[int, int, int]] = []
    for frame, setting in enumerate(settings):
        words = _words(places, setting)
        found += [(frame, at, word) for at, word in words.items() if word != written[at]]
        written = words
    return tuple(found)


def _words(places: Sequence[tuple[Register, Field]], setting: Setting) -> dict[int, int]:
    """Return the words of the registers that hold a setting, by address."""
    words: dict[int, int] = {}
    for (register, field), value in zip(places, setting, strict=True):
        words[register.address] = words.get(register.address, 0) | value << field.lsb
    return words


def changes_host(design: Design) -> bool:
    """Return whether settings change what the host computes before or behind the hardware."""
    return any(knob.name in KNOB_NAMES for knob in design.knobs)


def with_setting(design: Design, setting: Setting) -> Design:
    """Return `design` as it is in frames of this setting, one number for each of its knobs."""
    if not setting:
        return design
    kept: dict[str, dict[str, int]] = {}
    for knob, value in zip(design.knobs, setting, strict=True):
        kept.setdefault(knob.layer, {})[knob.name] = value
    layers = tuple(
        _layer_with(layer, kept[layer.name]) if layer.name in kept else layer
        for layer in design.layers
    )
    views = {layer.name: layer.view for layer in layers if layer.name in kept}
    formats = _formats(design.graph, {name: kept[name] for name, v in views.items() if _floats(v)})
    nodes: list[Node] = []
    for node in design.graph.nodes:
        if node.name in formats:
            node = _node_at(node, formats[node.name])
        elif node.name in views:
            node = _node_with(node, views[node.name])
        nodes.append(node)
    return replace(design, layers=layers, graph=design.graph.with_nodes(nodes))


def _layer_with(layer: Layer, kept: Mapping[str, int]) -> Layer:
    if _floats(layer.view):  # whose pace no format changes
        return layer
    assert isinstance(layer.view, BitSerialView), layer.name
    view = replace(layer.view, planes=(kept["wbits"], kept["abits"]))
    return replace(layer, view=view, cycles=view.cycles)


def _node_with(node: Node, view: BitSerialView) -> Node:
    assert isinstance(node.op, Dense | Depthwise), node.op.name
    weights, inputs = view.planes
    return replace(node, op=replace(node.op, cleared=(view.w.bits - weights, view.x.bits - inputs)))


def _floats(view: object) -> bool:
    return isinstance(view, FloatLinkView)


def _formats(graph: Graph, kept: Mapping[str, Mapping[str, int]]) -> dict[str, Knobs]:
    """Return the numbers of a format by node: of engines, and of the host's other half of each."""
    found: dict[str, Knobs] = {}
    for name, numbers in kept.items():
        knobs = tuple(numbers[knob] for knob in KNOB_NAMES)
        behind = graph.downstream(name)
        engine = graph.producer(name)
        assert engine is not None, name
        found[name] = knobs
        for node in graph.nodes:
            if isinstance(engine.op, Compress) and isinstance(node.op, RankValue):
                partner = node.name in behind
            else:
                partner = isinstance(engine.op, Decompress) and isinstance(node.op, QuantiseFloat)
                partner = partner and name in graph.downstream(node.name)
            if partner:
                found[node.name] = knobs
    return found


def _node_at(node: Node, knobs: Knobs) -> Node:
    assert isinstance(node.op, Compress | Decompress | RankValue | QuantiseFloat), node.op.name
    return replace(node, op=replace(node.op, knobs=knobs))
