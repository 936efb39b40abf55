"""Claims about bm_frame_mark."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.packing import words
from hw_tests.bench.streams import Bench
from hw_tests.bench.wrapper import Cases

CASES: Cases = {f"b{beats}": {"WIDTH": 5, "BEATS": beats} for beats in (1, 2, 3, 8)}


@cocotb.test()
@cocotb.parametrize(case=[*CASES], pauses=claims.IDLE)
async def marks_the_last_beat_of_each_frame(dut: Any, case: str, pauses: str) -> None:
    beats = int(CASES[case]["BEATS"])
    bench = await Bench.start(dut, f"{case}_", claims.pause(pauses, 1), claims.pause(pauses, 2))
    bench.source.send(range(3))
    await bench.collect(3)
    await bench.restart(claims.pause(pauses, 3), claims.pause(pauses, 4))
    sent = words(np.random.default_rng(0), 10 * beats, 5)
    bench.source.send(sent)
    assert await bench.collect(len(sent)) == sent
    assert bench.sink.last == ([False] * (beats - 1) + [True]) * 10
