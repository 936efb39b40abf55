"""Claims about bm_concat."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Junction, Streams
from hw_tests.bench.control import Pattern, Step, moves_as_modelled
from hw_tests.bench.packing import beats, integers, pack
from hw_tests.bench.wrapper import Bits, Cases

BITS = 6  # per beat
PIXELS = 3  # per frame
COUNTS = {  # beats per pixel from each input
    "one": (2,),
    "even": (1, 1),
    "uneven": (2, 5),
    "three": (1, 3, 2),
    "four": (4, 1, 1, 3),
}
CASES: Cases = {
    case: {
        "INPUTS": len(counts),
        "WIDTH": BITS,
        "COUNTS": Bits(pack(counts, 32), 32 * len(counts)),
    }
    for case, counts in COUNTS.items()
}


def contract(case: str) -> Junction:
    """Each pixel is those of all inputs, one behind another."""
    counts = COUNTS[case]

    def frame(rng: np.random.Generator) -> tuple[Streams, Streams]:
        parts = [integers(rng, (PIXELS, count), BITS, signed=False) for count in counts]
        joined = np.concatenate(parts, axis=1)
        return [beats(part.ravel(), 1, BITS) for part in parts], [beats(joined.ravel(), 1, BITS)]

    names = [f"s{i}_axis" for i in range(len(counts))]
    return Junction(frame, cycles=PIXELS * sum(counts), latency=1, inputs=names)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def moves_by_its_pattern(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    def model() -> Pattern:
        counts = COUNTS[case]
        steps = [Step(takes=i) for i, count in enumerate(counts) for _ in range(count)]
        return Pattern(steps, len(counts))

    await moves_as_modelled(
        dut, f"{case}_", contract(case), model, idle=idle, stall=stall, seed=seed
    )


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
