"""Claims about bm_join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Junction, Streams
from hw_tests.bench.packing import IntArray, beats, integers, mem_text
from hw_tests.bench.pipe import joins_in_step
from hw_tests.bench.short_reset import starts_right_behind_reset
from hw_tests.bench.wrapper import Bits, Cases, Parameter

INPUTS = ("s0_axis", "s1_axis")


@dataclass(frozen=True)
class Shape:
    """A join, the widths and signs of its inputs, and its folding."""

    op: str
    pe: int
    bits: tuple[int, int]
    signed: tuple[bool, bool]
    out_bits: int
    k_bits: int = 2
    folds: int = 1
    stages: int = 0
    dsp: bool = False


SHAPES = {
    "plain": Shape("sum", 2, (4, 4), (False, False), 6),
    "single": Shape("sum", 3, (4, 6), (True, True), 12, 5),
    "mixed": Shape("sum", 2, (5, 3), (False, True), 10, 4, 3, 1),
    "mixed_other": Shape("sum", 1, (3, 8), (True, False), 13, 4, 4, 2),
    "unsigned": Shape("sum", 1, (7, 2), (False, False), 12, 4, 2),
    "deep": Shape("sum", 2, (8, 8), (True, True), 17, 8, 2, 3, True),
    "bits": Shape("sum", 4, (1, 1), (False, False), 4, 3),
    "modulo": Shape("sum", 1, (6, 6), (True, True), 5, 4, 3),
    "product": Shape("product", 2, (4, 4), (False, False), 8),
    "product_signed": Shape("product", 1, (5, 3), (True, True), 8, stages=1),
    "product_mixed": Shape("product", 2, (3, 6), (True, False), 9, stages=2, dsp=True),
    "product_bits": Shape("product", 3, (1, 4), (False, True), 4),
    "product_modulo": Shape("product", 1, (6, 6), (False, True), 7),
}


def constants(case: str) -> IntArray:
    """Folds by elements by inputs."""
    shape = SHAPES[case]
    rng = np.random.default_rng(4)
    if case == "plain":
        return np.ones((1, shape.pe, 2), np.int64)
    return integers(rng, (shape.folds, shape.pe, 2), shape.k_bits, signed=True)


def words(case: str) -> list[int]:
    """The words of constants."""
    shape = SHAPES[case]
    return beats(constants(case), 2 * shape.pe, shape.k_bits)


def parameters(case: str) -> dict[str, Parameter]:
    """Those of that case; a plain sum takes the constants by default."""
    shape = SHAPES[case]
    values: dict[str, Parameter] = {
        "OP": shape.op,
        "PE": shape.pe,
        "IN0_W": shape.bits[0],
        "IN0_SIGNED": shape.signed[0],
        "IN1_W": shape.bits[1],
        "IN1_SIGNED": shape.signed[1],
        "OUT_W": shape.out_bits,
        "K_W": shape.k_bits,
        "FOLDS": shape.folds,
        "STAGES": shape.stages,
        "DSP": shape.dsp,
    }
    if shape.folds > 1:
        values["INIT_FILE"] = f"tables/{case}.mem"
    elif shape.op == "sum" and case != "plain":
        values["CONSTANTS"] = Bits(words(case)[0], 2 * shape.pe * shape.k_bits)
    return values


CASES: Cases = {case: parameters(case) for case in SHAPES}


def files() -> dict[str, str]:
    """The constants of every case that has several words."""
    return {
        f"tables/{case}.mem": mem_text(words(case), 2 * shape.pe * shape.k_bits)
        for case, shape in SHAPES.items()
        if shape.folds > 1
    }


def contract(case: str) -> Junction:
    """A pixel of each input in, their sum or product out."""
    shape = SHAPES[case]
    factors = constants(case).reshape(-1, 2).T

    def frame(rng: np.random.Generator) -> tuple[Streams, Streams]:
        x0, x1 = (
            integers(rng, shape.folds * shape.pe, bits, signed=signed)
            for bits, signed in zip(shape.bits, shape.signed, strict=True)
        )
        y = factors[0] * x0 + factors[1] * x1 if shape.op == "sum" else x0 * x1
        sent = [beats(x, shape.pe, bits) for x, bits in zip((x0, x1), shape.bits, strict=True)]
        return sent, [beats(y, shape.pe, shape.out_bits)]

    return Junction(frame, cycles=shape.folds, latency=1 + shape.stages, inputs=INPUTS)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def takes_both_or_none(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    depth = 1 + SHAPES[case].stages
    await joins_in_step(dut, f"{case}_", contract(case), depth, idle=idle, stall=stall, seed=seed)


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
