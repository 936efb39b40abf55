"""Claims about bm_argmax."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import beats, integers
from hw_tests.bench.wrapper import Cases

SHAPES = {  # elements, lanes, bits, signed
    "serial": (10, 1, 8, True),
    "pairs": (10, 2, 8, True),
    "fives": (10, 5, 4, False),
    "whole": (10, 10, 12, True),
    "eight": (8, 4, 2, False),
    "nine": (9, 3, 1, True),
    "one": (1, 1, 3, True),
}
CASES: Cases = {
    case: {"CHANNELS": size, "PE": lanes, "IN_W": bits, "IN_SIGNED": signed}
    for case, (size, lanes, bits, signed) in SHAPES.items()
}


def contract(case: str) -> Contract:
    """numpy.argmax, which also takes the first of equals."""
    size, lanes, bits, signed = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        x = integers(rng, size, bits, signed=signed)
        return beats(x, lanes, bits), [int(np.argmax(x))]

    return Contract(frame, cycles=size // lanes, latency=2, needs=size // lanes)


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
