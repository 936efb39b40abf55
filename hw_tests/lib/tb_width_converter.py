"""Claims about bm_width_converter."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import beats, integers
from hw_tests.bench.wrapper import Cases

SHAPES = {  # element bits, elements per input beat, per output beat
    "wires": (3, 4, 4),
    "up": (2, 3, 12),
    "up2": (1, 1, 2),
    "down": (5, 12, 2),
    "down2": (1, 2, 1),
    "gear2to3": (4, 2, 3),
    "gear3to2": (4, 3, 2),
    "gear16to49": (1, 16, 49),
    "gear49to16": (1, 49, 16),
    "gear8to12": (2, 8, 12),
    "gear10to4": (3, 10, 4),
}
CASES: Cases = {
    case: {"ELEM_W": bits, "IN_N": lanes_in, "OUT_N": lanes_out}
    for case, (bits, lanes_in, lanes_out) in SHAPES.items()
}


def contract(case: str) -> Contract:
    """The sequence of elements stays; the narrower side sets the pace."""
    bits, lanes_in, lanes_out = SHAPES[case]
    size = 2 * int(np.lcm(lanes_in, lanes_out))

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        values = integers(rng, size, bits, signed=False)
        return beats(values, lanes_in, bits), beats(values, lanes_out, bits)

    return Contract(
        frame,
        cycles=size // min(lanes_in, lanes_out),
        latency=0 if lanes_in == lanes_out else 1,
        needs=-(-lanes_out // lanes_in),
    )


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
