"""Claims about bm_frame_check."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.packing import words
from hw_tests.bench.streams import Bench
from hw_tests.bench.wrapper import Cases

CASES: Cases = {f"b{beats}": {"WIDTH": 5, "BEATS": beats} for beats in (1, 2, 3, 8)}


async def send(bench: Bench, last: list[bool], pauses: str) -> None:
    await bench.restart(claims.pause(pauses, 1), claims.pause(pauses, 2))
    sent = words(np.random.default_rng(0), len(last), 5)
    bench.source.send(sent, last)
    assert await bench.collect(len(last)) == sent
    await bench.cycles(1)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], pauses=claims.IDLE)
async def accepts_right_frames(dut: Any, case: str, pauses: str) -> None:
    beats = int(CASES[case]["BEATS"])
    bench = await Bench.start(dut, f"{case}_")
    await send(bench, ([False] * (beats - 1) + [True]) * 10, pauses)
    assert getattr(dut, f"{case}_frame_error").value == 0
    assert bench.source.accepted == bench.sink.taken


@cocotb.test()
@cocotb.parametrize(case=[*CASES], pauses=claims.IDLE)
async def remembers_every_wrong_tlast(dut: Any, case: str, pauses: str) -> None:
    beats = int(CASES[case]["BEATS"])
    right = ([False] * (beats - 1) + [True]) * 4
    bench = await Bench.start(dut, f"{case}_")
    for wrong in range(beats, 2 * beats):
        await send(bench, [bit != (beat == wrong) for beat, bit in enumerate(right)], pauses)
        assert getattr(dut, f"{case}_frame_error").value == 1, f"tlast wrong at beat {wrong}"
        await bench.restart()
        assert getattr(dut, f"{case}_frame_error").value == 0
