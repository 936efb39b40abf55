"""Width converters: the same elements, another number of them per beat, lane by lane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd

from bitmason.backends.design import Layer, Port, Resources
from bitmason.diagnostics import Loc
from bitmason.ir.graph import Folding


@dataclass(frozen=True)
class WidthConverterView:
    """The numbers of one width converter; elements per beat are those of one lane."""

    elem_bits: int
    per_beat_in: int
    per_beat_out: int
    lanes: int = 1


def plan_width_converter(name: str, loc: Loc, source: Port, per_lane: int) -> Layer:
    """Return the layer that re-groups every lane of `source` into `per_lane` elements a beat."""
    lanes = source.lanes
    sink = Port(source.elem, source.elements, per_lane * lanes, lanes)
    narrow, wide = sorted((source.per_lane, per_lane))
    whole = wide % narrow == 0
    held = wide if whole else source.per_lane + per_lane - gcd(source.per_lane, per_lane)
    bits = held * source.elem.bits * lanes
    return Layer(
        name=name,
        op="width_converter",
        engine="shift" if whole else "gearbox",
        loc=loc,
        folding=Folding(per_lane, mmv=lanes),
        sources=(source,),
        sinks=(sink,),
        cycles=max(source.beats, sink.beats),
        resources=Resources(lut=(bits if whole else 3 * bits) + 10, ff=bits),
        view=WidthConverterView(source.elem.bits, source.per_lane, per_lane, lanes),
    )


def adapt(
    names: Iterator[str], loc: Loc, source: Port, sink: Port, channels: tuple[int, int]
) -> list[Layer]:
    """Return the converters that turn beats of `source` into beats of `sink`.

    Between streams of different lanes stand beats of whole pixels, which are plain element order
    whatever the lanes. `channels` are the elements of a pixel at both ends: a reshape between them,
    which is wires, may have changed what a pixel is.
    """
    same_pixels = source.lanes == 1 or channels[0] == channels[1]
    if source.lanes == sink.lanes and same_pixels:
        if source.per_lane == sink.per_lane:
            return []
        return [plan_width_converter(next(names), loc, source, sink.per_lane)]
    layers: list[Layer] = []
    if source.lanes > 1 and source.per_lane != channels[0]:
        layers.append(plan_width_converter(next(names), loc, source, channels[0]))
        source = layers[-1].sink
    whole = replace(source, lanes=1)
    if sink.lanes == 1:
        if whole.per_beat != sink.per_beat:
            layers.append(plan_width_converter(next(names), loc, whole, sink.per_beat))
        return layers
    between = sink.lanes * channels[1]
    if whole.per_beat != between:
        layers.append(plan_width_converter(next(names), loc, whole, between))
    if sink.per_lane != channels[1]:
        lanes = replace(whole, per_beat=between, lanes=sink.lanes)
        layers.append(plan_width_converter(next(names), loc, lanes, sink.per_lane))
    return layers
