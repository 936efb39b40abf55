"""Claims about bm_thresholds_search."""

from __future__ import annotations

import itertools
from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import mem_text, pack
from hw_tests.lib import step_tables
from hw_tests.lib.step_tables import SHAPES, cases, table

CASES = cases(INIT_PREFIX="tables/{}")


def files() -> dict[str, str]:
    """The memories of every case: one per lane and depth of the search."""
    texts = {}
    for case, (_, lanes, _, _, steps, step_bits, _, _) in SHAPES.items():
        rows, descending = table(case)
        depths = steps.bit_length()
        padded = np.pad(rows, ((0, 0), (0, 2**depths - 1 - steps)))
        for lane, depth in itertools.product(range(lanes), range(depths)):
            first, stride = 2 ** (depths - 1 - depth) - 1, 2 ** (depths - depth)
            words = [
                pack([step], step_bits) | (int(down) << step_bits if depth == 0 else 0)
                for row, down in zip(padded[lane::lanes], descending[lane::lanes], strict=True)
                for step in row[first::stride].tolist()
            ]
            bits = step_bits + (depth == 0)
            texts[f"tables/{case}_{lane}_{depth}.mem"] = mem_text(words, bits)
    return texts


def contract(case: str) -> Contract:
    """Steps reached, counted up or down per channel."""
    return step_tables.contract(case, latency=SHAPES[case][4].bit_length() + 1)


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
