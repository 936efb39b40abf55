"""ArgMax: the running best of a vector, `PE` candidates per cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.registry import Options, Planner, check_divides, divisors
from bitmason.ir.graph import Folding, Node
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.types import IntType, TensorType


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

    def plan(self, node: Node, source: TensorType, folding: Folding, options: Options) -> Layer:
        channels, x, out = source.shape[-1], source.int_elem, node.type.int_elem
        check_divides("pe", folding.pe, channels, "channels", node)
        compare = x.bits + out.bits
        return Layer(
            name=node.name,
            op=node.op.name,
            engine="serial",
            loc=node.loc,
            folding=Folding(folding.pe, 1, "serial"),
            source=Port(x, source.size, folding.pe),
            sink=Port(out, node.type.size, 1),
            cycles=source.size // folding.pe,
            resources=Resources(lut=folding.pe * compare + 10, ff=compare + 8),
            view=ArgMaxView(channels, folding.pe, x, out.bits),
        )

    def foldings(self, node: Node, source: TensorType, arriving: int) -> Iterator[Folding]:
        fits = arriving and source.shape[-1] % arriving == 0
        for pe in [arriving] if fits else divisors(source.shape[-1]):
            yield Folding(pe)
