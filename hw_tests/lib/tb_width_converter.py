"""Claims about bm_width_converter."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import beats, integers
from hw_tests.bench.wrapper import Cases

SHAPES = {  # element bits, elements per input beat, per output beat, lanes
    "wires": (3, 4, 4, 1),
    "up": (2, 3, 12, 1),
    "up2": (1, 1, 2, 1),
    "down": (5, 12, 2, 1),
    "down2": (1, 2, 1, 1),
    "gear2to3": (4, 2, 3, 1),
    "gear3to2": (4, 3, 2, 1),
    "gear16to49": (1, 16, 49, 1),
    "gear49to16": (1, 49, 16, 1),
    "gear8to12": (2, 8, 12, 1),
    "gear10to4": (3, 10, 4, 1),
    "lanes_wires": (3, 2, 2, 3),
    "lanes_up": (2, 2, 6, 2),
    "lanes_down": (3, 4, 1, 3),
    "lanes_gear": (1, 4, 6, 2),
}
CASES: Cases = {
    case: {"ELEM_W": bits, "IN_N": taken, "OUT_N": given, "LANES": lanes}
    for case, (bits, taken, given, lanes) in SHAPES.items()
}


def contract(case: str) -> Contract:
    """The sequence of elements of each lane stays; the narrower side sets the pace."""
    bits, taken, given, lanes = SHAPES[case]
    size = 2 * int(np.lcm(taken, given))

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        values = integers(rng, (lanes, size), bits, signed=False)
        sent, wanted = (values.reshape(lanes, -1, n).swapaxes(0, 1) for n in (taken, given))
        return beats(sent, lanes * taken, bits), beats(wanted, lanes * given, bits)

    return Contract(
        frame,
        cycles=size // min(taken, given),
        latency=0 if taken == given else 1,
        needs=-(-given // taken),
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
