"""Two streams into one: weighted sums, products, and tables of two integers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.memory import STYLES, rom
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

MULTIPLIERS = ("lut", "dsp")
_DSP_BITS = 12


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
        dsp = folding.multipliers == "dsp" or (
            not folding.multipliers and not plain and not shared and bits >= _DSP_BITS
        )
        words = 1 if shared else channels // folding.pe
        memory, stored = rom(words, 2 * at_once * bits, folding.memory, site.prices)
        out = site.node.type.int_elem.bits
        products = 0 if plain or dsp else (a.bits + b.bits) * bits
        cost = stored + Resources(
            lut=at_once * (out + products), ff=at_once * out, dsp=2 * at_once * dsp
        )
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
        wide = a.bits + b.bits > 10
        dsp = folding.multipliers == "dsp" or (not folding.multipliers and wide)
        out = site.node.type.int_elem.bits
        cost = Resources(
            lut=at_once * (out if dsp else a.bits * b.bits), ff=at_once * out, dsp=at_once * dsp
        )
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
