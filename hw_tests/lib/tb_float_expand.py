"""Claims about bm_float_expand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from bitmason.ir.custom_float import CustomFloat
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import IntArray, beats, integers, limits
from hw_tests.bench.wrapper import Cases


@dataclass(frozen=True)
class Shape:
    """Lanes, the widths on both sides, and the format."""

    pe: int
    bits: int
    signed: bool
    out_bits: int
    format: CustomFloat

    @property
    def ranks(self) -> IntArray:
        """All ranks that fit in; the least number of the format's width is none."""
        low, high = limits(self.bits, signed=self.signed)
        return np.arange(low + (self.bits == self.format.bits), high + 1)

    def wanted(self, ranks: IntArray) -> list[int]:
        """The beats that must come out."""
        return beats(self.format.fixed(ranks), self.pe, self.out_bits)


SHAPES = {
    "e4m3": Shape(2, 8, True, 18, CustomFloat(4, 3, 7)),
    "e4m3_full_subnormals": Shape(1, 8, True, 19, CustomFloat(4, 3, 7, True, subnormals=True)),
    "e3m2_narrow": Shape(3, 4, True, 10, CustomFloat(3, 2, 3)),
    "e3m2_unsigned": Shape(2, 5, False, 11, CustomFloat(3, 2, 3, subnormals=True)),
    "e3m2_few_unsigned": Shape(2, 1, False, 9, CustomFloat(3, 2, 3, subnormals=True)),
    "e2m0": Shape(4, 3, True, 3, CustomFloat(2, 0, 1)),
    "e2m0_subnormals": Shape(2, 3, True, 4, CustomFloat(2, 0, 1, True, subnormals=True)),
    "e1m4_subnormals": Shape(1, 6, True, 6, CustomFloat(1, 4, 0, subnormals=True)),
    "modulo": Shape(2, 7, True, 2, CustomFloat(3, 3, 3, True)),
    "wide": Shape(1, 8, True, 70, CustomFloat(5, 2, 15)),
}
CASES: Cases = {
    case: {
        "PE": shape.pe,
        "IN_W": shape.bits,
        "IN_SIGNED": shape.signed,
        "E_BITS": shape.format.e_bits,
        "M_BITS": shape.format.m_bits,
        "SUBNORMALS": shape.format.subnormals,
        "OUT_W": shape.out_bits,
    }
    for case, shape in SHAPES.items()
}


def contract(case: str) -> Contract:
    """Each rank becomes a whole multiple of the format's unit."""
    shape = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        x = integers(rng, 4 * shape.pe, shape.bits, signed=shape.signed)
        x = np.maximum(x, shape.ranks[0])
        return beats(x, shape.pe, shape.bits), shape.wanted(x)

    return Contract(frame, cycles=4, latency=1)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def expands_every_rank(dut: Any, case: str) -> None:
    shape = SHAPES[case]
    x = np.repeat(shape.ranks, shape.pe)
    bench = await claims.started(dut, f"{case}_", contract(case))
    bench.source.send(beats(x, shape.pe, shape.bits))
    assert await bench.collect(len(shape.ranks)) == shape.wanted(x)


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
