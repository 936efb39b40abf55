"""Claims about bm_replay."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import words
from hw_tests.bench.wrapper import Cases

SHAPES = [(1, 1), (1, 2), (1, 5), (3, 1), (3, 2), (4, 3), (5, 4), (16, 4)]
CASES: Cases = {
    f"l{length}r{repeats}": {"WIDTH": 6, "LENGTH": length, "REPEATS": repeats}
    for length, repeats in SHAPES
}


def contract(case: str) -> Contract:
    """Each frame comes out as often as stated."""
    length, repeats = int(CASES[case]["LENGTH"]), int(CASES[case]["REPEATS"])

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        sent = words(rng, length, 6)
        return sent, sent * repeats

    return Contract(frame, cycles=length * repeats, latency=1 if repeats == 1 else 2)


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
