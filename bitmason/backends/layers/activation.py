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
    divisors,
    lanes_of,
)
from bitmason.ir.float_steps import FloatSteps, float_steps_of
from bitmason.ir.graph import Folding
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.types import IntType, int_type

THRESHOLD_ENGINES = ("comparators", "search")
COMPRESSOR = "compressor"


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
class CompressorView:
    """The numbers of thresholds that round to floating point, `steps` says how."""

    channels: int
    pe: int
    lanes: int
    x: IntType
    out_bits: int
    offset_bits: int
    steps: FloatSteps
    memory: str

    @property
    def sum_bits(self) -> int:
        """Bits of what is rounded, its sign included."""
        return 1 + max(self.x.bits + self.steps.shift + 1, self.offset_bits)


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
    """Plans `Thresholds`: all comparators side by side, or a pipelined binary search.

    Where they round to floating point, a compressor does it with one adder.
    """

    ops: ClassVar = (Thresholds,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Thresholds)
        channels = op.steps.shape[0]
        check_divides("pe", folding.pe, channels, "channels", node)
        check_divides("mmv", folding.mmv, site.pixels, "pixels", node)
        rounding = float_steps_of(op, site.elem)
        legal = (*THRESHOLD_ENGINES, *([COMPRESSOR] if rounding is not None else []))
        check_name("engine", folding.engine, legal, node)
        check_name("memory", folding.memory, STYLES, node)
        engines = (folding.engine,) if folding.engine else legal
        layers = [
            _compressor(site, folding, rounding)
            if engine == COMPRESSOR and rounding is not None
            else self._with_engine(site, folding, engine)
            for engine in engines
        ]
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
        channels, op = site.source.shape[-1], site.node.op
        assert isinstance(op, Thresholds)
        at_once = along(arriving, channels)
        if arriving is not None and float_steps_of(op, site.elem) is not None:
            # A compressor costs more than the converter that lets fewer of them do.
            at_once = [*(d for d in divisors(channels) if at_once[0] % d == 0), *at_once[1:]]
        for pe in at_once:
            yield Folding(pe, mmv=lanes_of(arriving, site.pixels))


def _compressor(site: Site, folding: Folding, steps: FloatSteps) -> Layer:
    node, source, out = site.node, site.source, site.node.type.int_elem
    channels, at_once = source.shape[-1], folding.pe * folding.mmv
    offset_bits = int_type(min(int(steps.offsets.min()), -1), int(steps.offsets.max())).bits
    words = channels // folding.pe
    memory, stored = rom(words, folding.pe * offset_bits, folding.memory, site.prices)
    view = CompressorView(
        channels, folding.pe, folding.mmv, site.elem, out.bits, offset_bits, steps, memory
    )
    return Layer(
        name=node.name,
        op=node.op.name,
        engine=COMPRESSOR,
        loc=node.loc,
        folding=Folding(folding.pe, 1, COMPRESSOR, memory, mmv=folding.mmv),
        sources=(Port(site.elem, source.size, at_once, folding.mmv),),
        sinks=(Port(out, node.type.size, at_once, folding.mmv),),
        cycles=source.size // at_once,
        resources=stored + _compressor_cost(view, at_once),
        view=view,
        weight_bits=channels * offset_bits,
    )


def _compressor_cost(view: CompressorView, at_once: int) -> Resources:
    """Return what is measured with yosys synth_xilinx (benchmarks/layer_area.py)."""
    steps = view.steps
    least = steps.m_bits + steps.fraction
    size = max(view.sum_bits, least + 2)
    binades = size - 1 - least
    choice = binades.bit_length()
    if steps.nearest and steps.m_bits:  # all digits are shifted: the last ones tell a tie
        shifter, digits = 0.82 * size * choice, 2 * size
    else:
        half = steps.m_bits == 0 and (steps.nearest or not steps.subnormals)
        kept = steps.m_bits + 1 + half
        shifter, digits = 0.72 * kept * binades, size - steps.fraction + half + kept
    ff = view.x.bits + digits + choice + view.out_bits + 2
    return Resources(lut=ceil(at_once * (2.2 * size + shifter)) + 10, ff=at_once * ff + 8)


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
