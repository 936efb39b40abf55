"""Builds generated layers side by side and states what each of them promises.

Invariant: expected data come from `Op.evaluate`, expected cycles from the layer and the timing
model; nothing is worked out here a second time.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import cocotb
import numpy as np

from bitmason.backends.design import Design, Port
from bitmason.backends.schedule import Model
from bitmason.backends.sv import emit_sv
from bitmason.backends.sv.top import sink_name
from bitmason.ir import IntType, TensorType
from bitmason.ir.interp import run
from bitmason.ir.types import Bipolar, IntArray
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Junction, Streams
from hw_tests.bench.packing import beats
from hw_tests.bench.runner import run_bench
from hw_tests.layers.cases import (
    Case,
    Cases,
    case,
    chain_case,
    fed,
    feed_cycles,
    fifo_case,
    fork_case,
    graph_case,
    width_case,
    window_case,
)

__all__ = [
    "Case",
    "case",
    "chain_case",
    "fifo_case",
    "fork_case",
    "graph_case",
    "layer_claims",
    "random_values",
    "run_layers",
    "width_case",
    "window_case",
]

_FRAMES = 4  # whose every beat is held to the timing model


def run_layers(top: str, cases: Cases, bench: str) -> None:
    """Simulate the layers of `cases` in one build."""
    texts: dict[str, str] = {}
    memories: dict[str, str] = {}
    instances = []
    for name, one in cases.items():
        emitted = emit_sv(one.design)
        own = {k: v for k, v in emitted.sources.items() if not k.startswith("lib/")}
        own.pop(f"{emitted.top}_wrapper.v")
        if not one.whole:
            own.pop(f"{emitted.top}.sv")
        (module,) = [emitted.top] if one.whole else [path.removesuffix(".sv") for path in own]
        texts |= own
        memories |= emitted.memories
        instances.append((name, one, module))
    texts[f"{top}.sv"] = _wrapper(top, instances)
    run_bench(top, texts, bench, memories)


def _wrapper(top: str, instances: list[tuple[str, Case, str]]) -> str:
    ports = ["  input  wire logic clk", "  input  wire logic rst"]
    bodies = []
    for name, one, module in instances:
        wires = ["    .clk", "    .rst"]
        unused = []
        ends = [(end, "input ", "output") for end in _inputs(one)]
        ends += [(end, "output", "input ") for end in _outputs(one)]
        for (stream, width), ahead, back in ends:
            ports += [
                f"  {ahead} wire logic [{width - 1}:0] {name}_{stream}_tdata",
                f"  {ahead} wire logic {name}_{stream}_tvalid",
                f"  {back} wire logic {name}_{stream}_tready",
            ]
            wires += [f"    .{stream}_t{k}({name}_{stream}_t{k})" for k in _SIGNALS]
            if one.whole and ahead == "input ":
                wires.append(f"    .{stream}_tlast(1'b0)")
            elif one.whole:
                unused.append(f"unused_{name}_{stream}_tlast")
                wires.append(f"    .{stream}_tlast({unused[-1]})")
        if one.whole:
            unused.append(f"unused_{name}_frame_error")
            wires.append(f"    .frame_error({unused[-1]})")
        bodies += [f"  logic {wire};\n" for wire in unused]
        bodies.append(f"  {module} u_{name} (\n" + ",\n".join(wires) + "\n  );\n")
    return (
        f"`default_nettype none\n\nmodule {top} (\n" + ",\n".join(ports) + "\n);\n\n"
        + "\n".join(bodies) + "\nendmodule\n\n`default_nettype wire\n"
    )  # fmt: skip


_SIGNALS = ("data", "valid", "ready")


def _inputs(one: Case) -> list[tuple[str, int]]:
    """Return name and width of each stream in, as the module under test calls them."""
    if one.whole:
        return [("s_axis", one.design.source.padded_width)]
    ports = one.layer.sources
    several = len(ports) > 1
    return [(f"s{i}_axis" if several else "s_axis", port.width) for i, port in enumerate(ports)]


def _outputs(one: Case) -> list[tuple[str, int]]:
    """Return name and width of each stream out, as the module under test calls them."""
    if one.whole:
        return [(sink_name(i), port.padded_width) for i, port in enumerate(one.design.sinks)]
    ports = one.layer.sinks
    several = len(ports) > 1
    return [(f"m{i}_axis" if several else "m_axis", port.width) for i, port in enumerate(ports)]


def promise(one: Case) -> Junction:
    """Return what a case promises."""
    design = one.design
    sources = [design.source] if one.whole else one.layer.sources

    def frame(rng: np.random.Generator) -> tuple[Streams, Streams]:
        x = [random_values(rng, type_.int_elem, (1, *type_.shape)) for type_ in one.takes]
        y = _golden(one, x)
        sent = [_beats(*each) for each in zip(sources, one.takes, x, strict=True)]
        return sent, [_beats(*each) for each in zip(design.sinks, one.gives, y, strict=True)]

    first = beat_cycles(one, 1)
    return Junction(
        frame,
        cycles=design.ii_cycles,
        latency=max(int(cycles[-1]) for cycles in first),
        leads=int(max(np.count_nonzero(cycles) for cycles in leading_beats(one))),
        inputs=[name for name, _ in _inputs(one)],
        outputs=[name for name, _ in _outputs(one)],
    )


def _golden(one: Case, x: list[IntArray]) -> list[IntArray]:
    """Return the frames that must come out, one for each output stream."""
    if one.graph is None:
        return x * len(one.gives)
    feeds = {i.name: values for i, values in zip(one.graph.inputs, x, strict=True)}
    return [y.astype(np.int64) for y in run(one.graph, feeds)]


def random_values(rng: np.random.Generator, elem: IntType, shape: tuple[int, ...]) -> IntArray:
    """Return random values of a type, its extremes among them."""
    if isinstance(elem, Bipolar):
        return 2 * rng.integers(0, 2, shape) - 1
    x = rng.integers(elem.lo, elem.hi + 1, shape)
    return np.where(rng.random(shape) < 0.1, rng.choice([elem.lo, elem.hi], shape), x)


def _beats(port: Port, type_: TensorType, values: IntArray) -> list[int]:
    """Return a frame as beats: pixel p travels in lane p mod `lanes`."""
    codes = type_.int_elem.encode(values.astype(np.int64)).reshape(-1)
    if port.lanes > 1:
        by_lane = codes.reshape(-1, port.lanes, type_.shape[-1] // port.per_lane, port.per_lane)
        codes = by_lane.transpose(0, 2, 1, 3).reshape(-1)
    return beats(codes, port.per_beat, port.elem.bits)


def beat_cycles(one: Case, frames: int) -> list[IntArray]:
    """Return the cycle of every output beat of some frames, per output, by the timing model.

    Cycle 0 is that of the first beat taken.
    """
    sources = [stream.port for stream in one.design.streams if not stream.producer.layer]
    sent = frames * max(port.beats for port in sources)
    schedules = []
    for index, port in enumerate(one.design.sinks):
        count = frames * port.beats
        ends, first = _run(one, -(-sent // count), count)
        schedules.append(ends[index] - first - feed_cycles(one))
    return schedules


def leading_beats(one: Case) -> list[IntArray]:
    """Return the cycles of the beats that come out before anything went in, per output."""
    most = max(port.beats for port in one.design.sinks)
    ends, _ = _run(one, 0, most)
    return list(ends)


def _run(one: Case, sent: int, count: int) -> tuple[IntArray, int]:
    """Return when each of `count` beats leaves each output, where `sent` beats enter for each."""
    model = Model(_by_beat(fed(one), sent))
    found = model.run(count)
    return found.ends, found.first


def _by_beat(design: Design, sent: int) -> Design:
    """Return `design` with frames of one beat at its outputs, and of `sent` at its input."""
    streams = []
    for stream in design.streams:
        port = stream.port
        if not stream.producer.layer:
            port = replace(port, elements=sent * port.per_beat)
        elif not stream.consumer.layer:
            port = replace(port, elements=port.per_beat)
        streams.append(replace(stream, port=port))
    return replace(design, streams=tuple(streams))


async def leaves_as_modelled(dut: Any, prefix: str, one: Case, promised: Junction) -> None:
    """With both ends always willing, every beat of several frames leaves when the model says."""
    bench = await claims.started(dut, prefix, promised)
    for seed in range(2):
        await bench.restart()
        sent, wanted = claims.draw_streams(promised, _FRAMES, seed)
        # One more cycle of reset: then the first beat is on offer in the first cycle behind it.
        dut.rst.value = 1
        claims.send(bench, sent)
        await bench.cycles(1)
        dut.rst.value = 0
        await claims.expect(bench, wanted)
        begin = bench.source.accepted[0]
        for sink, cycles in zip(bench.sinks, beat_cycles(one, _FRAMES), strict=True):
            found = np.array(sink.taken[: len(cycles)]) - begin
            np.testing.assert_array_equal(found, cycles)


def layer_claims(cases: Cases) -> tuple[Any, ...]:
    """Return the cocotb tests of some layers; the caller binds them in its own module."""

    @cache
    def promised(name: str) -> Junction:
        return promise(cases[name])

    @cocotb.test()
    @cocotb.parametrize(name=[*cases], idle=IDLE, stall=STALL, seed=SEEDS)
    async def equals_golden(dut: Any, name: str, idle: str, stall: str, seed: int) -> None:
        await claims.equals_golden(
            dut, f"{name}_", promised(name), idle=idle, stall=stall, seed=seed
        )

    @cocotb.test()
    @cocotb.parametrize(name=[*cases])
    async def runs_at_full_rate(dut: Any, name: str) -> None:
        await claims.runs_at_full_rate(dut, f"{name}_", promised(name))

    @cocotb.test()
    @cocotb.parametrize(name=[*cases])
    async def leaves_when_modelled(dut: Any, name: str) -> None:
        await leaves_as_modelled(dut, f"{name}_", cases[name], promised(name))

    @cocotb.test()
    @cocotb.parametrize(name=[*cases])
    async def recovers_from_reset(dut: Any, name: str) -> None:
        await claims.recovers_from_reset(dut, f"{name}_", promised(name))

    return equals_golden, runs_at_full_rate, leaves_when_modelled, recovers_from_reset
