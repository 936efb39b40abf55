"""Claims about bm_float_decompressor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from bitmason.ir.custom_float import CustomFloat
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import IntArray, beats
from hw_tests.bench.wrapper import Cases


@dataclass(frozen=True)
class Shape:
    """Lanes and the format."""

    lanes: int
    format: CustomFloat

    def wanted(self, codes: IntArray) -> list[int]:
        """The beats that must come out."""
        numbers = self.format.decode(codes).astype(np.float32)
        return beats(numbers.view(np.uint32).astype(np.int64), self.lanes, 32)


SHAPES = {
    "e4m3": Shape(2, CustomFloat(4, 3, 7)),
    "e4m3_subnormals": Shape(3, CustomFloat(4, 3, 7, True, subnormals=True)),
    "e3m0": Shape(4, CustomFloat(3, 0, 14, True)),
    "e3m0_subnormals": Shape(1, CustomFloat(3, 0, 14, True, subnormals=True)),
    "e5m5_largest_bias": Shape(1, CustomFloat(5, 5, 127)),
    "e2m6_largest_bias_subnormals": Shape(1, CustomFloat(2, 6, 121, subnormals=True)),
    "e6m2_least_bias": Shape(2, CustomFloat(6, 2, -64, True, subnormals=True)),
    "e1m1": Shape(2, CustomFloat(1, 1, -126, True)),
}
CASES: Cases = {
    case: {
        "LANES": shape.lanes,
        "E_BITS": shape.format.e_bits,
        "M_BITS": shape.format.m_bits,
        "BIAS": shape.format.bias,
        "SUBNORMALS": shape.format.subnormals,
    }
    for case, shape in SHAPES.items()
}
BEATS = 5


def contract(case: str) -> Contract:
    """Each code becomes a float32, a cycle later."""
    shape = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        codes = rng.integers(0, 2**shape.format.bits, BEATS * shape.lanes)
        return beats(codes, shape.lanes, shape.format.bits), shape.wanted(codes)

    return Contract(frame, cycles=BEATS, latency=1)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def decodes_every_code(dut: Any, case: str) -> None:
    shape = SHAPES[case]
    codes = np.repeat(np.arange(2**shape.format.bits), shape.lanes)
    bench = await claims.started(dut, f"{case}_", contract(case))
    bench.source.send(beats(codes, shape.lanes, shape.format.bits))
    assert await bench.collect(2**shape.format.bits) == shape.wanted(codes)


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
