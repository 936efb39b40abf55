"""Layers that move elements without computing: pad, crop, upsample, concat, reorder, fork."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.memory import STYLES, ram, rom
from bitmason.backends.layers.registry import (
    Planner,
    Site,
    along,
    check_divides,
    check_name,
    check_no_lanes,
    divisors,
    lanes_of,
)
from bitmason.diagnostics import Loc
from bitmason.ir.graph import Folding
from bitmason.ir.ops.arrange import Concat, Crop, Reorder, Upsample
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import GlobalPool
from bitmason.ir.types import IntType

_CONTROL = Resources(lut=40, ff=30)


@dataclass(frozen=True)
class ImageView:
    """The numbers of a layer that walks over an image: `folds` beats a pixel."""

    height: int
    width: int
    channels: int
    folds: int
    lanes: int = 1
    memory: str = ""


def _register(port: Port) -> Resources:
    return _CONTROL + Resources(lut=port.width, ff=port.width)


class PadPlanner(Planner):
    """Plans `Pad`."""

    ops: ClassVar = (Pad,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Pad)
        (height, width, channels), pe = site.source.shape, folding.pe
        check_divides("pe", pe, channels, "channels", node)
        if folding.mmv > 1 and not self._fits(site, folding.mmv, pe):
            check_no_lanes(folding, node)
        lanes = folding.mmv
        sink = Port(node.type.int_elem, node.type.size, pe * lanes, lanes)
        return Layer(
            name=node.name,
            op=op.name,
            engine="insert",
            loc=node.loc,
            folding=Folding(pe, 1, "insert", mmv=lanes),
            # Pixels arrive as the result's type, which the padding may have widened: by wires.
            sources=(Port(sink.elem, site.source.size, pe * lanes, lanes),),
            sinks=(sink,),
            cycles=sink.beats,
            resources=_register(sink),
            view=ImageView(height, width, channels, channels // pe, lanes),
        )

    def _fits(self, site: Site, lanes: int, pe: int) -> bool:
        op = site.node.op
        assert isinstance(op, Pad)
        widths = (site.source.shape[1], site.node.type.shape[1])
        aligned = all(width % lanes == 0 for width in widths)
        return aligned and op.step == (1, 1) and pe == site.source.shape[2]

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        lanes = lanes_of(arriving, site.pixels)
        for pe in along(arriving, site.source.shape[-1]):
            if lanes > 1 and self._fits(site, lanes, pe):
                yield Folding(pe, mmv=lanes)
            yield Folding(pe)


class CropPlanner(Planner):
    """Plans `Crop` of images; other axes than the channels are kept whole where there are more."""

    ops: ClassVar = (Crop,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Crop)
        check_divides("pe", folding.pe, _whole_channels(op, site.source.shape), "channels", node)
        check_no_lanes(folding, node)
        source = Port(site.elem, site.source.size, folding.pe)
        sink = Port(site.elem, node.type.size, folding.pe)
        height, width, channels = as_image(site.source.shape)
        return Layer(
            name=node.name,
            op=op.name,
            engine="drop",
            loc=node.loc,
            folding=Folding(folding.pe, 1, "drop"),
            sources=(source,),
            sinks=(sink,),
            cycles=source.beats,
            resources=_register(sink),
            view=ImageView(height, width, channels, channels // folding.pe),
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        op = site.node.op
        assert isinstance(op, Crop)
        for pe in along(arriving, _whole_channels(op, site.source.shape)):
            yield Folding(pe)


def as_image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return a shape with three axes, of length 1 in front where there are fewer."""
    height, width, channels = (1,) * (3 - len(shape)) + shape
    return height, width, channels


def _whole_channels(op: Crop, shape: tuple[int, ...]) -> int:
    """Return the channels that can be dropped or kept together."""
    if op.step[-1] > 1:
        return 1
    return reduce(gcd, (op.start[-1], op.size[-1], shape[-1]))


