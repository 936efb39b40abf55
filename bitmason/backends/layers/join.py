"""Two streams into one: weighted sums, products, and tables of two integers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.memory import STYLES, rom
from bitmason.backends.layers.multiplier import MULTIPLIERS, multiplier_luts, takes_dsp
from bitmason.backends.layers.registry import (
    Planner,
    Site,
    along,
    check_divides,
    check_name,
    lanes_of,
)
from bitmason.ir.graph import Folding, Op
from bitmason.ir.ops.join import JoinLookup, Product, WeightedSum
from bitmason.ir.types import IntType, int_type


@dataclass(frozen=True)
class JoinView:
    """The numbers of a join; `pe` channels of each of `lanes` pixels at once."""

    kind: str
    channels: int
    pe: int
    lanes: int
    a: IntType
    b: IntType
    factor_bits: int
    shared: bool
    out_bits: int
    stages: int
    memory: str
    dsp: bool

    @property
    def folds(self) -> int:
        """Groups of channels that have constants of their own."""
        return 1 if self.shared else self.channels // self.pe


class _Join(Planner):
    """What all joins have in common."""

    ops: ClassVar[tuple[type[Op], ...]] = ()

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        for pe in along(arriving, site.node.type.shape[-1]):
            yield Folding(pe, mmv=lanes_of(arriving, site.pixels))

    def _layer(self, site: Site, view: JoinView, cost: Resources, stored_bits: int = 0) -> Layer:
        node = site.node
        at_once = view.pe * view.lanes
        a, b = (Port(source.int_elem, source.size, at_once, view.lanes) for source in site.sources)
        multipliers = "dsp" if view.dsp else ""
        return Layer(
            name=node.name,
            op=node.op.name,
            engine=view.kind,
            loc=node.loc,
            folding=Folding(view.pe, 1, view.kind, view.memory, multipliers, view.lanes),
            sources=(a, b),
            sinks=(Port(node.type.int_elem, node.type.size, at_once, view.lanes),),
            cycles=a.beats,
            resources=Resources(lut=10, ff=10) + cost,
            view=view,
            acc_bits=view.out_bits,
            weight_bits=stored_bits,
        )


def _checked(site: Site, folding: Folding, engine: str) -> None:
    node = site.node
    check_divides("pe", folding.pe, node.type.shape[-1], "channels", node)
    check_divides("mmv", folding.mmv, site.pixels, "pixels", node)
    check_name("engine", folding.engine, (engine,), node)
    check_name("memory", folding.memory, STYLES, node)
    check_name("multipliers", folding.multipliers, MULTIPLIERS, node)


class SumPlanner(_Join):
    """Plans `WeightedSum`."""

    ops: ClassVar = (WeightedSum,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        op = site.node.op
        assert isinstance(op, WeightedSum)
        _checked(site, folding, "sum")
        factors = op.factors.int64()
        bits = int_type(min(-1, int(factors.min())), int(factors.max())).bits
        shared = factors.shape[1] == 1
        a, b = (source.int_elem for source in site.sources)
        at_once, channels = folding.pe * folding.mmv, site.node.type.shape[-1]
        plain = bool(np.all(np.abs(factors) == 1))
        words = 1 if shared else channels // folding.pe
        memory, stored = rom(words, 2 * at_once * bits, folding.memory, site.prices)
        out = site.node.type.int_elem.bits
        in_luts = Resources(lut=0 if plain else at_once * (a.bits + b.bits) * bits)
        in_blocks = Resources(dsp=2 * at_once)
        # Constants that every channel shares are shifts and sums: never worth a multiplier.
        wanted = folding.multipliers or ("lut" if plain or shared else "")
        dsp = takes_dsp(wanted, (a, b), in_luts, in_blocks, site.prices)
        sums = Resources(lut=at_once * out, ff=at_once * out)
        cost = stored + sums + (in_blocks if dsp else in_luts)
        view = JoinView(
            "sum", channels, folding.pe, folding.mmv, a, b, bits, shared, out,
            int(not plain and site.options.clock_mhz > 100), memory, dsp,
        )  # fmt: skip
        return self._layer(site, view, cost, 0 if shared else factors.size * bits)


class ProductPlanner(_Join):
    """Plans `Product`."""

    ops: ClassVar = (Product,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        op = site.node.op
        assert isinstance(op, Product)
        _checked(site, folding, "product")
        a, b = (source.int_elem for source in site.sources)
        at_once = folding.pe * folding.mmv
        out = site.node.type.int_elem.bits
        in_luts = Resources(lut=at_once * multiplier_luts(a.bits, b.bits))
        in_blocks = Resources(lut=at_once * out, dsp=at_once)
        dsp = takes_dsp(folding.multipliers, (a, b), in_luts, in_blocks, site.prices)
        cost = Resources(ff=at_once * out) + (in_blocks if dsp else in_luts)
        view = JoinView(
            "product", site.node.type.shape[-1], folding.pe, folding.mmv, a, b, 1, True, out,
            int(site.options.clock_mhz > 100), "", dsp,
        )  # fmt: skip
        return self._layer(site, view, cost)


class JoinLookupPlanner(_Join):
    """Plans `JoinLookup`."""

    ops: ClassVar = (JoinLookup,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        op = site.node.op
        assert isinstance(op, JoinLookup)
        _checked(site, folding, "table")
        a, b = (source.int_elem for source in site.sources)
        channels, out = site.node.type.shape[-1], site.node.type.int_elem.bits
        shared = op.table.shape[0] == 1
        words = 2 ** (a.bits + b.bits) * (1 if shared else channels // folding.pe)
        memory, lane = rom(words, out, folding.memory, site.prices)
        view = JoinView(
            "table", channels, folding.pe, folding.mmv, a, b, 0, shared, out, 0, memory, False
        )
        cost = sum([lane] * (folding.pe * folding.mmv), Resources())
        return self._layer(site, view, cost, words * out * (1 if shared else folding.pe))
