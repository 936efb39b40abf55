"""Claims about bm_knobs: the settings of a frame are those of the cycle of its first beat."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Junction, Streams
from hw_tests.bench.control import Control, Flags, moves_as_modelled
from hw_tests.bench.packing import words
from hw_tests.bench.streams import never, pattern
from hw_tests.bench.wrapper import Cases

WIDTH = 5  # of every output, so that the wrapper can take them apart
CASES: Cases = {
    f"f{beats}x{readers}": {
        "WIDTH": WIDTH,
        "BEATS": beats,
        "OUTPUTS": 1 + readers,
        "SETTINGS_W": WIDTH * readers,
    }
    for beats, readers in ((1, 1), (4, 1), (3, 2))
}


def readers_of(case: str) -> int:
    """The streams of settings."""
    return int(CASES[case]["OUTPUTS"]) - 1


def part(setting: int, reader: int) -> int:
    """The bits of a reader."""
    return setting >> WIDTH * reader & (1 << WIDTH) - 1


class KnobsControl(Control):
    """A pending flag per output; those of the readers are set by the first beat of a frame."""

    def __init__(self, beats: int, readers: int) -> None:
        self.valid = [False] * (1 + readers)
        self.beats, self.place = beats, 0

    def ready(self, sink_ready: Flags) -> Flags:
        left = [v and not ready for v, ready in zip(self.valid, sink_ready, strict=True)]
        return [not left[0] and not (self.place == 0 and any(left[1:]))]

    def step(self, push: Flags, sink_ready: Flags) -> None:
        left = [v and not ready for v, ready in zip(self.valid, sink_ready, strict=True)]
        starts = push[0] and self.place == 0
        self.valid = [left[0] or push[0], *(waits or starts for waits in left[1:])]
        self.place = (self.place + push[0]) % self.beats


def contract(case: str, setting: int) -> Junction:
    """The data pass; with each frame every reader gets its part of the setting."""
    beats = int(CASES[case]["BEATS"])
    parts = [part(setting, reader) for reader in range(readers_of(case))]
    outputs = [f"m{index}_axis" for index in range(1 + len(parts))]

    def frame(rng: np.random.Generator) -> tuple[Streams, Streams]:
        sent = words(rng, beats, WIDTH)
        return [sent], [sent, *([each] for each in parts)]

    return Junction(frame, cycles=beats, latency=1, outputs=outputs)


def constant(dut: Any, case: str) -> Junction:
    """What is promised while a setting does not change, which is set here."""
    setting = int(np.random.default_rng(len(case)).integers(1 << int(CASES[case]["SETTINGS_W"])))
    getattr(dut, f"{case}_settings").value = setting
    return contract(case, setting)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    promise = constant(dut, case)
    await claims.equals_golden(dut, f"{case}_", promise, idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def frames_keep_the_settings_of_their_first_beat(
    dut: Any, case: str, idle: str, stall: str, seed: int
) -> None:
    """Settings change in every cycle; a frame has those in which its first beat was taken."""
    beats, bits = int(CASES[case]["BEATS"]), int(CASES[case]["SETTINGS_W"])
    settings = getattr(dut, f"{case}_settings")
    settings.value = 0
    bench = await claims.started(dut, f"{case}_", contract(case, 0), idle, stall, seed)
    rng = np.random.default_rng(seed)
    wanted: list[int] = []

    async def change() -> None:
        taken = 0
        while True:
            settings.value = int(rng.integers(1 << bits))
            await FallingEdge(dut.clk)
            if all(bench.source.handshake()):
                if taken % beats == 0:
                    wanted.append(int(settings.value))
                taken += 1
            await RisingEdge(dut.clk)

    cocotb.start_soon(change())
    frames = 12
    bench.source.send([0] * (frames * beats))
    await bench.collect(frames * beats, stream=0)
    for reader in range(readers_of(case)):
        found = await bench.collect(frames, stream=1 + reader)
        assert found == [part(each, reader) for each in wanted]
    assert len(set(wanted)) > 1


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def a_slow_reader_holds_up_the_next_frame_only(dut: Any, case: str) -> None:
    promise = constant(dut, case)
    bench = await claims.started(dut, f"{case}_", promise)
    beats = int(CASES[case]["BEATS"])
    await bench.restart(None, [never(), *[pattern((1,))] * readers_of(case)])
    bench.source.send([0] * (3 * beats))
    await bench.cycles(4 * beats + 8)
    assert len(bench.source.accepted) == beats
    assert len(bench.sinks[0].beats) == beats


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def moves_as_its_model(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    promise = constant(dut, case)
    beats, readers = int(CASES[case]["BEATS"]), readers_of(case)
    await moves_as_modelled(
        dut,
        f"{case}_",
        promise,
        lambda: KnobsControl(beats, readers),
        idle=idle,
        stall=stall,
        seed=seed,
    )


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def runs_at_full_rate(dut: Any, case: str) -> None:
    await claims.runs_at_full_rate(dut, f"{case}_", constant(dut, case))


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def has_exact_latency(dut: Any, case: str) -> None:
    await claims.has_exact_latency(dut, f"{case}_", constant(dut, case))


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def recovers_from_reset(dut: Any, case: str) -> None:
    await claims.recovers_from_reset(dut, f"{case}_", constant(dut, case))
