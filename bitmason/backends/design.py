"""A design: layers, the streams between them, every number final. What a backend turns into files.

Invariant: backends only read it; nothing here names a file, a template or a language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bitmason.diagnostics import Loc
from bitmason.ir.graph import Folding, Graph
from bitmason.ir.types import IntType


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

    @property
    def price(self) -> int:
        """One number to compare by, in LUTs: what each block would free on a mid-size part."""
        return self.lut + self.ff // 8 + 120 * self.dsp + 150 * self.bram18


@dataclass(frozen=True)
class Port:
    """One end of a stream: `per_beat` elements of type `elem` at a time, channels innermost."""

    elem: IntType
    elements: int
    per_beat: int

    def __post_init__(self) -> None:
        assert self.elements % self.per_beat == 0, self

    @property
    def width(self) -> int:
        """Bits of one beat."""
        return self.elem.bits * self.per_beat

    @property
    def beats(self) -> int:
        """Beats of one frame."""
        return self.elements // self.per_beat

    @property
    def padded_width(self) -> int:
        """Bits of one beat, padded to whole bytes."""
        return -(-self.width // 8) * 8

    def __str__(self) -> str:
        return f"{self.elem}[{self.elements}], {self.per_beat} per beat"


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
    source: Port
    sink: Port
    cycles: int
    resources: Resources
    view: Any
    acc_bits: int = 0
    weight_bits: int = 0


@dataclass(frozen=True)
class Fifo:
    """A buffer between two layers, and the reason why it is there."""

    name: str
    port: Port
    depth: int
    purpose: str

    @property
    def bits(self) -> int:
        """Bits of storage."""
        return self.port.width * self.depth


@dataclass(frozen=True)
class Design:
    """A network as hardware: a chain of layers from the input stream to the output stream.

    `graph` is the lowered network with the folding of every node; `entry` and `exit` are the two
    of its values that enter and leave the hardware. What lies outside them, real numbers all,
    belongs to the host.
    """

    name: str
    graph: Graph
    entry: str
    exit: str
    layers: tuple[Layer, ...]
    fifos: tuple[Fifo, ...] = field(default=())
    clock_mhz: float = 200.0

    @property
    def source(self) -> Port:
        """The input stream."""
        return self.layers[0].source

    @property
    def sink(self) -> Port:
        """The output stream."""
        return self.layers[-1].sink

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
