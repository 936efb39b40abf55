"""Dense words at the ends of a design: elements to words and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, gcd, log2
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.registry import (
    Planner,
    Site,
    check_divides,
    check_name,
    check_no_lanes,
    divisors,
)
from bitmason.ir.graph import Folding
from bitmason.ir.ops.words import BYTE, Pack, Unpack

# Measured with yosys synth_xilinx -family xc7 (benchmarks/layer_area.py).
_CONTROL_LUTS = 6


@dataclass(frozen=True)
class WordsView:
    """The numbers of a layer between beats of elements and words; `packs` tells which way."""

    packs: bool
    beat_bits: int
    word_bits: int
    beats: int

    @property
    def unit(self) -> int:
        """The bits that are moved together."""
        return gcd(self.beat_bits, self.word_bits)

    @property
    def held_bits(self) -> int:
        """Bits of the shift register."""
        if self.packs:
            return (2 + (self.beat_bits // self.unit - 1) // self.word_units) * self.word_bits
        return self.beat_bits - self.unit + self.word_bits

    @property
    def beat_units(self) -> int:
        """Units of a beat of elements."""
        return self.beat_bits // self.unit

    @property
    def word_units(self) -> int:
        """Units of a word."""
        return self.word_bits // self.unit

    @property
    def fill_units(self) -> int:
        """Units that are unused in the last word of a frame."""
        return -self.beats * self.beat_units % self.word_units


class WordsPlanner(Planner):
    """Plans `Pack` and `Unpack`: `pe` elements at once, one word at once."""

    ops: ClassVar = (Pack, Unpack)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Pack | Unpack)
        packs = isinstance(op, Pack)
        elements = site.source if packs else node.type
        check_divides("pe", folding.pe, elements.size, "elements", node)
        check_no_lanes(folding, node)
        check_name("engine", folding.engine, ("gearbox",), node)
        words = Port(BYTE, (node.type if packs else site.source).size, op.word)
        elem = op.elem if isinstance(op, Pack) else op.out
        beats = Port(elem, elements.size, folding.pe)
        view = WordsView(packs, beats.width, words.width, beats.beats)
        return Layer(
            name=node.name,
            op=op.name,
            engine="gearbox",
            loc=node.loc,
            folding=Folding(folding.pe, 1, "gearbox"),
            sources=(beats if packs else words,),
            sinks=(words if packs else beats,),
            cycles=max(words.beats, beats.beats),
            resources=Resources(lut=_luts(view), ff=_registers(view)),
            view=view,
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        packs = isinstance(site.node.op, Pack)
        size = (site.source if packs else site.node.type).size
        if packs and arriving is not None:
            yield Folding(arriving.per_beat if arriving.lanes == 1 else arriving.per_lane)
            return
        for pe in divisors(size):
            yield Folding(pe)


def _luts(view: WordsView) -> int:
    """Return the look-up tables: what each bit of the shift register takes, and the control."""
    arriving, places = (
        (view.beat_bits, view.word_units + 1) if view.packs else (view.word_bits, view.beat_units)
    )
    # Of what arrives, as many bits may go to one bit of the register.
    sources = max(1, places * arriving / view.held_bits)
    if view.packs:
        each = 1 if view.beat_bits == view.word_bits else 1.5 + 0.45 * log2(sources)
    else:
        each = 1.05 if 1 in (view.beat_units, view.word_units) else 1.8 + 0.55 * log2(sources)
        if view.fill_units:
            each += max(0, 1 - view.beat_bits / view.word_bits)
    return ceil(_CONTROL_LUTS + each * view.held_bits)


def _registers(view: WordsView) -> int:
    """Return the flip-flops: those of the shift register, of its level and of a frame's beats."""
    level = (view.held_bits // view.unit).bit_length()
    beats = (view.beats - 1).bit_length() if view.fill_units else 0
    return view.held_bits + level + beats
