"""Depthwise products and pools: `PE` channels x `SIMD` taps of a window per cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, log2
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.bitserial import (
    BitSerialView,
    plan_bitserial,
    planes_kept,
)
from bitmason.backends.layers.engines import BITSERIAL, engines_of, is_reducible
from bitmason.backends.layers.memory import STYLES, rom
from bitmason.backends.layers.multiplier import MULTIPLIERS, multiplier_luts, takes_dsp
from bitmason.backends.layers.registry import (
    Planner,
    Site,
    check_among,
    check_divides,
    check_name,
    divisors,
)
from bitmason.backends.layers.windows import window_lanes
from bitmason.ir.graph import Folding, Op
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.pooling import Pool
from bitmason.ir.types import Bipolar, Int, IntType

_LEVEL_NS = 1.0


@dataclass(frozen=True)
class TapsView:
    """The numbers of what reduces windows channel by channel: `kind` is max, sum or product."""

    kind: str
    channels: int
    taps: int
    pe: int
    simd: int
    lanes: int
    x: IntType
    w: IntType | None
    out_bits: int
    stages: int
    memory: str
    dsp: bool

    @property
    def folds(self) -> int:
        """Beats of one group of channels."""
        return self.taps // self.simd


def _stages(simd: int, clock_mhz: float) -> int:
    """Return the registers inside a tree over `simd` taps that fit the clock period."""
    levels = ceil(log2(simd)) + 1 if simd > 1 else 1
    per_stage = max(1, int(1000 / clock_mhz / _LEVEL_NS) - 1)
    return (levels - 1) // per_stage


class _Taps(Planner):
    """What depthwise products and pools have in common."""

    ops: ClassVar[tuple[type[Op], ...]] = ()

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        taps = _taps(site)
        for mmv in _mmvs(site):
            for pe in divisors(site.node.type.shape[-1]):
                for simd in sorted({taps} if mmv > 1 else {1, taps}):
                    yield Folding(pe, simd, mmv=mmv)


def _taps(site: Site) -> int:
    op = site.node.op
    return op.taps if isinstance(op, Pool) else site.source.shape[-1] // site.node.type.shape[-1]


def _mmvs(site: Site) -> list[int]:
    return [1, *window_lanes(site)] if site.window is not None else [1]


def _checked(site: Site, folding: Folding) -> tuple[int, int]:
    """Return channels and taps after checking the folding."""
    node, taps, channels = site.node, _taps(site), site.node.type.shape[-1]
    check_divides("pe", folding.pe, channels, "channels", node)
    check_among("mmv", folding.mmv, _mmvs(site), "does not fit the rows of pixels", node)
    legal = [taps] if folding.mmv > 1 else sorted({1, taps})
    check_among("simd", folding.simd, legal, "is neither one nor all of the taps", node)
    return channels, taps


def _ports(site: Site, folding: Folding) -> tuple[Port, Port]:
    lanes = folding.mmv
    taken = folding.pe * folding.simd * lanes
    return (
        Port(site.elem, site.source.size, taken, lanes),
        Port(site.node.type.int_elem, site.node.type.size, folding.pe * lanes, lanes),
    )


class DepthwisePlanner(_Taps):
    """Plans `Depthwise`."""

    ops: ClassVar = (Depthwise,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Depthwise)
        channels, taps = _checked(site, folding)
        engines = engines_of(op)
        check_name("engine", folding.engine, engines, node)
        check_name("memory", folding.memory, STYLES, node)
        if (folding.engine or engines[0]) == BITSERIAL:
            return self._bitserial(site, folding)
        check_name("multipliers", folding.multipliers, MULTIPLIERS, node)
        source, sink = _ports(site, folding)
        pe, simd, lanes, x = folding.pe, folding.simd, folding.mmv, site.elem
        w = op.stored
        words = channels // pe * (taps // simd)
        memory, stored = rom(words, pe * simd * w.bits, folding.memory, site.prices)
        acc = sink.elem.bits
        products = pe * simd * lanes
        # Twice, for the trees that add the products (benchmarks/layer_area.py).
        in_luts = Resources(lut=products * 2 * multiplier_luts(w.bits, x.bits))
        in_blocks = Resources(lut=products * (w.bits + x.bits), dsp=products)
        costs = in_luts, in_blocks
        # Binary weights select and never multiply.
        selects = isinstance(w, Bipolar)
        dsp = not selects and takes_dsp(folding.multipliers, (w, x), *costs, site.prices)
        sums = Resources(lut=pe * lanes * acc, ff=pe * lanes * 2 * acc)
        compute = sums + (in_blocks if dsp else in_luts)
        return Layer(
            name=node.name,
            op=op.name,
            engine="parallel",
            loc=node.loc,
            folding=Folding(pe, simd, "parallel", memory, "dsp" if dsp else "lut", lanes),
            sources=(source,),
            sinks=(sink,),
            cycles=source.beats,
            resources=Resources(lut=25, ff=20) + stored + compute,
            view=TapsView(
                "product", channels, taps, pe, simd, lanes, x, w, acc,
                _stages(simd, site.options.clock_mhz), memory, dsp,
            ),
            acc_bits=acc,
            weight_bits=channels * taps * w.bits,
        )  # fmt: skip

    def _bitserial(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Depthwise)
        channels, taps = _checked(site, folding)
        # Doubling a selected sum takes two bits.
        narrow = op.stored == Bipolar() and node.type.int_elem.bits == 1
        weight = Int(2) if narrow else op.stored
        view = BitSerialView(
            product="select" if weight == Bipolar() else "and",
            rows=folding.pe,
            columns=taps,
            groups=channels // folding.pe,
            vectors=site.source.size // taps // folding.pe // folding.mmv,
            lanes=folding.mmv,
            pe=folding.pe,
            simd=folding.simd,
            take=folding.pe * folding.simd,
            depthwise=True,
            x=site.elem,
            w=weight,
            acc_bits=node.type.int_elem.bits,
            stages=_stages(folding.simd, site.options.clock_mhz),
            memory="",
            target=site.options.target,
            planes=planes_kept(op, weight, site.elem),
            knobs=is_reducible(op),
        )
        return plan_bitserial(site, folding, view)

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        op = site.node.op
        assert isinstance(op, Depthwise)
        for folding in super().foldings(site, arriving):
            for engine in engines_of(op):
                yield replace(folding, engine=engine)


class PoolPlanner(_Taps):
    """Plans `Pool`."""

    ops: ClassVar = (Pool,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op = site.node, site.node.op
        assert isinstance(op, Pool)
        channels, taps = _checked(site, folding)
        check_name("engine", folding.engine, ("tree",), node)
        source, sink = _ports(site, folding)
        pe, simd, lanes, out = folding.pe, folding.simd, folding.mmv, sink.elem.bits
        return Layer(
            name=node.name,
            op=op.name,
            engine="tree",
            loc=node.loc,
            folding=Folding(pe, simd, "tree", mmv=lanes),
            sources=(source,),
            sinks=(sink,),
            cycles=source.beats,
            resources=Resources(lut=pe * lanes * simd * 2 * out + 10, ff=2 * pe * lanes * out),
            view=TapsView(
                op.kind, channels, taps, pe, simd, lanes, site.elem, None, out,
                _stages(simd, site.options.clock_mhz), "", False,
            ),
            acc_bits=out,
        )  # fmt: skip
