"""Claims about bm_reorder."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.control import Control, Flags, moves_as_modelled
from hw_tests.bench.packing import IntArray, mem_text, words
from hw_tests.bench.wrapper import Cases

WIDTH = 7
SHAPES = {  # beats per block, memory style
    "one": (1, "auto"),
    "two": (2, "auto"),
    "five": (5, "distributed"),
    "eight": (8, "block"),
    "twelve": (12, "block"),
    "seventeen": (17, "auto"),
}
CASES: Cases = {
    case: {
        "WIDTH": WIDTH,
        "LENGTH": length,
        "INIT_FILE": f"orders/{case}.mem",
        "RAM_STYLE": style,
    }
    for case, (length, style) in SHAPES.items()
}


class ReorderControl(Control):
    """Two blocks; one is sent when it has come whole."""

    def __init__(self, length: int) -> None:
        self.valid = [False]
        self._length = length
        self._level = self._index = 0

    def ready(self, sink_ready: Flags) -> Flags:
        return [self._level < 2 * self._length]

    def step(self, push: Flags, sink_ready: Flags) -> None:
        fetch = self._level >= self._length and (sink_ready[0] or not self.valid[0])
        if sink_ready[0]:
            self.valid = [False]
        self._level += push[0]
        if fetch:
            self.valid = [True]
            self._index += 1
        if self._index == self._length:
            self._index = 0
            self._level -= self._length


def order(case: str) -> IntArray:
    """Where in the block each beat comes from; beats may be left out and come again."""
    length, _ = SHAPES[case]
    rng = np.random.default_rng(length)
    return rng.integers(length, size=length) if case == "five" else rng.permutation(length)


def files() -> dict[str, str]:
    """The order of every case."""
    texts = {}
    for case, (length, _) in SHAPES.items():
        texts[f"orders/{case}.mem"] = mem_text(order(case).tolist(), (length - 1).bit_length() or 1)
    return texts


def contract(case: str) -> Contract:
    """The beats of each block come in the given order."""
    length, _ = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        sent = words(rng, length, WIDTH)
        return sent, [sent[place] for place in order(case).tolist()]

    return Contract(frame, cycles=length, latency=2, needs=length)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def moves_as_its_model(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    def model() -> ReorderControl:
        return ReorderControl(SHAPES[case][0])

    await moves_as_modelled(
        dut, f"{case}_", contract(case), model, idle=idle, stall=stall, seed=seed
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
