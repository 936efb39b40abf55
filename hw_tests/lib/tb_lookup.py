"""Claims about bm_lookup."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims, golden
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import IntArray, beats, integers, mem_text
from hw_tests.bench.wrapper import Cases

SHAPES = {  # channels, lanes, input bits, output bits, one table for all
    "folded": (6, 2, 3, 5, False),
    "serial": (5, 1, 4, 1, False),
    "whole": (3, 3, 1, 7, False),
    "shared": (8, 4, 4, 4, True),
}
CASES: Cases = {
    case: {
        "CHANNELS": channels,
        "PE": lanes,
        "IN_W": bits,
        "OUT_W": out_bits,
        "SHARED": shared,
        "INIT_PREFIX": f"tables/{case}",
    }
    for case, (channels, lanes, bits, out_bits, shared) in SHAPES.items()
}


def tables(case: str) -> IntArray:
    """Channels by entries."""
    channels, _, bits, out_bits, shared = SHAPES[case]
    rng = np.random.default_rng(5)
    rows = integers(rng, (1 if shared else channels, 2**bits), out_bits, signed=False)
    return np.broadcast_to(rows, (channels, 2**bits))


def files() -> dict[str, str]:
    """Every lane's memory of every case."""
    texts = {}
    for case, (_, lanes, _, out_bits, shared) in SHAPES.items():
        for lane in range(1 if shared else lanes):
            rows = tables(case)[:1] if shared else tables(case)[lane::lanes]
            texts[f"tables/{case}_{lane}.mem"] = mem_text(rows.ravel().tolist(), out_bits)
    return texts


def contract(case: str) -> Contract:
    """Each channel's input picks an entry of its table."""
    channels, lanes, bits, out_bits, _ = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        x = integers(rng, channels, bits, signed=False)
        return beats(x, lanes, bits), beats(golden.lookup(x, tables(case)), lanes, out_bits)

    return Contract(frame, cycles=channels // lanes, latency=1)


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
