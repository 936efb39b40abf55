"""From ranks of floating-point numbers to fixed point, `PE` channels per cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.registry import (
    Planner,
    Site,
    along,
    check_divides,
    check_name,
    lanes_of,
)
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.graph import Folding
from bitmason.ir.ops.expand import Expand
from bitmason.ir.types import IntType

# Measured with yosys synth_xilinx -family xc7 (benchmarks/layer_area.py).
_CONTROL = Resources(lut=1, ff=1)


@dataclass(frozen=True)
class ExpandView:
    """The numbers of one layer of expanders; `pe` channels of each of `lanes` pixels at once."""

    format: CustomFloat
    pe: int
    lanes: int
    x: IntType
    out_bits: int


class ExpandPlanner(Planner):
    """Plans `Expand`."""

    ops: ClassVar = (Expand,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, op, source = site.node, site.node.op, site.source
        assert isinstance(op, Expand)
        x, out = site.elem, node.type.int_elem
        check_divides("pe", folding.pe, source.shape[-1], "channels", node)
        check_divides("mmv", folding.mmv, site.pixels, "pixels", node)
        check_name("engine", folding.engine, ("shift",), node)
        at_once = folding.pe * folding.mmv
        return Layer(
            name=node.name,
            op=op.name,
            engine="shift",
            loc=node.loc,
            folding=Folding(folding.pe, 1, "shift", mmv=folding.mmv),
            sources=(Port(x, source.size, at_once, folding.mmv),),
            sinks=(Port(out, node.type.size, at_once, folding.mmv),),
            cycles=source.size // at_once,
            resources=_CONTROL
            + Resources(lut=at_once * expander_luts(op.format, x), ff=at_once * out.bits),
            view=ExpandView(op.format, folding.pe, folding.mmv, x, out.bits),
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        for pe in along(arriving, site.source.shape[-1]):
            yield Folding(pe, mmv=lanes_of(arriving, site.pixels))


def expander_luts(format_: CustomFloat, x: IntType, *, code: bool = False) -> int:
    """Return the look-up tables that turn one rank or code of `x` into fixed point."""
    digits, m_bits = format_.fixed_type.bits - 1, format_.m_bits
    if x.lo >= 0:
        return round(digits * (0.75 + 0.19 * m_bits))
    negated = 0 if code else 0.75 * format_.bits  # a rank becomes a magnitude with a sign
    return ceil(digits * (1.05 + 0.26 * m_bits) + negated)
