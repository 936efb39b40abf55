"""An unrolled Reduce-and-Scale layer in SystemVerilog: a module of its own, made of its adders.

Invariant: what is computed, and where registers stand, is the graph's and its pipeline's matter;
what stands here is how nets are named and written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bitmason.backends.layers.ras.adder_graph import NOTHING, AdderGraph, Pipeline, Range, pipeline
from bitmason.backends.render import render
from bitmason.version import __version__

_COLUMNS = 100
_ROWS_SHOWN = 4


@dataclass(frozen=True)
class NetView:
    """A net: its type, or the bits of a vector that it is, its name, and what drives it."""

    type: str
    name: str
    source: str
    note: str = ""


@dataclass(frozen=True)
class StageView:
    """What is computed between two rows of registers, and the registers at its end."""

    sums: tuple[NetView, ...]
    registers: tuple[NetView, ...]


@dataclass(frozen=True)
class AddersView:
    """The module as its template sees it."""

    module: str
    summary: str
    version: str
    loc: str
    latency: str
    source: str
    sink: str
    in_width: int
    out_width: int
    last: int
    leaves_some: bool
    inputs: tuple[NetView, ...]
    stages: tuple[StageView, ...]
    outputs: tuple[NetView, ...]


def render_adders(
    graph: AdderGraph, module: str, *, out_bits: int, between: int, loc: str = "weights"
) -> str:
    """Return the text of a module that computes `graph` on a stream.

    It takes whole vectors and gives results of `out_bits` bits; `LANES`, its only parameter, is how
    many of them travel side by side. At most `between` adders stand from one register to the next;
    `pipeline` tells how many registers that makes, which is the latency. `loc` is where the weights
    come from.
    """
    needed = max((_reach(graph, row).bits for row in range(len(graph.outputs))), default=1)
    assert needed <= out_bits, (module, needed, out_bits)
    writer = _Writer(graph, pipeline(graph, between))
    return render("sv/ras_adders.sv.j2", writer.view(module, out_bits, loc))


def _reach(graph: AdderGraph, row: int) -> Range:
    """Return the range of a row's result."""
    out = graph.outputs[row]
    if out.node == NOTHING:
        return Range(0, 0)
    reach = graph.ranges[out.node]
    return Range(reach.lo << out.shift, reach.hi << out.shift)


