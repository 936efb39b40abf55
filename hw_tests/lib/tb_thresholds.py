"""Claims about bm_thresholds."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims, golden
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import IntArray, beats, integers, limits, mem_text, pack
from hw_tests.bench.wrapper import Cases

SHAPES = {  # channels, lanes, input bits, signed, steps, threshold bits, base, output bits
    "sign": (4, 4, 7, True, 1, 8, 0, 1),
    "two": (6, 2, 5, True, 2, 6, -1, 2),
    "three": (4, 2, 8, False, 3, 9, 0, 2),
    "four": (5, 1, 6, True, 4, 6, -2, 3),
    "seven": (3, 1, 6, False, 7, 8, -4, 3),
    "eight": (2, 2, 9, True, 8, 10, 0, 4),
    "many": (6, 3, 10, True, 100, 11, 3, 7),
}
CASES: Cases = {
    case: {
        "CHANNELS": channels,
        "PE": lanes,
        "IN_W": bits,
        "IN_SIGNED": signed,
        "OUT_W": out_bits,
        "STEPS": steps,
        "THR_W": step_bits,
        "BASE": base,
        "INIT_FILE": f"tables/{case}.mem",
    }
    for case, (channels, lanes, bits, signed, steps, step_bits, base, out_bits) in SHAPES.items()
}


def table(case: str) -> tuple[IntArray, IntArray]:
    """Ascending steps per channel, the ends of the range included, and the descending bits."""
    channels, _, bits, signed, steps, step_bits, _, _ = SHAPES[case]
    low, high = limits(bits, signed=signed)
    top = min(high + 1, limits(step_bits, signed=True)[1])
    rng = np.random.default_rng(7)
    rows = np.sort(rng.integers(low, top + 1, size=(channels, steps)), axis=1)
    rows[0, 0], rows[-1, -1] = low, top
    return rows, rng.integers(0, 2, size=channels)


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
    channels, lanes, bits, signed, steps, _, base, out_bits = SHAPES[case]
    rows, descending = table(case)

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        x = integers(rng, channels, bits, signed=signed)
        near = np.clip(rows[:, rng.integers(steps)] - rng.integers(2), *limits(bits, signed=signed))
        x = np.where(rng.random(channels) < 0.5, near, x)
        y = golden.thresholds(x, rows, descending, base)
        return beats(x, lanes, bits), beats(y, lanes, out_bits)

    return Contract(frame, cycles=channels // lanes, latency=2)


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
