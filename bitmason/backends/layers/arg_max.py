"""ArgMax: the running best of a vector, `PE` candidates per cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.registry import (
    Planner,
    Site,
    along,
    check_divides,
    check_no_lanes,
)
from bitmason.ir.graph import Folding
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.types import IntType


@dataclass(frozen=True)
class ArgMaxView:
    """The numbers of one ArgMax layer."""

    channels: int
    pe: int
    x: IntType
    out_bits: int


class ArgMaxPlanner(Planner):
    """Plans `ArgMax`."""

    ops: ClassVar = (ArgMax,)

    def plan(self, site: Site, folding: Folding) -> Layer:
        node, source = site.node, site.source
        channels, x, out = source.shape[-1], site.elem, node.type.int_elem
        check_divides("pe", folding.pe, channels, "channels", node)
        check_no_lanes(folding, node)
        compare = x.bits + out.bits
        return Layer(
            name=node.name,
            op=node.op.name,
            engine="serial",
            loc=node.loc,
            folding=Folding(folding.pe, 1, "serial"),
            sources=(Port(x, source.size, folding.pe),),
            sinks=(Port(out, node.type.size, 1),),
            cycles=source.size // folding.pe,
            resources=Resources(lut=folding.pe * compare + 10, ff=compare + 8),
            view=ArgMaxView(channels, folding.pe, x, out.bits),
        )

    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        for pe in along(arriving, site.source.shape[-1]):
            yield Folding(pe)
