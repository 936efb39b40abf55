"""Claims about bm_pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.control import moves_as_modelled
from hw_tests.bench.packing import beats, integers
from hw_tests.bench.pipe import Pipe
from hw_tests.bench.wrapper import Cases


@dataclass(frozen=True)
class Shape:
    """A pool, its widths and its folding."""

    op: str
    taps: int
    simd: int
    pe: int
    in_bits: int
    in_signed: bool
    out_bits: int
    stages: int = 0


SHAPES = {
    "max_serial": Shape("max", 4, 1, 2, 4, False, 4),
    "max_signed": Shape("max", 9, 1, 1, 3, True, 3, 1),
    "max_whole": Shape("max", 9, 9, 2, 4, True, 4, 2),
    "max_part": Shape("max", 6, 3, 1, 5, False, 7, 1),
    "max_extended": Shape("max", 4, 2, 2, 3, True, 5),
    "max_bit": Shape("max", 5, 1, 3, 1, False, 1),
    "max_bit_whole": Shape("max", 9, 9, 2, 1, False, 1, 3),
    "max_bit_signed": Shape("max", 4, 2, 1, 1, True, 2),
    "max_one": Shape("max", 1, 1, 2, 2, True, 2),
    "sum_serial": Shape("sum", 4, 1, 2, 4, False, 6),
    "sum_signed": Shape("sum", 9, 1, 1, 3, True, 7, 2),
    "sum_whole": Shape("sum", 9, 9, 2, 4, True, 8, 2),
    "sum_part": Shape("sum", 6, 3, 1, 5, False, 8, 1),
    "sum_bit": Shape("sum", 9, 9, 1, 1, False, 4),
    "sum_modulo": Shape("sum", 5, 1, 1, 6, True, 5, 1),
    "sum_one": Shape("sum", 1, 1, 1, 3, False, 3),
}
CASES: Cases = {
    case: {
        "OP": shape.op,
        "PE": shape.pe,
        "TAPS": shape.taps,
        "SIMD": shape.simd,
        "IN_W": shape.in_bits,
        "IN_SIGNED": shape.in_signed,
        "OUT_W": shape.out_bits,
        "STAGES": shape.stages,
    }
    for case, shape in SHAPES.items()
}


def contract(case: str) -> Contract:
    """A window of each of some channels in, their maxima or sums out."""
    shape = SHAPES[case]
    folds = shape.taps // shape.simd

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        size = (shape.taps, shape.pe)
        window = integers(rng, size, shape.in_bits, signed=shape.in_signed)
        pooled = window.max(axis=0) if shape.op == "max" else window.sum(axis=0)
        sent = beats(window, shape.simd * shape.pe, shape.in_bits)
        return sent, beats(pooled, shape.pe, shape.out_bits)

    return Contract(frame, cycles=folds, latency=1 + shape.stages, needs=folds)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def moves_by_its_pipe(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    shape = SHAPES[case]
    await moves_as_modelled(
        dut,
        f"{case}_",
        contract(case),
        lambda: Pipe(1 + shape.stages, shape.taps // shape.simd),
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
