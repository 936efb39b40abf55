"""Claims about bm_global_pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.control import Pattern, Step, moves_as_modelled
from hw_tests.bench.packing import beats, integers
from hw_tests.bench.wrapper import Cases


@dataclass(frozen=True)
class Shape:
    """A global pool, its widths and its folding."""

    op: str
    pixels: int
    folds: int
    pe: int
    in_bits: int
    in_signed: bool
    out_bits: int


SHAPES = {
    "sum": Shape("sum", 6, 3, 2, 4, False, 7),
    "sum_signed": Shape("sum", 9, 2, 1, 3, True, 7),
    "sum_whole": Shape("sum", 16, 1, 2, 4, True, 8),
    "sum_bit": Shape("sum", 5, 4, 1, 1, False, 3),
    "sum_modulo": Shape("sum", 7, 2, 1, 6, True, 6),
    "sum_one": Shape("sum", 1, 3, 2, 2, True, 4),
    "max": Shape("max", 6, 3, 2, 4, False, 4),
    "max_signed": Shape("max", 4, 5, 1, 3, True, 3),
    "max_whole": Shape("max", 8, 1, 3, 5, True, 6),
    "max_bit": Shape("max", 3, 4, 2, 1, False, 1),
    "max_bit_signed": Shape("max", 3, 1, 2, 1, True, 1),
    "max_one": Shape("max", 1, 1, 1, 3, False, 3),
}
CASES: Cases = {
    case: {
        "OP": shape.op,
        "PE": shape.pe,
        "FOLDS": shape.folds,
        "PIXELS": shape.pixels,
        "IN_W": shape.in_bits,
        "IN_SIGNED": shape.in_signed,
        "OUT_W": shape.out_bits,
    }
    for case, shape in SHAPES.items()
}


def contract(case: str) -> Contract:
    """An image in, one pixel out while its last pixel passes."""
    shape = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        size = (shape.pixels, shape.folds * shape.pe)
        image = integers(rng, size, shape.in_bits, signed=shape.in_signed)
        pooled = image.max(axis=0) if shape.op == "max" else image.sum(axis=0)
        sent = beats(image, shape.pe, shape.in_bits)
        return sent, beats(pooled, shape.pe, shape.out_bits)

    cycles = shape.pixels * shape.folds
    return Contract(frame, cycles=cycles, latency=1, needs=cycles - shape.folds + 1)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def moves_by_its_pattern(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    shape = SHAPES[case]
    steps = [
        Step(emits=pixel == shape.pixels - 1)
        for pixel in range(shape.pixels)
        for _ in range(shape.folds)
    ]
    await moves_as_modelled(
        dut,
        f"{case}_",
        contract(case),
        lambda: Pattern(steps),
        idle=idle,
        stall=stall,
        seed=seed,
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
