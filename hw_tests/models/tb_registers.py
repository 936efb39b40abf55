"""Claims about a whole design with registers: writes change frames, and never tear one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cocotb
import numpy as np

import bitmason
from bitmason.backends.packing import pack_elements
from bitmason.backends.registers.map import register_map
from bitmason.backends.settings import Setting, setting_of, with_setting
from bitmason.ir.interp import run
from bitmason.ir.partition import between
from bitmason.ir.types import IntArray
from bitmason.pipeline import Compiled
from hw_tests.bench import claims
from hw_tests.bench.axi_lite import OKAY, SLVERR, Lite
from hw_tests.bench.networks import Dense, Network, Quantiser, make_model
from hw_tests.bench.streams import Bench, now
from hw_tests.layers.bench import random_values

NETWORK = Network(
    12,
    Quantiser(3, signed=False),
    (
        Dense(6, Quantiser(3), Quantiser(2, signed=False), "Relu", norm=True),
        Dense(4, Quantiser(2)),
    ),
    name="small",
)
FRAMES, LIMIT = 24, 40_000


@cache
def compiled() -> Compiled:
    """Return the network under test."""
    return bitmason.compile(make_model(NETWORK), max_cycles=200, run_time_precision=True)


DESIGN = compiled().design
MAP = register_map(DESIGN.name, DESIGN.knobs, b"")
MOST = setting_of(DESIGN, {})


@dataclass(frozen=True)
class Change:
    """A setting that was written: asked for in one cycle, answered in another."""

    asked: int
    answered: int
    setting: Setting


def random_frames(count: int, seed: int) -> tuple[list[int], IntArray]:
    """Return the input beats of some frames, and their integers."""
    entry = DESIGN.graph[DESIGN.entry].type
    x = random_values(np.random.default_rng(seed), entry.int_elem, (count, *entry.shape))
    return _words(entry.int_elem.encode(x), DESIGN.source.elem.bits, DESIGN.source.per_beat), x


def golden(x: IntArray, setting: Setting) -> list[int]:
    """Return the output beats of frames at a setting."""
    graph = with_setting(DESIGN, setting).graph
    (y,) = run(between(graph, DESIGN.entry, DESIGN.exits), {DESIGN.entry: x})
    (sink,), (exit_,) = DESIGN.sinks, DESIGN.exits
    codes = graph[exit_].type.int_elem.encode(y)
    return _words(codes, sink.elem.bits, sink.per_beat)


def _words(codes: IntArray, bits: int, per_beat: int) -> list[int]:
    packed = pack_elements(codes.reshape(len(codes), -1).astype(np.int64), bits, per_beat)
    return [
        int.from_bytes(beat.tobytes(), "little") for beat in packed.reshape(-1, packed.shape[2])
    ]


async def ask_for_trouble(lite: Lite, rng: np.random.Generator) -> None:
    """Do what must be answered with an error and change nothing, and read."""
    value = int(rng.integers(1 << 32))
    first = MAP.layers[0].address
    bad = (MAP["magic"].address, MAP["cycles"].address, MAP.layers[-1].end, 0xFF0)
    assert await lite.write(int(rng.choice(bad)), value) == SLVERR
    assert (await lite.read(MAP.layers[-1].end)) == (0, SLVERR)
    assert (await lite.read(first + 2)) == (await lite.read(first))  # an address inside the word
    assert (await lite.read(MAP["magic"].address)) == (int.from_bytes(b"BITM", "little"), OKAY)
    assert (await lite.read(MAP["cycles"].address))[1] == OKAY


@cocotb.test()
@cocotb.parametrize(stall=["none", "burst", "random"], seed=range(3))
async def frames_are_never_torn(dut: Any, stall: str, seed: int) -> None:
    """While settings change at any time, each frame is that of one, the one of its start."""
    lite = Lite(dut)
    bench = await Bench.start(dut, "", claims.pause(stall, seed), claims.pause(stall, seed + 1))
    lite.stall(0.0 if stall == "none" else 0.3, seed)
    rng = np.random.default_rng(seed)
    changes = [Change(0, 0, MOST)]

    async def accesses() -> None:
        while True:
            setting = tuple(int(rng.integers(1, knob.maximum + 1)) for knob in DESIGN.knobs)
            for index, knob in enumerate(DESIGN.knobs):  # layer after layer, as words are written
                if index and knob.layer == DESIGN.knobs[index - 1].layer:
                    continue
                before = changes[-1].setting
                mixed = tuple(
                    new if other.layer == knob.layer else old
                    for other, new, old in zip(DESIGN.knobs, setting, before, strict=True)
                )
                asked = now()
                await write_layer(lite, knob.layer, mixed, rng)
                changes.append(Change(asked, now(), mixed))
            await ask_for_trouble(lite, rng)

    cocotb.start_soon(accesses())
    sent, x = random_frames(FRAMES, seed)
    beats_in, beats_out = DESIGN.source.beats, DESIGN.sinks[0].beats
    bench.source.send(sent, _lasts(len(sent)))
    found = await bench.collect(FRAMES * beats_out, LIMIT)
    seen: set[Setting] = set()
    for frame in range(FRAMES):
        possible = _possible(changes, bench.source.accepted[frame * beats_in])
        ours = found[frame * beats_out : (frame + 1) * beats_out]
        assert ours in [golden(x[frame : frame + 1], setting) for setting in possible], frame
        seen |= possible if len(possible) == 1 else set()
    assert len(seen) > 2, "hardly any frame began while nothing was being written"
    assert dut.frame_error.value == 0


def _possible(changes: list[Change], start: int) -> set[Setting]:
    """Return the settings that may have held in a cycle: several while one is being written."""
    later = [*changes[1:], None]
    return {
        change.setting
        for change, following in zip(changes, later, strict=True)
        if change.asked <= start and (following is None or start <= following.answered)
    }


async def write_layer(lite: Lite, layer: str, setting: Setting, rng: np.random.Generator) -> None:
    """Write the word of a layer; what lies outside its bounds stands for the nearest within."""
    word = address = 0
    for knob, value in zip(DESIGN.knobs, setting, strict=True):
        if knob.layer == layer:
            register, field = MAP.setting(knob)
            outside = {1: 0, knob.maximum: int(rng.integers(knob.maximum, 256))}
            asked = outside.get(value, value) if rng.random() < 0.5 else value
            word, address = word | asked << field.lsb, register.address
    assert await lite.write(address, word) == OKAY
    for knob, value in zip(DESIGN.knobs, setting, strict=True):
        if knob.layer == layer:
            _, field = MAP.setting(knob)
            assert (await lite.read(address))[0] >> field.lsb & 0xFF == value


@cocotb.test()
@cocotb.parametrize(after=range(3, 80, 19))
async def reset_in_mid_frame_brings_back_full_precision(dut: Any, after: int) -> None:
    lite = Lite(dut)
    bench = await Bench.start(dut)
    rng = np.random.default_rng(after)
    least = (1,) * len(MOST)
    for layer in dict.fromkeys(knob.layer for knob in DESIGN.knobs):
        await write_layer(lite, layer, least, rng)
    beats_out = DESIGN.sinks[0].beats
    for setting in (least, MOST):
        sent, x = random_frames(3, after)
        already = len(bench.sink.beats)
        bench.source.send(sent, _lasts(len(sent)))
        found = await bench.collect(already + 3 * beats_out, LIMIT)
        assert found[already:] == golden(x, setting)
        sent, _ = random_frames(2, after)
        bench.source.send(sent, _lasts(len(sent)))
        await bench.cycles(after)
        await bench.restart()
    given = await lite.read(MAP["frames_given"].address)
    assert given == (0, OKAY)


def _lasts(count: int) -> list[bool]:
    beats = DESIGN.source.beats
    return [index % beats == beats - 1 for index in range(count)]


@cocotb.test()
async def counters_count_frames(dut: Any) -> None:
    lite = Lite(dut)
    bench = await Bench.start(dut)
    sent, _ = random_frames(5, 0)
    bench.source.send(sent, _lasts(len(sent)))
    await bench.collect(5 * DESIGN.sinks[0].beats, LIMIT)
    await bench.cycles(3)
    for name in ("frames_taken", "frames_given"):
        assert await lite.read(MAP[name].address) == (5, OKAY)
    (cycles, _), (stalls, _) = [
        await lite.read(MAP[name].address) for name in ("cycles", "input_stalls")
    ]
    assert 0 < stalls < cycles
    assert await lite.write(MAP["control"].address, 1) == OKAY
    assert await lite.read(MAP["frames_given"].address) == (0, OKAY)
