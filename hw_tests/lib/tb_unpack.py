"""Claims about bm_unpack."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.wrapper import Cases
from hw_tests.lib.dense_words import SHAPES

CASES: Cases = {case: shape.parameters for case, shape in SHAPES.items()}


def contract(case: str) -> Contract:
    """The beats of a frame come out whatever stands behind them in its last word."""
    shape = SHAPES[case]
    used = shape.beats * shape.beat_bits - (shape.words - 1) * shape.word_bits

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        beats, words = shape.draw(rng)
        words[-1] |= int(rng.integers(2)) * (2**shape.word_bits - 2**used)
        return words, beats

    needs = -(-shape.beat_bits // shape.word_bits)
    return Contract(frame, cycles=shape.cycles, latency=1, needs=needs)


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
