"""Thresholds and lookup tables: one group of `PE` channels per cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log2
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Prices, Resources
from bitmason.backends.layers.memory import STYLES, rom
from bitmason.backends.layers.registry import (
    Planner,
    Site,
    along,
    check_divides,
    check_name,
    lanes_of,
)
from bitmason.ir.graph import Folding
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.types import IntType, int_type

THRESHOLD_ENGINES = ("comparators", "search")


@dataclass(frozen=True)
class ThresholdsView:
    """The numbers of one thresholds layer; `pe` channels of each of `lanes` pixels at once."""

    channels: int
    pe: int
    lanes: int
    x: IntType
    out_bits: int
    steps: int
    step_bits: int
    base: int
    memory: str

    @property
    def folds(self) -> int:
        """Groups of PE channels."""
        return self.channels // self.pe

    @property
    def depth(self) -> int:
        """Stages of a binary search."""
        return ceil(log2(self.steps + 1))


@dataclass(frozen=True)
class LookupView:
    """The numbers of one lookup table layer; `pe` channels of each of `lanes` pixels at once."""

    channels: int
    pe: int
    lanes: int
    x: IntType
    out_bits: int
    shared: bool
    memory: str


class ThresholdsPlanner(Planner):
    """Plans `Thresholds`: all comparators side by side, or a pipelined binary search."""

    ops: ClassVar = (Thresholds,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Thresholds)
        channels = op.steps.shape[0]
        check_divides("pe", folding.pe, channels, "channels", node)
        check_divides("mmv", folding.mmv, site.pixels, "pixels", node)
        check_name("engine", folding.engine, THRESHOLD_ENGINES, node)
        check_name("memory", folding.memory, STYLES, node)
        engines = (folding.engine,) if folding.engine else THRESHOLD_ENGINES
        layers = [self._with_engine(site, folding, engine) for engine in engines]
        return min(layers, key=lambda layer: layer.resources.price(site.prices))

    def _with_engine(self, site: Site, folding: Folding, engine: str) -> Layer:
        node, op, source = site.node, site.node.op, site.source
        assert isinstance(op, Thresholds)
        channels, steps = op.steps.shape
        lanes = folding.mmv
        at_once = folding.pe * lanes
        x, out = site.elem, node.type.int_elem
        w = op.steps.int64()
        # Steps are kept in two's complement, also those of unsigned inputs.
        step_bits = int_type(min(int(w.min()), -1), int(w.max())).bits
        words = channels // folding.pe
        if engine == "search":
            memory, stored = _search_memories(
                words, at_once, steps, step_bits, folding.memory, site.prices
            )
        else:
            memory, stored = rom(
                words, at_once * (steps * step_bits + 1), folding.memory, site.prices
            )
        view = ThresholdsView(
            channels, folding.pe, lanes, x, out.bits, steps, step_bits, op.base, memory
        )
        compare = -(-step_bits // 4) if words == 1 else -(-step_bits // 2)
        count = steps if engine == "comparators" else view.depth
        summing = steps if engine == "comparators" else view.depth * x.bits // 4
        return Layer(
            name=node.name,
            op=op.name,
            engine=engine,
            loc=node.loc,
            folding=Folding(folding.pe, 1, engine, memory, mmv=lanes),
            sources=(Port(x, source.size, at_once, lanes),),
            sinks=(Port(out, node.type.size, at_once, lanes),),
            cycles=source.size // at_once,
            resources=stored
            + Resources(lut=at_once * (count * compare + summing) + 8, ff=at_once * out.bits),
            view=view,
            weight_bits=channels * steps * step_bits,
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        for pe in along(arriving, site.source.shape[-1]):
            yield Folding(pe, mmv=lanes_of(arriving, site.pixels))


def _search_memories(
    words: int, pe: int, steps: int, step_bits: int, style: str, prices: Prices
) -> tuple[str, Resources]:
    """Return style and cost of the memories of a search: one per lane and depth, all alike."""
    depth = ceil(log2(steps + 1))

    def cost(style: str) -> Resources:
        levels = [rom(words << d, step_bits + (d == 0), style)[1] for d in range(depth)]
        return sum(levels * pe, Resources())

    chosen = style or min(STYLES, key=lambda style: cost(style).price(prices))
    return chosen, cost(chosen)


class LookupPlanner(Planner):
    """Plans `Lookup`: one read-only memory per lane."""

    ops: ClassVar = (Lookup,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op, source = site.node, site.node.op, site.source
        assert isinstance(op, Lookup)
        channels, x, out = source.shape[-1], site.elem, node.type.int_elem
        check_divides("pe", folding.pe, channels, "channels", node)
        check_divides("mmv", folding.mmv, site.pixels, "pixels", node)
        check_name("engine", folding.engine, ("table",), node)
        check_name("memory", folding.memory, STYLES, node)
        at_once = folding.pe * folding.mmv
        shared = op.table.shape[0] == 1
        words = 2**x.bits * (1 if shared else channels // folding.pe)
        memory, lane = rom(words, out.bits, folding.memory, site.prices)
        stored = sum([lane] * at_once, Resources(lut=8))
        return Layer(
            name=node.name,
            op=op.name,
            engine="table",
            loc=node.loc,
            folding=Folding(folding.pe, 1, "table", memory, mmv=folding.mmv),
            sources=(Port(x, source.size, at_once, folding.mmv),),
            sinks=(Port(out, node.type.size, at_once, folding.mmv),),
            cycles=source.size // at_once,
            resources=stored,
            view=LookupView(channels, folding.pe, folding.mmv, x, out.bits, shared, memory),
            weight_bits=words * out.bits * (1 if shared else folding.pe),
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        for pe in along(arriving, site.source.shape[-1]):
            yield Folding(pe, mmv=lanes_of(arriving, site.pixels))
