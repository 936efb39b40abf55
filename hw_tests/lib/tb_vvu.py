"""Claims about bm_vvu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims, golden
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.control import moves_as_modelled
from hw_tests.bench.packing import IntArray, beats, integers, mem_text
from hw_tests.bench.pipe import Pipe
from hw_tests.bench.short_reset import starts_right_behind_reset
from hw_tests.bench.wrapper import Cases


@dataclass(frozen=True)
class Shape:
    """A vector-vector unit, its widths and its folding."""

    engine: str
    channels: int
    taps: int
    pe: int
    simd: int
    in_bits: int
    in_signed: bool
    w_bits: int
    w_signed: bool
    acc_bits: int
    stages: int = 0


SHAPES = {
    "serial": Shape("parallel", 6, 9, 2, 1, 4, False, 3, True, 11),
    "whole": Shape("parallel", 4, 9, 2, 9, 3, True, 4, True, 11, 3),
    "whole_at_once": Shape("parallel", 3, 4, 1, 4, 3, True, 2, False, 8),
    "part": Shape("parallel", 4, 6, 4, 3, 4, True, 3, True, 10, 1),
    "unsigned": Shape("parallel", 2, 4, 1, 1, 3, False, 2, False, 7, 2),
    "dsp": Shape("parallel", 4, 3, 2, 1, 8, True, 8, True, 18, 1),
    "modulo": Shape("parallel", 3, 9, 1, 1, 4, True, 4, True, 6),
    "bits_in": Shape("parallel", 4, 9, 2, 1, 1, False, 4, True, 8),
    "bits_in_whole": Shape("parallel", 4, 9, 2, 9, 1, False, 3, True, 7, 2),
    "bits_in_signed": Shape("parallel", 2, 4, 1, 1, 1, True, 3, True, 6),
    "bit_weights": Shape("parallel", 4, 4, 2, 1, 4, True, 1, False, 6, 1),
    "bit_weights_signed": Shape("parallel", 2, 4, 1, 4, 3, True, 1, True, 6),
    "bits": Shape("parallel", 3, 5, 1, 5, 1, False, 1, False, 3),
    "select": Shape("select", 4, 9, 2, 1, 4, False, 1, False, 9),
    "select_signed": Shape("select", 6, 9, 3, 9, 3, True, 1, False, 7, 2),
    "select_bits": Shape("select", 2, 4, 1, 2, 1, False, 1, False, 4, 1),
    "select_modulo": Shape("select", 2, 4, 1, 4, 5, True, 1, False, 4),
    "one": Shape("parallel", 1, 1, 1, 1, 2, True, 2, True, 4),
    "one_word": Shape("parallel", 2, 3, 2, 3, 2, True, 2, True, 6, 1),
}
CASES: Cases = {
    case: {
        "ENGINE": shape.engine,
        "CHANNELS": shape.channels,
        "TAPS": shape.taps,
        "PE": shape.pe,
        "SIMD": shape.simd,
        "IN_W": shape.in_bits,
        "IN_SIGNED": shape.in_signed,
        "W_W": shape.w_bits,
        "W_SIGNED": shape.w_signed,
        "ACC_W": shape.acc_bits,
        "INIT_FILE": f"tables/{case}.mem",
        "STAGES": shape.stages,
        "DSP": case == "dsp",
    }
    for case, shape in SHAPES.items()
}


def weights(case: str) -> IntArray:
    """Groups of channels by taps by channels, as the numbers in the memory."""
    shape = SHAPES[case]
    rng = np.random.default_rng(7)
    rows = integers(rng, (shape.channels, shape.taps), shape.w_bits, signed=shape.w_signed)
    return rows.reshape(-1, shape.pe, shape.taps).swapaxes(1, 2)


def files() -> dict[str, str]:
    """The weight memory of every case."""
    texts = {}
    for case, shape in SHAPES.items():
        elements = shape.simd * shape.pe
        words = beats(weights(case), elements, shape.w_bits)
        texts[f"tables/{case}.mem"] = mem_text(words, elements * shape.w_bits)
    return texts


def contract(case: str) -> Contract:
    """The windows of all channels in, a sum for each channel out."""
    shape = SHAPES[case]
    factors = weights(case)
    if shape.engine == "select":
        factors = golden.bipolar(factors)
    folds = shape.taps // shape.simd

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        size = (shape.channels // shape.pe, shape.taps * shape.pe)
        x = integers(rng, size, shape.in_bits, signed=shape.in_signed).reshape(factors.shape)
        sums = np.sum(x * factors, axis=1)
        sent = beats(x, shape.simd * shape.pe, shape.in_bits)
        return sent, beats(sums, shape.pe, shape.acc_bits)

    cycles = shape.channels // shape.pe * folds
    return Contract(frame, cycles=cycles, latency=shape.stages + 1, needs=folds)


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
        lambda: Pipe(shape.stages + 1, shape.taps // shape.simd),
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


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def has_its_first_word_right_behind_reset(dut: Any, case: str) -> None:
    await starts_right_behind_reset(dut, f"{case}_", contract(case))
