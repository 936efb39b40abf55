"""Claims about bm_join_table."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims, golden
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Junction, Streams
from hw_tests.bench.packing import IntArray, beats, integers, mem_text
from hw_tests.bench.pipe import joins_in_step
from hw_tests.bench.wrapper import Cases

INPUTS = ("s0_axis", "s1_axis")

SHAPES = {  # channels, lanes, bits of both inputs, output bits, one table for all
    "folded": (6, 2, 3, 2, 5, False),
    "serial": (5, 1, 1, 4, 1, False),
    "whole": (3, 3, 1, 1, 7, False),
    "shared": (8, 4, 2, 3, 4, True),
}
CASES: Cases = {
    case: {
        "CHANNELS": channels,
        "PE": lanes,
        "IN0_W": bits0,
        "IN1_W": bits1,
        "OUT_W": out_bits,
        "SHARED": shared,
        "INIT_PREFIX": f"tables/{case}",
    }
    for case, (channels, lanes, bits0, bits1, out_bits, shared) in SHAPES.items()
}


def tables(case: str) -> IntArray:
    """Channels by entries."""
    channels, _, bits0, bits1, out_bits, shared = SHAPES[case]
    rng = np.random.default_rng(6)
    entries = 2 ** (bits0 + bits1)
    rows = integers(rng, (1 if shared else channels, entries), out_bits, signed=False)
    return np.broadcast_to(rows, (channels, entries))


def files() -> dict[str, str]:
    """Every lane's memory of every case."""
    texts = {}
    for case, (_, lanes, _, _, out_bits, shared) in SHAPES.items():
        for lane in range(1 if shared else lanes):
            rows = tables(case)[:1] if shared else tables(case)[lane::lanes]
            texts[f"tables/{case}_{lane}.mem"] = mem_text(rows.ravel().tolist(), out_bits)
    return texts


def contract(case: str) -> Junction:
    """Each channel's two inputs together pick an entry of its table."""
    channels, lanes, bits0, bits1, out_bits, _ = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[Streams, Streams]:
        x0 = integers(rng, channels, bits0, signed=False)
        x1 = integers(rng, channels, bits1, signed=False)
        y = golden.lookup(x1 * 2**bits0 + x0, tables(case))
        return [beats(x0, lanes, bits0), beats(x1, lanes, bits1)], [beats(y, lanes, out_bits)]

    return Junction(frame, cycles=channels // lanes, latency=1, inputs=INPUTS)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def takes_both_or_none(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await joins_in_step(dut, f"{case}_", contract(case), 1, idle=idle, stall=stall, seed=seed)


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
