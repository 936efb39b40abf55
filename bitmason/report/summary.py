"""report.json: the figures of a design, as outside scripts read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from bitmason.backends.design import Design, FifoView, Layer, Port
from bitmason.backends.folding import Candidate
from bitmason.backends.layers.bitserial import BitSerialView
from bitmason.backends.layers.depthwise import TapsView
from bitmason.backends.layers.matvec import MatVecView
from bitmason.backends.layers.memory import BRAM18_BITS, rom
from bitmason.backends.layers.ras.coded import CodedView
from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.layers.ras.loaded import memories_of
from bitmason.backends.schedule import Model
from bitmason.coding.bits import WORD_BITS
from bitmason.report.few_values import few_values

_FRAMES = 6  # after which the distance of frames is that of the steady state


def summarise(
    design: Design, engines: Mapping[str, Sequence[Candidate]] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the contents of report.json.

    `engines` tell, for products, what each way of building them would have cost.
    """
    schedule = Model(design).run(_frames(design))
    ops = {node.name: node.op for node in design.graph.nodes}
    layers = [
        _layer(layer)
        | {"few_values": few_values(layer, ops.get(layer.name))}
        | {"engines": _engines(layer, engines.get(layer.name, ()), design.ii_cycles)}
        for layer in design.layers
        if layer.op != "fifo"
    ]
    fifos = [_fifo(layer, design) for layer in design.fifos]
    return {
        "model": design.name,
        "clock_mhz": design.clock_mhz,
        "ii_cycles": schedule.ii_cycles,
        "ideal_ii_cycles": design.ii_cycles,
        "latency_cycles": schedule.latency_cycles,
        "frames_per_second": round(design.clock_mhz * 1e6 / schedule.ii_cycles, 1),
        "fmax_mhz": None,
        "bottleneck": design.bottleneck.name,
        "input": _port(design.source),
        "outputs": [_port(port) for port in design.sinks],
        "resources": asdict(design.resources),
        "layers": layers,
        "knobs": [
            {"name": f"{knob.layer}.{knob.name}", "maximum": knob.maximum} for knob in design.knobs
        ],
        "weight_memory": _all_weights(layers),
        "fifos": fifos,
        "fifo_bits": sum(fifo["bits"] for fifo in fifos),
        "fifo_bits_if_frames": sum(fifo["frame_bits"] for fifo in fifos),
    }


def _frames(design: Design) -> int:
    """Return how many frames tell the steady state: those too that wait until lists are loaded."""
    codes = (layer.view.code for layer in design.layers if isinstance(layer.view, RasView))
    longest = max((code.start for code in codes if code), default=0)
    return _FRAMES + longest // design.ii_cycles


def _port(port: Port) -> dict[str, Any]:
    return {
        "type": str(port.elem),
        "elements": port.elements,
        "per_beat": port.per_beat,
        "lanes": port.lanes,
        "beats": port.beats,
        "tdata_bits": port.padded_width,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "trained_as": str(layer.loc),
        "op": layer.op,
        "engine": layer.engine,
        "pe": layer.folding.pe,
        "simd": layer.folding.simd,
        "mmv": layer.folding.mmv,
        "memory": layer.folding.memory,
        "cycles": layer.cycles,
        "acc_bits": layer.acc_bits,
        "weight_bits": layer.weight_bits,
        "weight_memory": _weight_memory(layer),
        "resources": asdict(layer.resources),
    }


def _engines(layer: Layer, candidates: Sequence[Candidate], pace: int) -> list[dict[str, Any]]:
    """Return what each engine would have made of a product, in the order of their prices."""
    return [
        {
            "engine": candidate.layer.engine,
            "pe": candidate.layer.folding.pe,
            "simd": candidate.layer.folding.simd,
            "mmv": candidate.layer.folding.mmv,
            "cycles": candidate.cycles,
            "price": candidate.price,
            "resources": asdict(candidate.layer.resources),
            "chosen": candidate.layer.engine == layer.engine,
            "why": _why(candidate, layer, candidates, pace),
        }
        for candidate in sorted(candidates, key=lambda candidate: candidate.price)
    ]


def _why(one: Candidate, layer: Layer, candidates: Sequence[Candidate], pace: int) -> str:
    """Return why a candidate was taken, or why not."""
    (taken,) = (each for each in candidates if each.layer.engine == layer.engine)
    in_time = [each for each in candidates if each.cycles <= pace]
    if one is not taken:
        return "too slow" if one not in in_time else f"{one.price / taken.price:.2f} of the price"
    if layer.knobs:
        return "taken: precision changes at run time"
    if in_time == [taken]:
        return "taken: the only one in time"
    if taken.price == min(each.price for each in in_time):
        return "taken: the cheapest"
    return "taken: the configuration asks for it"


def _weight_memory(layer: Layer) -> dict[str, Any] | None:
    """Return the shape of a layer's weight memory, or None where it has no weights.

    `efficiency` is the part of its block RAMs that holds weights, None where it has none of them;
    `coded_bits` are those of the stream, where lists are loaded from one.
    """
    match layer.view:
        case MatVecView() as view:
            words = view.groups * view.row_folds * view.column_folds
        case BitSerialView() | RasView() | CodedView() as view:
            words = view.words
        case TapsView(kind="product") as view:
            words = view.channels // view.pe * view.folds
        case _:
            return None
    word_bits = layer.weight_bits // words
    stored, coded = rom(words, word_bits, view.memory)[1], {}
    if isinstance(view, RasView) and view.code:
        stored, coded = memories_of(view), {"coded_bits": WORD_BITS * view.code.words}
    return coded | {
        "words": words,
        "word_bits": word_bits,
        "memory": view.memory,
        "bram18": stored.bram18,
        "efficiency": _efficiency(layer.weight_bits, stored.bram18),
    }


def _all_weights(layers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the weight memories of all layers together."""
    weighted = [layer for layer in layers if layer["weight_memory"]]
    in_blocks = [layer for layer in weighted if layer["weight_memory"]["bram18"]]
    blocks = sum(layer["weight_memory"]["bram18"] for layer in in_blocks)
    return {
        "bits": sum(layer["weight_bits"] for layer in weighted),
        "bram18": blocks,
        "efficiency": _efficiency(sum(layer["weight_bits"] for layer in in_blocks), blocks),
    }


def _efficiency(bits: int, blocks: int) -> float | None:
    return round(bits / (blocks * BRAM18_BITS), 3) if blocks else None


def _fifo(layer: Layer, design: Design) -> dict[str, Any]:
    view = layer.view
    assert isinstance(view, FifoView)
    return {
        "name": layer.name,
        "depth": view.depth,
        "width": layer.source.width,
        "bits": layer.source.width * view.depth,
        "frame_bits": layer.source.width * layer.source.beats,
        "memory": view.style,
        "purpose": view.purpose,
        "reason": _reason(layer, design),
        "resources": asdict(layer.resources),
    }


def _reason(fifo: Layer, design: Design) -> str:
    """Return why beats have to wait in a FIFO."""
    layers = {layer.name: layer for layer in design.layers}
    (producer,) = (s.producer.layer for s in design.streams if s.consumer.layer == fifo.name)
    (consumer,) = (s.consumer.layer for s in design.streams if s.producer.layer == fifo.name)
    if len(layers[consumer].sources) > 1:
        return "until the other branch arrives"
    if len(layers[producer].sinks) > 1:
        return "so that the other branch goes on"
    return "evens out bursts"
