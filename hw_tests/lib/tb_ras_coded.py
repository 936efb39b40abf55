"""Claims about bm_ras_coded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import cocotb
import numpy as np

from bitmason.backends.layers.ras.lists import signed_bits
from bitmason.backends.layers.ras.streams import (
    LINE_BITS,
    ROW_ENDS,
    VECTOR_ENDS,
    Streams,
    code_streams,
)
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, STALL, Contract
from hw_tests.bench.control import Control, Flags, moves_as_modelled
from hw_tests.bench.packing import IntArray, mem_text, pack
from hw_tests.bench.short_reset import starts_right_behind_reset
from hw_tests.bench.wrapper import Bits, Cases
from hw_tests.lib.ras_frames import codes_of, frame_of

REGISTERS = 3  # from a step to the output
START = 4  # the first cycle behind reset with a step


@dataclass(frozen=True)
class Shape:
    """A unit with coded weights; `zeros` is the part of them that are zero.

    With `bare` rows the first and the last ones are empty, and the second one has a single weight.
    """

    mw: int
    mh: int
    values: tuple[int, ...]
    zeros: float = 0.6
    in_bits: int = 4
    in_signed: bool = False
    groups: int = 1
    lanes: int = 1
    modulo: int = 0
    bare: bool = False
    style: str = "auto"
    ram: str = "auto"
    seed: int = 9

    @property
    def acc_bits(self) -> int:
        """Enough for every result of this shape, unless it is to wrap round."""
        most = self.mw * max(map(abs, self.values)) << self.in_bits
        return self.modulo or most.bit_length() + 1


TERNARY = (-23, 19)
SHAPES = {
    "one": Shape(1, 1, (1,), 0.0),
    "one_signed": Shape(1, 2, (-1,), 0.0, in_bits=1, in_signed=True),
    "column": Shape(1, 9, TERNARY, 0.4, in_signed=True, groups=2),
    "two": Shape(2, 3, TERNARY, 0.3, lanes=2),
    "row": Shape(24, 1, TERNARY),
    "ternary": Shape(36, 8, TERNARY, 0.63, in_bits=8),
    "signs": Shape(20, 6, (-1, 1), in_signed=True, bare=True, style="logic"),
    "three": Shape(24, 9, (-5, 2, 6), 0.7, in_bits=3),
    "four": Shape(15, 10, (-9, -4, 4, 7), 0.4, in_signed=True, lanes=3),
    "five": Shape(30, 7, (-3, 1, 4, 5, 9), 0.3, groups=2, ram="distributed"),
    "six": Shape(21, 6, (-9, -3, -1, 1, 3, 9), 0.2, in_bits=2),
    "seven": Shape(28, 9, (-64, -32, -16, 1, 16, 32, 63), 0.1, in_signed=True, in_bits=8),
    "eight": Shape(12, 4, (-8, -5, -3, -1, 1, 2, 6, 7), 0.0, in_signed=True),
    "dense": Shape(16, 8, (5,), 0.0, in_bits=1),
    "half": Shape(18, 5, (-2, 1, 3), 0.5, groups=3, bare=True, style="block"),
    "sparse": Shape(64, 12, TERNARY, 0.97, bare=True, ram="block"),
    "slow_input": Shape(40, 3, TERNARY, 0.9),
    "rows_of_zeros": Shape(5, 30, TERNARY, 0.95, in_signed=True, bare=True),
    "empty": Shape(8, 5, (3,), 1.0),
    "modulo": Shape(26, 6, (-7, 6), 0.4, modulo=5, in_signed=True),
    "many_groups": Shape(11, 4, (-7, 6), 0.6, groups=14),
    "few_and_many": Shape(12, 2, (-7, 6), 0.5, groups=6, seed=10),
    "large": Shape(40, 10, TERNARY, 0.63, in_bits=8),
}


def weights(shape: Shape) -> IntArray:
    """Codes of the values, groups by neurons by elements."""
    size = (shape.groups, shape.mh, shape.mw)
    return codes_of(shape.seed, size, len(shape.values), shape.zeros, bare=shape.bare)


@cache
def streams(case: str) -> Streams:
    """What the memory of a case holds."""
    return code_streams(weights(SHAPES[case]), len(SHAPES[case].values))


def cases() -> Cases:
    """The parameters of the cell."""
    return {
        case: {
            "MW": shape.mw,
            "MH": shape.mh,
            "LANES": shape.lanes,
            "IN_W": shape.in_bits,
            "IN_SIGNED": shape.in_signed,
            "CLASSES": len(shape.values),
            "VALUE_W": signed_bits(shape.values),
            "VALUES": _values(shape),
            "ACC_W": shape.acc_bits,
            "SYMBOLS": streams(case).symbols,
            "LENGTHS": Bits(streams(case).table.packed, 128),
            "WORDS": len(streams(case).lines),
            "INIT_FILE": f"tables/{case}.mem",
            "ROM_STYLE": shape.style,
            "RAM_STYLE": shape.ram,
        }
        for case, shape in SHAPES.items()
    }


def _values(shape: Shape) -> Bits:
    bits = signed_bits(shape.values)
    codes = [value % (1 << bits) for value in shape.values]
    return Bits(pack(codes, bits), len(codes) * bits)


def files() -> dict[str, str]:
    """The memories."""
    lines = {case: streams(case).lines.tolist() for case in SHAPES}
    return {f"tables/{case}.mem": mem_text(words, LINE_BITS) for case, words in lines.items()}


class CodedControl(Control):
    """Two vectors at most; a row that a step ends is at the output some enabled cycles later."""

    def __init__(self, beats: int, steps: tuple[bytes, ...]) -> None:
        self.valid = [False]
        self._beats, self._steps = beats, b"".join(steps)
        self._whole = self._taken = self._step = self._cycle = 0
        self._stages = deque([False] * REGISTERS, REGISTERS)

    def ready(self, sink_ready: Flags) -> Flags:
        return [self._whole < 2]

    def step(self, push: Flags, sink_ready: Flags) -> None:
        enabled = sink_ready[0] or not self.valid[0]
        does = 0
        if enabled and self._whole > 0 and self._cycle >= START:
            does = self._steps[self._step]
            self._step = (self._step + 1) % len(self._steps)
        self._cycle += 1
        self._taken += push[0]
        if self._taken == self._beats:
            self._taken = 0
            self._whole += 1
        if enabled:
            self._stages.appendleft(bool(does & ROW_ENDS))
            self.valid = [self._stages[-1]]
        self._whole -= bool(does & VECTOR_ENDS)


def contract(case: str) -> Contract:
    """Frames of a vector for each group and lane."""
    shape = SHAPES[case]
    matrices = np.array([*shape.values, 0])[weights(shape)]

    frame = frame_of(matrices, shape.lanes, shape.in_bits, shape.in_signed, shape.acc_bits)
    steps = streams(case).steps
    first = next(i for i, does in enumerate(steps[0]) if does & ROW_ENDS)
    return Contract(
        frame,
        cycles=sum(max(len(does), shape.mw) for does in steps),
        latency=first + 1 + REGISTERS,
        needs=shape.mw,
    )


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES], idle=IDLE, stall=STALL)
async def equals_golden(dut: Any, case: str, idle: str, stall: str) -> None:
    seed = len(case)
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES], idle=IDLE, stall=STALL)
async def moves_as_specified(dut: Any, case: str, idle: str, stall: str) -> None:
    model = partial(CodedControl, SHAPES[case].mw, streams(case).steps)
    pauses = {"idle": idle, "stall": stall}
    await moves_as_modelled(dut, f"{case}_", contract(case), model, seed=len(case), **pauses)


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def runs_at_full_rate(dut: Any, case: str) -> None:
    await claims.runs_at_full_rate(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=[case for case, shape in SHAPES.items() if shape.mw >= START])
async def has_exact_latency(dut: Any, case: str) -> None:
    await claims.has_exact_latency(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def recovers_from_reset(dut: Any, case: str) -> None:
    await claims.recovers_from_reset(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=["row", "ternary", "three", "half", "sparse", "slow_input"])
async def starts_right_behind_a_short_reset(dut: Any, case: str) -> None:
    await starts_right_behind_reset(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=["ternary", "four", "seven", "many_groups"])
async def recovers_from_a_short_reset(dut: Any, case: str) -> None:
    """One cycle of reset in the middle of a vector leaves nothing of it behind."""
    promise = contract(case)
    bench = await claims.started(dut, f"{case}_", promise)
    for cut in range(12):
        sent, wanted = claims.draw_streams(promise, 2, cut)
        bench.source.send(claims.flat(sent[0])[: promise.needs])
        await bench.cycles(promise.needs + START + cut)
        dut.rst.value = 1
        await bench.cycles(1)
        dut.rst.value = 0
        await bench.cycles(2)
        done = len(bench.sink.beats)
        claims.send(bench, sent)
        beats = claims.flat(wanted[0])
        assert (await bench.collect(done + len(beats)))[done:] == beats
