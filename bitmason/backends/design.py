"""A design: layers, the streams between them, every number final. What a backend turns into files.

Invariant: backends only read it; nothing here names a file, a template or a language. Layers stand
in the order in which data pass them, and every port of a layer has exactly one stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from bitmason.diagnostics import Loc
from bitmason.ir.graph import Folding, Graph
from bitmason.ir.types import IntType


@dataclass(frozen=True)
class Prices:
    """What one of each resource is worth, in LUTs.

    The devices known here have 147 to 434 LUTs for each 18-kbit memory and 133 to 867 for each DSP
    block. Memories are in demand, so they cost what they do where they abound; networks of few bits
    leave most DSP blocks idle, so those cost less than that.
    """

    lut: float = 1
    ff: float = 0.125
    dsp: float = 60
    bram18: float = 150


@dataclass(frozen=True)
class Resources:
    """Estimated cost in look-up tables, flip-flops, DSP blocks and 18-kbit block RAMs."""

    lut: int = 0
    ff: int = 0
    dsp: int = 0
    bram18: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.lut + other.lut,
            self.ff + other.ff,
            self.dsp + other.dsp,
            self.bram18 + other.bram18,
        )

    def price(self, prices: Prices) -> float:
        """Return one number to compare by."""
        blocks = prices.dsp * self.dsp + prices.bram18 * self.bram18
        return prices.lut * self.lut + prices.ff * self.ff + blocks


@dataclass(frozen=True)
class Port:
    """One end of a stream: `per_beat` elements of type `elem` at a time, channels innermost.

    A beat of several `lanes` carries as many pixels side by side, lane 0 in the least significant
    bits: pixel p of a frame travels in lane p mod `lanes`, every lane in the order of its own
    elements.
    """

    elem: IntType
    elements: int
    per_beat: int
    lanes: int = 1

    def __post_init__(self) -> None:
        assert self.elements % self.per_beat == 0, self
        assert self.per_beat % self.lanes == 0, self

    @property
    def width(self) -> int:
        """Bits of one beat."""
        return self.elem.bits * self.per_beat

    @property
    def beats(self) -> int:
        """Beats of one frame."""
        return self.elements // self.per_beat

    @property
    def per_lane(self) -> int:
        """Elements of one lane of a beat."""
        return self.per_beat // self.lanes

    @property
    def padded_width(self) -> int:
        """Bits of one beat, padded to whole bytes."""
        return -(-self.width // 8) * 8

    def __str__(self) -> str:
        side_by_side = f", {self.lanes} pixels side by side" if self.lanes > 1 else ""
        return f"{self.elem}[{self.elements}], {self.per_beat} per beat{side_by_side}"


@dataclass(frozen=True)
class Knob:
    """A number of a layer that may change from frame to frame: from 1 to `maximum`, in `bits` bits.

    `name` is "wbits" or "abits", the planes of weights or activations that a product keeps; or
    "ebits", "sbits" or "least", which name a floating-point format (`CustomFloat.at`).
    """

    layer: str
    name: str
    maximum: int
    bits: int


@dataclass(frozen=True)
class Layer:
    """An operation with its engine and folding, as one hardware module.

    `cycles` is the exact number of clock cycles between frames when nothing else holds the layer
    up. `view` holds the numbers that only this kind of layer has.
    """

    name: str
    op: str
    engine: str
    loc: Loc
    folding: Folding
    sources: tuple[Port, ...]
    sinks: tuple[Port, ...]
    cycles: int
    resources: Resources
    view: Any
    acc_bits: int = 0
    weight_bits: int = 0
    knobs: tuple[Knob, ...] = ()

    @property
    def source(self) -> Port:
        """The input of a layer that has one."""
        (port,) = self.sources
        return port

    @property
    def sink(self) -> Port:
        """The output of a layer that has one."""
        (port,) = self.sinks
        return port


class End(NamedTuple):
    """A port of a layer, by the layer's name; an empty name is the world outside the design."""

    layer: str
    port: int = 0


@dataclass(frozen=True)
class Stream:
    """A wire from an output of one layer to an input of another."""

    port: Port
    producer: End
    consumer: End


@dataclass(frozen=True)
class FifoView:
    """The numbers of one FIFO, and the reason why it is there."""

    depth: int
    style: str
    purpose: str


@dataclass(frozen=True)
class Design:
    """A network as hardware: layers and streams from the input to the outputs.

    `graph` is the lowered network with the folding of every node; `entry` and `exits` are those
    of its values that enter and leave the hardware. What lies outside them, real numbers mostly,
    belongs to the host.
    """

    name: str
    graph: Graph
    entry: str
    exits: tuple[str, ...]
    layers: tuple[Layer, ...]
    streams: tuple[Stream, ...]
    clock_mhz: float = 200.0

    @property
    def source(self) -> Port:
        """The input stream."""
        return next(s.port for s in self.streams if not s.producer.layer)

    @cached_property
    def sinks(self) -> tuple[Port, ...]:
        """The output streams, in the order of `exits`."""
        leaving = [s for s in self.streams if not s.consumer.layer]
        return tuple(s.port for s in sorted(leaving, key=lambda s: s.consumer.port))

    @property
    def fifos(self) -> tuple[Layer, ...]:
        """The layers that are FIFOs."""
        return tuple(layer for layer in self.layers if layer.op == "fifo")

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """What may change from frame to frame; all of them together are the settings of a frame."""
        return tuple(knob for layer in self.layers for knob in layer.knobs)

    @property
    def ii_cycles(self) -> int:
        """Cycles between frames in steady state: those of the slowest layer."""
        return max(layer.cycles for layer in self.layers)

    @property
    def bottleneck(self) -> Layer:
        """The layer that sets the pace."""
        return max(self.layers, key=lambda layer: layer.cycles)

    @property
    def resources(self) -> Resources:
        """Estimated cost of the whole."""
        return sum((layer.resources for layer in self.layers), Resources())


def chain_of(layers: tuple[Layer, ...]) -> tuple[Stream, ...]:
    """Return the streams that lead through layers of one input and one output, in order."""
    ends = ["", *(layer.name for layer in layers), ""]
    ports = [layers[0].source, *(layer.sink for layer in layers)]
    return tuple(Stream(port, End(ends[i]), End(ends[i + 1])) for i, port in enumerate(ports))
