"""Builds generated layers side by side and states what each of them promises.

Invariant: expected data come from `Op.evaluate`, expected cycles from the layer and its schedule;
nothing is worked out here a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from bitmason.backends.design import Design, Layer, Port
from bitmason.backends.layers import Options, planner_of
from bitmason.backends.layers.width_converter import plan_width_converter
from bitmason.backends.schedule import cells_of
from bitmason.backends.sv import emit_sv
from bitmason.diagnostics import Loc
from bitmason.ir import Builder, Folding, IntType, Op, TensorType
from bitmason.ir.types import Bipolar, IntArray
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import beats
from hw_tests.bench.runner import run_bench

LOC = Loc("bench.onnx", "layer")
Cases = Mapping[str, "Case"]


@dataclass(frozen=True)
class Case:
    """A design of one layer; `needs` input beats come before its first output beat."""

    design: Design
    op: Op | None
    needs: int

    @property
    def layer(self) -> Layer:
        """The layer under test."""
        return self.design.layers[0]


def case(name: str, op: Op, source: TensorType, folding: Folding, **options: Any) -> Case:
    """Return a case for an op with a planner."""
    builder = Builder(name)
    x = builder.input("x", source, LOC)
    y = builder.add(op, [x], LOC, "layer")
    graph = builder.finish([y])
    layer = planner_of(graph.nodes[0]).plan(graph.nodes[0], source, folding, Options(**options))
    vectors = max(1, source.size // source.shape[-1])
    per_vector = layer.source.beats // vectors
    slow = layer.op in {"dense", "xnor_popcount", "arg_max"}
    return Case(Design(name, graph, x, y, (layer,)), op, per_vector if slow else 1)


def width_case(name: str, elem: IntType, elements: int, taken: int, given: int) -> Case:
    """Return a case for a width converter."""
    builder = Builder(name)
    x = builder.input("x", TensorType((elements,), elem), LOC)
    layer = plan_width_converter("layer", LOC, Port(elem, elements, taken), given)
    return Case(Design(name, builder.finish([x]), x, x, (layer,)), None, -(-given // taken))


def run_layers(top: str, cases: Cases, bench: str) -> None:
    """Simulate the layers of `cases` in one build."""
    texts: dict[str, str] = {}
    memories: dict[str, str] = {}
    for name, one in cases.items():
        emitted = emit_sv(one.design)
        modules = {k: v for k, v in emitted.sources.items() if k == f"{name}_layer.sv"}
        texts |= modules
        memories |= emitted.memories
    texts[f"{top}.sv"] = _wrapper(top, cases)
    run_bench(top, texts, bench, memories)


def _wrapper(top: str, cases: Cases) -> str:
    ports = ["  input  wire logic clk", "  input  wire logic rst"]
    instances = []
    for name, one in cases.items():
        ports += [
            f"  input  wire logic [{one.layer.source.width - 1}:0] {name}_s_axis_tdata",
            f"  input  wire logic {name}_s_axis_tvalid",
            f"  output wire logic {name}_s_axis_tready",
            f"  output wire logic [{one.layer.sink.width - 1}:0] {name}_m_axis_tdata",
            f"  output wire logic {name}_m_axis_tvalid",
            f"  input  wire logic {name}_m_axis_tready",
        ]
        signals = [f"{s}_axis_t{k}" for s in "sm" for k in ("data", "valid", "ready")]
        wires = ["    .clk", "    .rst", *(f"    .{s}({name}_{s})" for s in signals)]
        instances.append(f"  {name}_layer u_{name} (\n" + ",\n".join(wires) + "\n  );\n")
    return (
        f"`default_nettype none\n\nmodule {top} (\n" + ",\n".join(ports) + "\n);\n\n"
        + "\n".join(instances) + "\nendmodule\n\n`default_nettype wire\n"
    )  # fmt: skip


def contract(one: Case) -> Contract:
    """Return what a layer promises."""
    layer = one.layer

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        source = one.design.graph.inputs[0].type
        x = random_values(rng, source.int_elem, source.shape)
        y = x if one.op is None else one.op.evaluate(x[np.newaxis])[0]
        return _beats(layer.source, x), _beats(layer.sink, y)

    return Contract(frame, cycles=layer.cycles, latency=_latency(one), needs=one.needs)


def random_values(rng: np.random.Generator, elem: IntType, shape: tuple[int, ...]) -> IntArray:
    """Return random values of a type, its extremes among them."""
    if isinstance(elem, Bipolar):
        return 2 * rng.integers(0, 2, shape) - 1
    x = rng.integers(elem.lo, elem.hi + 1, shape)
    return np.where(rng.random(shape) < 0.1, rng.choice([elem.lo, elem.hi], shape), x)


def _beats(port: Port, values: IntArray) -> list[int]:
    codes = port.elem.encode(values.astype(np.int64)).reshape(-1)
    return beats(codes, port.per_beat, port.elem.bits)


def _latency(one: Case) -> int:
    """Return the cycles from the beat that completes the first output's input to its offer."""
    cells = cells_of(one.layer)
    cycle = 0
    while not cells[-1].valid:
        offered = [cycle < one.needs, *(cell.valid for cell in cells[:-1])]
        ready = [cell.ready(True) for cell in cells]
        for cell, push, taken in zip(cells, offered, ready, strict=True):
            cell.step(push and taken, True)
        cycle += 1
    return cycle - (one.needs - 1)


def layer_claims(cases: Cases) -> tuple[Any, ...]:
    """Return the cocotb tests of some layers; the caller binds them in its own module."""

    @cocotb.test()
    @cocotb.parametrize(name=[*cases], idle=IDLE, stall=STALL, seed=SEEDS)
    async def equals_golden(dut: Any, name: str, idle: str, stall: str, seed: int) -> None:
        promised = contract(cases[name])
        await claims.equals_golden(dut, f"{name}_", promised, idle=idle, stall=stall, seed=seed)

    @cocotb.test()
    @cocotb.parametrize(name=[*cases])
    async def runs_at_full_rate(dut: Any, name: str) -> None:
        await claims.runs_at_full_rate(dut, f"{name}_", contract(cases[name]))

    @cocotb.test()
    @cocotb.parametrize(name=[*cases])
    async def has_exact_latency(dut: Any, name: str) -> None:
        await claims.has_exact_latency(dut, f"{name}_", contract(cases[name]))

    @cocotb.test()
    @cocotb.parametrize(name=[*cases])
    async def recovers_from_reset(dut: Any, name: str) -> None:
        await claims.recovers_from_reset(dut, f"{name}_", contract(cases[name]))

    return equals_golden, runs_at_full_rate, has_exact_latency, recovers_from_reset
