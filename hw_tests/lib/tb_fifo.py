"""Claims about bm_fifo."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import words
from hw_tests.bench.streams import Bench, pattern
from hw_tests.bench.wrapper import Cases

STYLES = {"shift": (2, 3, 16, 33), "distributed": (2, 5, 17), "block": (3, 4, 5, 32)}
CASES: Cases = {
    f"{style}{depth}": {"WIDTH": 9, "DEPTH": depth, "STYLE": style}
    for style, depths in STYLES.items()
    for depth in depths
}


def contract(case: str) -> Contract:
    """Beats come out in order; a real block memory takes two cycles more."""

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        sent = words(rng, 7, 9)
        return sent, sent

    in_block = case.startswith("block") and CASES[case]["DEPTH"] != 3
    return Contract(frame, cycles=7, latency=3 if in_block else 1)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def holds_exactly_its_depth(dut: Any, case: str) -> None:
    depth = int(CASES[case]["DEPTH"])
    bench = await Bench.start(dut, f"{case}_", None, pattern((1,)))
    instance, count = getattr(dut, f"u_{case}"), getattr(dut, f"{case}_count")
    bench.source.send(range(1, depth + 5))
    await bench.cycles(depth + 10)
    assert len(bench.source.accepted) == depth
    assert count.value == depth
    assert instance.high_water_q.value == depth
    bench.sink.resume()
    assert await bench.collect(depth + 4) == [*range(1, depth + 5)]
    await bench.cycles(3)
    assert count.value == 0
    assert instance.high_water_q.value == depth


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def high_water_is_the_most_held(dut: Any, case: str) -> None:
    bench = await Bench.start(dut, f"{case}_", None, claims.pause("random", 3))
    instance, count = getattr(dut, f"u_{case}"), getattr(dut, f"{case}_count")
    bench.source.send(range(60))
    most = 0
    for _ in range(150):
        await bench.cycles(1)
        most = max(most, int(count.value))
    assert instance.high_water_q.value == most


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def runs_at_full_rate(dut: Any, case: str) -> None:
    await claims.runs_at_full_rate(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def has_exact_latency(dut: Any, case: str) -> None:
    await claims.has_exact_latency(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def recovers_from_reset(dut: Any, case: str) -> None:
    await claims.recovers_from_reset(dut, f"{case}_", contract(case))
