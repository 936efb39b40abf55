"""Claims about bm_thresholds."""

from __future__ import annotations

from typing import Any

import cocotb

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import mem_text, pack
from hw_tests.lib import step_tables
from hw_tests.lib.step_tables import SHAPES, cases, table

CASES = cases(INIT_FILE="tables/{}.mem")


def files() -> dict[str, str]:
    """The memory of every case: a word per fold, its descending bits on top."""
    texts = {}
    for case, (_, lanes, _, _, steps, step_bits, _, _) in SHAPES.items():
        rows, descending = table(case)
        words = [
            pack(rows[fold : fold + lanes].ravel().tolist(), step_bits)
            | pack(descending[fold : fold + lanes].tolist(), 1) << lanes * steps * step_bits
            for fold in range(0, len(rows), lanes)
        ]
        texts[f"tables/{case}.mem"] = mem_text(words, lanes * (steps * step_bits + 1))
    return texts


def contract(case: str) -> Contract:
    """Steps reached, counted up or down per channel."""
    return step_tables.contract(case, latency=2)


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
