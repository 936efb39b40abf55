"""FIFOs: where a design needs them, and exactly how deep.

Invariant: depths come from runs of the timing model alone. A design leaves here only after a run
with the very FIFOs it has reached the pace of its slowest layer; where the precision may change, at
the most and at the least bits of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

from bitmason.backends.design import Design, End, FifoView, Layer, Port, Resources, Stream
from bitmason.backends.layers.memory import ram
from bitmason.backends.schedule import Model
from bitmason.backends.settings import Setting, with_setting
from bitmason.diagnostics import fail
from bitmason.ir.graph import Folding

SHIFT_DEPTH = 33  # one output register and an SRL32
_TRIAL, _PROOF = 4, 10  # frames that a run of the search and a final one take
_DOUBLINGS = 8
_SMALL_BITS = 1024  # FIFOs of fewer bits are not worth a search
_LEAST = 2  # the smallest bm_fifo

Paces = Mapping[Setting, int]


def with_fifos(design: Design) -> Design:
    """Return `design` with the FIFOs that it needs to reach its pace.

    First as it is; then with a FIFO on every stream that turned out to fill up in a run with
    endless ones, paced as the slowest layer allows: that run is a schedule in which nobody waits
    for room, so FIFOs of its peaks allow it too. Then the FIFOs that turn out not to matter go
    again, those behind window generators move to their narrow side, and the large ones are halved
    while that does no harm.

    Raises:
        CompileError: B005 when the design does not reach its pace, a fault of the compiler.
    """
    paces = _paces(design)
    if design.fifos or _meets(design, paces, _PROOF):
        return design
    depths = _peaks(design, paces)
    for _ in range(_DOUBLINGS):
        if _meets(_inserted(design, depths), paces, _PROOF):
            break
        depths = {index: 2 * depth for index, depth in depths.items()}
    else:
        fail("B005", "the streams between the layers cannot be buffered enough")
    for frames in (_TRIAL, _PROOF):  # short trials mostly find what the proof then accepts
        search = _Search(design, depths, paces, frames)
        search.drop(sorted(depths))
        search.move()
        search.shrink()
        found = _inserted(design, search.depths)
        if _meets(found, paces, _PROOF):
            return found
    return _inserted(design, depths)


def _paces(design: Design) -> Paces:
    """Return the settings that have to keep their pace, and the cycles of the slowest layer then.

    Between two frames there are cycles that no precision makes fewer, such as those of padding, so
    the least bits need the deepest FIFOs.
    """
    most = tuple(knob.maximum for knob in design.knobs)
    least = (1,) * len(most)
    return {setting: with_setting(design, setting).ii_cycles for setting in (most, least)}


def _meets(design: Design, paces: Paces, frames: int) -> bool:
    for setting, target in paces.items():
        found = Model(with_setting(design, setting)).run(frames)
        if not found.complete or found.ii_cycles > target:
            return False
    return True


def _peaks(design: Design, paces: Paces) -> dict[int, int]:
    """Return, per stream, the most beats that wait there when nobody waits for room."""
    endless = {
        index: _PROOF * stream.port.beats + _LEAST
        for index, stream in enumerate(design.streams)
        if stream.producer.layer and stream.consumer.layer
    }
    trial = _inserted(design, endless)
    runs = [
        Model(with_setting(trial, setting)).run(_PROOF, pace=target).peaks
        for setting, target in paces.items()
    ]
    return {
        index: max(_LEAST, *(peaks[name_of(design, index)] for peaks in runs)) for index in endless
    }


class _Search:
    """FIFOs that still reach the pace, fewer and smaller with every step."""

    def __init__(
        self, design: Design, depths: Mapping[int, int], paces: Paces, frames: int
    ) -> None:
        self.depths = dict(depths)
        self._design, self._paces, self._frames = design, paces, frames

    def _try(self, depths: dict[int, int]) -> bool:
        works = _meets(_inserted(self._design, depths), self._paces, self._frames)
        if works:
            self.depths = depths
        return works

    def drop(self, streams: Sequence[int]) -> None:
        """Drop the FIFOs on those of `streams` where the pace does not depend on them."""
        rest = {index: depth for index, depth in self.depths.items() if index not in streams}
        if not streams or self._try(rest) or len(streams) == 1:
            return
        half = len(streams) // 2
        self.drop(streams[:half])
        self.drop(streams[half:])

    def _bits(self, index: int, depth: int) -> int:
        return depth * self._design.streams[index].port.width

    def move(self) -> None:
        """Move FIFOs from behind window generators, where pixels are many times, before them."""
        streams = self._design.streams
        before = {
            stream.consumer.layer: index
            for index, stream in enumerate(streams)
            if stream.producer.layer
        }
        generators = {layer.name for layer in self._design.layers if layer.op == "windows"}
        for index, depth in sorted(self.depths.items()):
            generator = streams[index].producer.layer
            if generator not in generators or generator not in before:
                continue
            above = before[generator]
            rate = streams[above].port.beats / streams[index].port.beats
            wanted = self.depths.get(above, 0) + ceil(depth * rate) + _LEAST
            if self._bits(above, wanted) < self._bits(index, depth):
                rest = {other: kept for other, kept in self.depths.items() if other != index}
                self._try(rest | {above: wanted})

    def shrink(self) -> None:
        """Halve the large FIFOs, the largest first, as long as the pace allows."""
        for index in sorted(self.depths, key=lambda i: -self._bits(i, self.depths[i])):
            while (depth := self.depths[index] // 2) >= _LEAST:
                if self._bits(index, 2 * depth) <= _SMALL_BITS:
                    break
                if not self._try(self.depths | {index: depth}):
                    break


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
