"""Claims about bm_float_compressor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cocotb
import numpy as np

from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.rounding import Rounding
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import beats
from hw_tests.bench.wrapper import Cases
from hw_tests.floats.patterns import Patterns, boundaries, drawn


@dataclass(frozen=True)
class Shape:
    """Lanes and the format."""

    lanes: int
    format: CustomFloat
    rounding: Rounding


SHAPES = {
    "e4m3": Shape(2, CustomFloat(4, 3, 7), TRUNCATE),
    "e4m3_nearest": Shape(3, CustomFloat(4, 3, 7), NEAREST),
    "e4m3_to_448": Shape(1, CustomFloat(4, 3, 7, largest=0x7E), NEAREST),
    "e3m0_nearest": Shape(4, CustomFloat(3, 0, 14, True), NEAREST),
    "e5m10_lowest": Shape(1, CustomFloat(5, 10, 127), NEAREST),
    "e7m23": Shape(1, CustomFloat(7, 23, 0, True), NEAREST),
    "e1m1": Shape(2, CustomFloat(1, 1, -126, True), TRUNCATE),
}
CASES: Cases = {
    case: {
        "LANES": shape.lanes,
        "E_BITS": shape.format.e_bits,
        "M_BITS": shape.format.m_bits,
        "BIAS": shape.format.bias,
        "LARGEST": shape.format.top,
        "NEAREST": shape.rounding == NEAREST,
    }
    for case, shape in SHAPES.items()
}
BEATS = 6
MANY_BITS = 13  # of formats whose boundaries are too many


def contract(case: str) -> Contract:
    """Each float32 becomes a code, a cycle later."""
    shape = SHAPES[case]
    hard = _hard(case)

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        x = rng.choice(hard, BEATS * shape.lanes)
        codes = shape.format.encode_bits(x, shape.rounding)
        sent = beats(x.astype(np.int64), shape.lanes, 32)
        return sent, beats(codes, shape.lanes, shape.format.bits)

    return Contract(frame, cycles=BEATS, latency=1)


@cache
def _hard(case: str) -> Patterns:
    form, rng = SHAPES[case].format, np.random.default_rng(0)
    if form.bits > MANY_BITS:
        return drawn(form, rng, 10_000)
    return np.concatenate([boundaries(form), drawn(form, rng, 1_000)])


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
