"""Width converters: the same elements, another number of them per beat."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from bitmason.backends.design import Layer, Port, Resources
from bitmason.diagnostics import Loc
from bitmason.ir.graph import Folding


@dataclass(frozen=True)
class WidthConverterView:
    """The numbers of one width converter."""

    elem_bits: int
    per_beat_in: int
    per_beat_out: int


def plan_width_converter(name: str, loc: Loc, source: Port, per_beat: int) -> Layer:
    """Return the layer that re-groups `source` into `per_beat` elements per beat."""
    sink = Port(source.elem, source.elements, per_beat)
    narrow, wide = sorted((source.per_beat, per_beat))
    whole = wide % narrow == 0
    held = wide if whole else source.per_beat + per_beat - gcd(source.per_beat, per_beat)
    bits = held * source.elem.bits
    return Layer(
        name=name,
        op="width_converter",
        engine="shift" if whole else "gearbox",
        loc=loc,
        folding=Folding(per_beat),
        source=source,
        sink=sink,
        cycles=max(source.beats, sink.beats),
        resources=Resources(lut=(bits if whole else 3 * bits) + 10, ff=bits),
        view=WidthConverterView(source.elem.bits, source.per_beat, per_beat),
    )
