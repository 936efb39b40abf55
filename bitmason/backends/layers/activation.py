"""Thresholds and lookup tables: one group of `PE` channels per cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log2
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.memory import STYLES, rom
from bitmason.backends.layers.registry import Options, Planner, check_divides, divisors
from bitmason.diagnostics import did_you_mean, fail
from bitmason.ir.graph import Folding, Node
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.types import IntType, TensorType, int_type

THRESHOLD_ENGINES = ("comparators", "search")


@dataclass(frozen=True)
class ThresholdsView:
    """The numbers of one thresholds layer."""

    channels: int
    pe: int
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
    """The numbers of one lookup table layer."""

    channels: int
    pe: int
    x: IntType
    out_bits: int
    shared: bool
    memory: str


def _arriving_or_divisors(channels: int, arriving: int) -> list[int]:
    """Return the PE counts to try: the stream's own, unless that does not divide the channels."""
    fits = arriving and channels % arriving == 0
    return [arriving] if fits else divisors(channels)


def _check_name(key: str, wanted: str, legal: tuple[str, ...], node: Node) -> None:
    if wanted and wanted not in legal:
        fail(
            "B001",
            f"{key} = '{wanted}' cannot build this layer",
            loc=node.loc,
            notes=[f"possible here: {', '.join(repr(choice) for choice in legal)}"],
            help=did_you_mean(wanted, legal) or f"use {key} = '{legal[0]}'",
        )


class ThresholdsPlanner(Planner):
    """Plans `Thresholds`: all comparators side by side, or a pipelined binary search."""

    ops: ClassVar = (Thresholds,)

    def plan(self, node: Node, source: TensorType, folding: Folding, options: Options) -> Layer:
        op = node.op
        assert isinstance(op, Thresholds)
        channels = op.steps.shape[0]
        check_divides("pe", folding.pe, channels, "channels", node)
        _check_name("engine", folding.engine, THRESHOLD_ENGINES, node)
        _check_name("memory", folding.memory, STYLES, node)
        engines = (folding.engine,) if folding.engine else THRESHOLD_ENGINES
        layers = [self._with_engine(node, source, folding, engine) for engine in engines]
        return min(layers, key=lambda layer: layer.resources.price)

    def _with_engine(self, node: Node, source: TensorType, folding: Folding, engine: str) -> Layer:
        op = node.op
        assert isinstance(op, Thresholds)
        channels, steps = op.steps.shape
        x, out = source.int_elem, node.type.int_elem
        w = op.steps.int64()
        # Steps are kept in two's complement, also those of unsigned inputs.
        step_bits = int_type(min(int(w.min()), -1), int(w.max())).bits
        words = channels // folding.pe
        if engine == "search":
            memory, stored = _search_memories(words, folding.pe, steps, step_bits, folding.memory)
        else:
            memory, stored = rom(words, folding.pe * (steps * step_bits + 1), folding.memory)
        view = ThresholdsView(channels, folding.pe, x, out.bits, steps, step_bits, op.base, memory)
        compare = -(-step_bits // 4) if words == 1 else -(-step_bits // 2)
        count = steps if engine == "comparators" else view.depth
        summing = steps if engine == "comparators" else view.depth * x.bits // 4
        return Layer(
            name=node.name,
            op=op.name,
            engine=engine,
            loc=node.loc,
            folding=Folding(folding.pe, 1, engine, memory),
            source=Port(x, source.size, folding.pe),
            sink=Port(out, node.type.size, folding.pe),
            cycles=source.size // folding.pe,
            resources=stored
            + Resources(lut=folding.pe * (count * compare + summing) + 8, ff=folding.pe * out.bits),
            view=view,
            weight_bits=channels * steps * step_bits,
        )

    def foldings(self, node: Node, source: TensorType, arriving: int) -> Iterator[Folding]:
        for pe in _arriving_or_divisors(source.shape[-1], arriving):
            yield Folding(pe)


def _search_memories(
    words: int, pe: int, steps: int, step_bits: int, style: str
) -> tuple[str, Resources]:
    """Return style and cost of the memories of a search: one per lane and depth, all alike."""
    depth = ceil(log2(steps + 1))

    def cost(style: str) -> Resources:
        levels = [rom(words << d, step_bits + (d == 0), style)[1] for d in range(depth)]
        return sum(levels * pe, Resources())

    chosen = style or min(STYLES, key=lambda style: cost(style).price)
    return chosen, cost(chosen)


class LookupPlanner(Planner):
    """Plans `Lookup`: one read-only memory per lane."""

    ops: ClassVar = (Lookup,)

    def plan(self, node: Node, source: TensorType, folding: Folding, options: Options) -> Layer:
        op = node.op
        assert isinstance(op, Lookup)
        channels, x, out = source.shape[-1], source.int_elem, node.type.int_elem
        check_divides("pe", folding.pe, channels, "channels", node)
        _check_name("engine", folding.engine, ("table",), node)
        _check_name("memory", folding.memory, STYLES, node)
        shared = op.table.shape[0] == 1
        words = 2**x.bits * (1 if shared else channels // folding.pe)
        memory, lane = rom(words, out.bits, folding.memory)
        stored = sum([lane] * folding.pe, Resources(lut=8))
        return Layer(
            name=node.name,
            op=op.name,
            engine="table",
            loc=node.loc,
            folding=Folding(folding.pe, 1, "table", memory),
            source=Port(x, source.size, folding.pe),
            sink=Port(out, node.type.size, folding.pe),
            cycles=source.size // folding.pe,
            resources=stored,
            view=LookupView(channels, folding.pe, x, out.bits, shared, memory),
            weight_bits=words * out.bits * (1 if shared else folding.pe),
        )

    def foldings(self, node: Node, source: TensorType, arriving: int) -> Iterator[Folding]:
        for pe in _arriving_or_divisors(source.shape[-1], arriving):
            yield Folding(pe)