class UpsamplePlanner(Planner):
    """Plans `Upsample`."""

    ops: ClassVar = (Upsample,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Upsample)
        (height, width, channels), pe = site.source.shape, folding.pe
        check_divides("pe", pe, channels, "channels", node)
        check_no_lanes(folding, node)
        check_name("memory", folding.memory, STYLES, node)
        sink = Port(site.elem, node.type.size, pe)
        folds = channels // pe
        words = width * folds if op.factors[0] > 1 else folds
        memory, line = ram(words, sink.width, folding.memory, site.prices)
        return Layer(
            name=node.name,
            op=op.name,
            engine="repeat",
            loc=node.loc,
            folding=Folding(pe, 1, "repeat", memory),
            sources=(Port(site.elem, site.source.size, pe),),
            sinks=(sink,),
            cycles=sink.beats,
            resources=_register(sink) + line,
            view=ImageView(height, width, channels, folds, memory=memory),
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        for pe in along(arriving, site.source.shape[-1]):
            yield Folding(pe)


@dataclass(frozen=True)
class ConcatView:
    """Beats of a pixel from each input."""

    counts: tuple[int, ...]


class ConcatPlanner(Planner):
    """Plans `Concat`."""

    ops: ClassVar = (Concat,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, pe = site.node, folding.pe
        channels = [source.shape[-1] for source in site.sources]
        check_divides("pe", pe, reduce(gcd, channels), "common channels", node)
        check_no_lanes(folding, node)
        sink = Port(node.type.int_elem, node.type.size, pe)
        # Narrower operands arrive as the result's type: a wire widens them.
        sources = tuple(Port(sink.elem, source.size, pe) for source in site.sources)
        return Layer(
            name=node.name,
            op=node.op.name,
            engine="take-turns",
            loc=node.loc,
            folding=Folding(pe, 1, "take-turns"),
            sources=sources,
            sinks=(sink,),
            cycles=sink.beats,
            resources=_CONTROL + Resources(lut=len(sources) * sink.width, ff=sink.width),
            view=ConcatView(tuple(count // pe for count in channels)),
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        for pe in divisors(reduce(gcd, (source.shape[-1] for source in site.sources))):
            yield Folding(pe)


@dataclass(frozen=True)
class ReorderView:
    """Beats of a block, their order, and where it is kept."""

    length: int
    memory: str


class ReorderPlanner(Planner):
    """Plans `Reorder`."""

    ops: ClassVar = (Reorder,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op, pe = site.node, site.node.op, folding.pe
        assert isinstance(op, Reorder)
        check_divides("pe", pe, together(op), "elements that stay together", node)
        check_no_lanes(folding, node)
        check_name("memory", folding.memory, STYLES, node)
        port = Port(site.elem, site.source.size, pe)
        length = op.order.array.size // pe
        memory, stored = ram(2 * length, port.width, folding.memory, site.prices)
        _, order = rom(length, max(1, (length - 1).bit_length()), memory)
        return Layer(
            name=node.name,
            op=op.name,
            engine="buffer",
            loc=node.loc,
            folding=Folding(pe, 1, "buffer", memory),
            sources=(port,),
            sinks=(port,),
            cycles=port.beats,
            resources=_CONTROL + stored + order,
            view=ReorderView(length, memory),
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        op = site.node.op
        assert isinstance(op, Reorder)
        for pe in along(arriving, together(op)):
            yield Folding(pe)


def together(op: Reorder) -> int:
    """Return the largest number of neighbours that a permutation always moves together."""
    order = op.order.int64()
    for size in reversed(divisors(len(order))):
        blocks = order.reshape(-1, size)
        first = blocks[:, :1]
        if (first % size == 0).all() and (blocks == first + range(size)).all():
            return size
    return 1


@dataclass(frozen=True)
class GlobalPoolView:
    """The numbers of a pool over a whole image."""

    kind: str
    pixels: int
    folds: int
    pe: int
    x: IntType
    out_bits: int


class GlobalPoolPlanner(Planner):
    """Plans `GlobalPool`."""

    ops: ClassVar = (GlobalPool,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op, pe = site.node, site.node.op, folding.pe
        assert isinstance(op, GlobalPool)
        height, width, channels = site.source.shape
        check_divides("pe", pe, channels, "channels", node)
        check_no_lanes(folding, node)
        source = Port(site.elem, site.source.size, pe)
        sink = Port(node.type.int_elem, node.type.size, pe)
        folds = channels // pe
        _, stored = ram(folds, sink.width, "logic") if folds > 1 else ("", Resources(ff=sink.width))
        return Layer(
            name=node.name,
            op=op.name,
            engine="accumulate",
            loc=node.loc,
            folding=Folding(pe, 1, "accumulate"),
            sources=(source,),
            sinks=(sink,),
            cycles=source.beats,
            resources=_CONTROL + stored + Resources(lut=2 * sink.width, ff=sink.width),
            view=GlobalPoolView(op.kind, height * width, folds, pe, site.elem, sink.elem.bits),
            acc_bits=sink.elem.bits,
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        for pe in along(arriving, site.source.shape[-1]):
            yield Folding(pe)


def plan_fork(name: str, loc: Loc, port: Port, copies: int) -> Layer:
    """Return the layer that hands every beat to `copies` readers."""
    return Layer(
        name=name,
        op="fork",
        engine="register",
        loc=loc,
        folding=Folding(port.per_lane, mmv=port.lanes),
        sources=(port,),
        sinks=(port,) * copies,
        cycles=port.beats,
        resources=Resources(lut=4 * copies, ff=port.width + copies),
        view=None,
    )
