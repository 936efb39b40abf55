"""Claims about a generated top level: frames, tlast, resets in mid-frame, the vendor wrapper."""

from __future__ import annotations

from functools import cache
from typing import Any

import cocotb
import numpy as np

import bitmason
from bitmason.backends.packing import pack_elements
from bitmason.ir.interp import run
from bitmason.ir.partition import between
from bitmason.ir.types import IntArray
from bitmason.pipeline import Compiled
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL
from hw_tests.bench.networks import Dense, Network, Quantiser, make_model
from hw_tests.bench.streams import Bench
from hw_tests.layers.bench import random_values

# Beats of 12 and 9 bits: both ends need padding to bytes.
NETWORK = Network(
    12,
    Quantiser(4, signed=False),
    (
        Dense(6, Quantiser(3), Quantiser(2, signed=False), "Relu", norm=True),
        Dense(9, Quantiser(1), Quantiser(1), norm=True),
        Dense(3, Quantiser(1), bias=True),
    ),
    name="small",
)
MODEL, CYCLES, FRAMES = make_model(NETWORK), 24, 4


@cache
def compiled() -> Compiled:
    """Return the network under test."""
    return bitmason.compile(MODEL, max_cycles=CYCLES)


def frames(seed: int) -> tuple[list[int], list[bool], list[int]]:
    """Return input beats, their tlast, and the output beats of some random frames."""
    design = compiled().design
    (exit_,), (sink,) = design.exits, design.sinks
    entry, leaving = design.graph[design.entry].type, design.graph[exit_].type
    rng = np.random.default_rng(seed)
    x = random_values(rng, entry.int_elem, (FRAMES, *entry.shape))
    (y,) = run(between(design.graph, design.entry, design.exits), {design.entry: x})
    sent = _words(entry.int_elem.encode(x), design.source.elem.bits, design.source.per_beat)
    wanted = _words(leaving.int_elem.encode(y), sink.elem.bits, sink.per_beat)
    beats = design.source.beats
    return sent, [index % beats == beats - 1 for index in range(len(sent))], wanted


def _words(codes: IntArray, bits: int, per_beat: int) -> list[int]:
    packed = pack_elements(codes.reshape(FRAMES, -1).astype(np.int64), bits, per_beat)
    return [
        int.from_bytes(beat.tobytes(), "little") for beat in packed.reshape(-1, packed.shape[2])
    ]


@cocotb.test()
@cocotb.parametrize(idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, idle: str, stall: str, seed: int) -> None:
    bench = await Bench.start(dut, "", claims.pause(idle, seed), claims.pause(stall, seed + 1))
    sent, last, wanted = frames(seed)
    bench.source.send(sent, last)
    assert await bench.collect(len(wanted)) == wanted
    beats = compiled().design.sinks[0].beats
    ends = [index % beats == beats - 1 for index in range(len(wanted))]
    assert bench.sink.last[: len(wanted)] == ends
    assert dut.frame_error.value == 0


@cocotb.test()
async def frames_follow_without_a_bubble(dut: Any) -> None:
    bench = await Bench.start(dut)
    beats, ii = compiled().design.sinks[0].beats, compiled().report()["ii_cycles"]
    for seed in range(4):
        sent, last, _ = frames(seed)
        bench.source.send(sent, last)
    await bench.collect(4 * FRAMES * beats)
    ends = bench.sink.taken[beats - 1 :: beats]
    assert np.diff(ends)[4:].tolist() == [ii] * (4 * FRAMES - 5)


@cocotb.test()
@cocotb.parametrize(after=range(1, 60, 7))
async def recovers_from_reset_in_mid_frame(dut: Any, after: int) -> None:
    bench = await Bench.start(dut, "", None, claims.pause("burst", after))
    sent, last, _ = frames(7)
    bench.source.send(sent, last)
    await bench.cycles(after)
    await bench.restart()
    sent, last, wanted = frames(8)
    bench.source.send(sent, last)
    assert await bench.collect(len(wanted)) == wanted
    assert dut.frame_error.value == 0


@cocotb.test()
async def reports_a_wrong_tlast_and_goes_on(dut: Any) -> None:
    bench = await Bench.start(dut)
    sent, last, wanted = frames(9)
    last[0] = not last[0]
    bench.source.send(sent, last)
    assert await bench.collect(len(wanted)) == wanted
    assert dut.frame_error.value == 1
