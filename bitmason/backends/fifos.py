"""FIFOs: where a design needs them, and exactly how deep.

Invariant: depths come from runs of the timing model alone. A design leaves here only after a run
with the very FIFOs it has reached the pace of its slowest layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bitmason.backends.design import Design, End, FifoView, Layer, Port, Resources, Stream
from bitmason.backends.layers.memory import ram
from bitmason.backends.schedule import Model
from bitmason.diagnostics import fail
from bitmason.ir.graph import Folding

SHIFT_DEPTH = 33  # one output register and an SRL32
_FRAMES = 8
_LEAST = 2  # the smallest bm_fifo


def with_fifos(design: Design) -> Design:
    """Return `design` with the FIFOs that it needs to reach its pace.

    First as it is; then with a FIFO on every stream that turned out to fill up in a run with
    endless ones, paced as the slowest layer allows: that run is a schedule in which nobody waits
    for room, so FIFOs of its peaks allow it too. Then every FIFO that turns out not to matter goes
    again, the largest first.

    Raises:
        CompileError: B005 when the design does not reach its pace, a fault of the compiler.
    """
    target = design.ii_cycles
    if any(layer.op == "fifo" for layer in design.layers) or _meets(design, target):
        return design
    depths = _peaks(design, target)
    for _ in range(8):
        if _meets(_inserted(design, depths), target):
            break
        depths = {index: 2 * depth for index, depth in depths.items()}
    else:
        fail("B005", "the streams between the layers cannot be buffered enough")
    return _inserted(design, _pruned(design, depths, target))


def _meets(design: Design, target: int) -> bool:
    found = Model(design).run(_FRAMES)
    return found.complete and found.ii_cycles <= target


def _peaks(design: Design, target: int) -> dict[int, int]:
    """Return, per stream, the most beats that wait there when nobody waits for room."""
    endless = {
        index: _FRAMES * stream.port.beats + _LEAST
        for index, stream in enumerate(design.streams)
        if stream.producer.layer and stream.consumer.layer
    }
    trial = _inserted(design, endless)
    peaks = Model(trial).run(_FRAMES, pace=target).peaks
    return {index: max(_LEAST, peaks[name_of(design, index)]) for index in endless}


def _pruned(design: Design, depths: Mapping[int, int], target: int) -> dict[int, int]:
    """Return `depths` without the FIFOs that the pace does not depend on, others cut down."""
    kept = dict(depths)
    by_bits = sorted(kept, key=lambda index: -kept[index] * design.streams[index].port.width)
    small = {index for index in kept if kept[index] <= _LEAST}
    if _meets(_inserted(design, {i: d for i, d in kept.items() if i not in small}), target):
        kept = {i: d for i, d in kept.items() if i not in small}
    for index in by_bits:
        if index not in kept:
            continue
        for depth in (0, *_smaller(kept[index])):
            trial = {i: d for i, d in kept.items() if i != index}
            if depth:
                trial[index] = depth
            if _meets(_inserted(design, trial), target):
                kept = trial
                break
    return kept


def _smaller(depth: int) -> list[int]:
    """Return depths to try instead of `depth`, ascending."""
    return [d for d in (_LEAST, depth // 8, depth // 4, depth // 2) if _LEAST <= d < depth]


def name_of(design: Design, index: int) -> str:
    """Return the name of the FIFO on a stream."""
    stream = design.streams[index]
    name = f"{stream.consumer.layer}_fifo"
    name += str(stream.consumer.port) if stream.consumer.port else ""
    taken = {layer.name for layer in design.layers}
    while name in taken:  # a node of the user's may be called so
        name += "_queue"
    return name


def _inserted(design: Design, depths: Mapping[int, int]) -> Design:
    """Return `design` with FIFOs of `depths` on some of its streams."""
    fifos: dict[str, list[Layer]] = {}
    streams: list[Stream] = []
    for index, stream in enumerate(design.streams):
        if index not in depths:
            streams.append(stream)
            continue
        layer = _fifo(design, index, depths[index])
        fifos.setdefault(stream.consumer.layer, []).append(layer)
        streams.append(replace(stream, consumer=End(layer.name)))
        streams.append(replace(stream, producer=End(layer.name)))
    layers = [each for layer in design.layers for each in (*fifos.get(layer.name, ()), layer)]
    return replace(design, layers=tuple(layers), streams=tuple(streams))


def _fifo(design: Design, index: int, depth: int) -> Layer:
    stream = design.streams[index]
    port = stream.port
    style, cost = _storage(port, depth)
    purpose = f"between {stream.producer.layer} and {stream.consumer.layer}"
    consumer = next(layer for layer in design.layers if layer.name == stream.consumer.layer)
    return Layer(
        name=name_of(design, index),
        op="fifo",
        engine=style,
        loc=consumer.loc,
        folding=Folding(port.per_lane, mmv=port.lanes),
        sources=(port,),
        sinks=(port,),
        cycles=port.beats,
        resources=cost,
        view=FifoView(depth, style, purpose),
    )


def _storage(port: Port, depth: int) -> tuple[str, Resources]:
    registers = Resources(lut=12, ff=port.width + 12)
    if depth <= SHIFT_DEPTH:
        return "shift", registers + Resources(lut=-(-port.width * -(-depth // 32)))
    memory, cost = ram(depth, port.width, "")
    return ("block" if memory == "block" else "distributed"), registers + cost