class _Writer:
    """Names the nodes of a graph and writes what they are."""

    def __init__(self, graph: AdderGraph, pipe: Pipeline) -> None:
        self._graph = graph
        self._pipe = pipe
        self._rows = _rows_of(graph)
        self._names = [*self._named()]
        self._digits = len(str(max(graph.bits) - 1))
        self._signs = any(reach.signed for reach in graph.ranges)

    def view(self, module: str, out_bits: int, loc: str) -> AddersView:
        """Return the whole module."""
        graph, stages = self._graph, self._pipe.stages
        rows = len(graph.outputs)
        inputs = [node for node in range(graph.inputs) if self._rows[node]]
        adders = "adder" if len(graph.adders) == 1 else "adders"
        return AddersView(
            module=module,
            summary=f"{rows} sums of {graph.inputs} elements by {len(graph.adders)} {adders}.",
            version=__version__,
            loc=loc,
            latency="1 cycle" if stages == 1 else f"{stages} cycles",
            source=f"{graph.inputs} elements of {graph.x} of each lane",
            sink=f"{rows} results of {out_bits} bits of each lane",
            in_width=graph.inputs * graph.x.bits,
            out_width=rows * out_bits,
            last=stages - 1,
            leaves_some=len(inputs) < graph.inputs,
            inputs=tuple(map(self._input, inputs)),
            stages=tuple(self._stage(stage) for stage in range(stages)),
            outputs=tuple(self._output(row, out_bits) for row in range(rows)),
        )

    def _named(self) -> Iterator[str]:
        """Yield the name of each node."""
        made: Counter[str] = Counter()
        roots = {out.node for out in self._graph.outputs}
        for node, rows in enumerate(self._rows):
            if node < self._graph.inputs:
                yield f"x{node}"
                continue
            row = rows.bit_length() - 1
            several = rows.bit_count() > 1
            if node in roots and not several:
                yield f"row{row}"
                continue
            prefix = "shared" if several else f"row{row}_part"
            yield f"{prefix}{made[prefix]}"
            made[prefix] += 1

    def _input(self, node: int) -> NetView:
        bits = self._graph.x.bits
        low = node * bits
        part = f"x[{low + bits - 1}:{low}]" if self._graph.inputs > 1 or bits > 1 else "x"
        return NetView(self._type(node), self._names[node], part)

    def _stage(self, stage: int) -> StageView:
        """Return what happens in a stage, sums of several rows first, then row by row."""
        starts, registers = self._pipe.starts, self._pipe.registers
        nodes = range(len(self._names))
        sums = [n for n in nodes[self._graph.inputs :] if starts[n] == stage]
        sums.sort(key=lambda node: (self._owner(node), node))
        held = [n for n in nodes if starts[n] <= stage < starts[n] + registers[n]]
        held.sort(key=lambda node: (self._owner(node), node))
        return StageView(
            tuple(map(self._computed, sums)),
            tuple(NetView(self._type(n), self._at(n, stage + 1), self._at(n, stage)) for n in held),
        )

    def _owner(self, node: int) -> int:
        """Return the only row that a node serves, or -1."""
        rows = self._rows[node]
        return rows.bit_length() - 1 if node >= self._graph.inputs and rows.bit_count() == 1 else -1

    def _computed(self, node: int) -> NetView:
        """Return an adder's net, within the columns of a line, with a note if several need it."""
        type_, name, source = self._type(node), self._names[node], self._sum(node)
        columns = len(f"    wire {type_} {name} = {source};")
        if columns > _COLUMNS:
            return NetView(type_, name, f"\n        {source}")
        note = self._note(node) if self._owner(node) < 0 else ""
        return NetView(type_, name, f" {source}", note if columns + len(note) <= _COLUMNS else "")

    def _note(self, node: int) -> str:
        """Return the rows that need a node, or how many they are."""
        rows = self._rows[node]
        if rows.bit_count() > _ROWS_SHOWN:
            return f"  // {rows.bit_count()} rows"
        named = [str(row) for row in range(rows.bit_length()) if rows >> row & 1]
        return f"  // rows {', '.join(named)}"

    def _sum(self, node: int) -> str:
        """Return what an adder computes."""
        adder = self._graph.adders[node - self._graph.inputs]
        bits, stage = self._graph.bits[node], self._pipe.starts[node]
        right = self._operand(adder.right, adder.right_shift, bits, stage)
        if adder.left == NOTHING:
            return f"-{right}"
        left = self._operand(adder.left, adder.left_shift, bits, stage)
        return f"{left} {'-' if adder.subtracts else '+'} {right}"

    def _operand(self, node: int, shift: int, bits: int, stage: int) -> str:
        """Return a node in `bits` bits, shifted left."""
        text = f"{bits}'({self._at(node, stage)})"
        return f"({text} << {shift})" if shift else text

    def _output(self, row: int, bits: int) -> NetView:
        """Return the results' bits of a row, and what stands there."""
        out = self._graph.outputs[row]
        place = f"[{(row + 1) * bits - 1}:{row * bits}]"
        if out.node == NOTHING:
            return NetView(place, "", f"{bits}'d0")
        text = self._operand(out.node, out.shift, bits, self._pipe.stages)
        return NetView(place, "", text)

    def _at(self, node: int, stage: int) -> str:
        """Return the name of a node as it stands in a stage."""
        behind = stage - self._pipe.starts[node]
        suffix = "" if behind == 0 else "_q" if behind == 1 else f"_q{behind}"
        return f"{self._names[node]}{suffix}"

    def _type(self, node: int) -> str:
        sign = ("signed " if self._graph.ranges[node].signed else " " * 7) * self._signs
        return f"{sign}[{self._graph.bits[node] - 1:{self._digits}}:0]"


def _rows_of(graph: AdderGraph) -> list[int]:
    """Return which rows need each node, a bit for each row."""
    rows = [0] * len(graph.ranges)
    for row, out in enumerate(graph.outputs):
        if out.node != NOTHING:
            rows[out.node] |= 1 << row
    for node in reversed(range(len(rows))):
        for operand in graph.operands(node):
            rows[operand] |= rows[node]
    return rows
