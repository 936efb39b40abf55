"""Claims about bm_ras."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import cocotb
import numpy as np

from bitmason.backends.layers.ras.lists import (
    Lists,
    class_bits,
    encode_lists,
    encode_picks,
    schedule,
    signed_bits,
)
from bitmason.ir.types import Int, UInt
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, STALL, Contract
from hw_tests.bench.control import Control, Flags, moves_as_modelled
from hw_tests.bench.packing import IntArray, mem_text, pack
from hw_tests.bench.short_reset import starts_right_behind_reset
from hw_tests.bench.wrapper import Cases
from hw_tests.lib.ras_frames import codes_of, frame_of


@dataclass(frozen=True)
class Shape:
    """A Reduce-and-Scale unit; `zeros` is the part of the weights that are zero.

    With `bare` rows the first and last one are empty, and the second one has a single weight.
    """

    mw: int
    mh: int
    simd: int
    pe: int
    values: tuple[int, ...]
    zeros: float = 0.6
    take: int = 1
    in_bits: int = 4
    in_signed: bool = False
    groups: int = 1
    lanes: int = 1
    scalers: int = 1
    modulo: int = 0
    bare: bool = False
    ram: str = "auto"
    dsp: bool = False

    @property
    def acc_bits(self) -> int:
        """Enough for every result of this shape, unless it is to wrap round."""
        most = self.mw * max(map(abs, self.values)) << self.in_bits
        return self.modulo or most.bit_length() + 1

    @property
    def beats(self) -> int:
        """Of a vector."""
        return self.mw // self.take


TERNARY = (-23, 19)
SHAPES = {
    "one": Shape(1, 1, 1, 1, (1,), 0.0),
    "one_signed": Shape(1, 1, 1, 1, (-1,), 0.0, in_bits=1, in_signed=True),
    "column": Shape(1, 7, 1, 2, TERNARY, 0.4, in_signed=True, groups=2),
    "row": Shape(24, 1, 1, 3, TERNARY),
    "row_banks": Shape(24, 1, 4, 2, TERNARY, take=2, scalers=2, in_signed=True),
    "ternary": Shape(36, 8, 1, 4, TERNARY, 0.63, in_bits=8),
    "alone": Shape(20, 6, 1, 1, (-1, 1), in_signed=True, bare=True),
    "banks": Shape(24, 9, 2, 3, (-1, 1), 0.5, take=2, in_signed=True),
    "wide": Shape(32, 5, 8, 1, (-5, 2, 6), 0.7, take=4, in_bits=3, scalers=4),
    "scalers": Shape(40, 12, 1, 6, (-3, 7), 0.5, scalers=3, in_bits=5, bare=True),
    "scalers_banks": Shape(40, 12, 4, 2, (-3, 7), 0.5, take=4, scalers=2, groups=2),
    "scaler_each": Shape(30, 10, 2, 2, (-3, 4, 5, 9), 0.3, scalers=4, in_signed=True, lanes=2),
    "groups": Shape(18, 5, 1, 2, (-2, 1, 3), groups=3, bare=True),
    "lanes": Shape(18, 6, 3, 1, (-8, -1, 1, 8), take=3, lanes=2, in_signed=True),
    "lanes_groups": Shape(12, 4, 2, 2, (-4, -2, 2, 4, 8), 0.3, lanes=3, groups=2, scalers=2),
    "six": Shape(21, 6, 1, 2, (-9, -3, -1, 1, 3, 9), 0.2, in_bits=2),
    "seven": Shape(28, 9, 2, 2, (-64, -32, -16, 1, 16, 32, 63), 0.1, take=2, in_signed=True),
    "dense": Shape(16, 8, 1, 2, (5,), 0.0, in_bits=1),
    "sparse": Shape(64, 12, 1, 2, TERNARY, 0.97, bare=True),
    "empty": Shape(8, 5, 2, 1, (3,), 1.0, take=2),
    "modulo": Shape(26, 6, 1, 2, (-7, 6), 0.4, modulo=5, in_signed=True, dsp=True),
    "in_luts": Shape(24, 8, 1, 2, TERNARY, ram="distributed", in_signed=True),
    "in_blocks": Shape(24, 8, 1, 2, TERNARY, ram="block"),
}
UNITS = SHAPES | {"large": Shape(576, 64, 1, 16, TERNARY, 0.63, in_bits=8)}


def weights(shape: Shape) -> IntArray:
    """Codes of the values, groups by neurons by elements."""
    size = (shape.groups, shape.mh, shape.mw)
    return codes_of(9, size, len(shape.values), shape.zeros, bare=shape.bare)


@cache
def lists(case: str) -> Lists:
    """What the unit of a case does step by step."""
    shape = UNITS[case]
    return schedule(weights(shape), shape.pe, shape.simd, shape.scalers)


def cases() -> Cases:
    """The parameters of the cell."""
    return {
        case: {
            "MW": shape.mw,
            "GROUPS": shape.groups,
            "LANES": shape.lanes,
            "PE": shape.pe,
            "SIMD": shape.simd,
            "TAKE": shape.take,
            "IN_W": shape.in_bits,
            "IN_SIGNED": shape.in_signed,
            "VALUE_W": signed_bits(shape.values),
            "SUM_W": _sum_bits(case),
            "ACC_W": shape.acc_bits,
            "STEPS": lists(case).steps,
            "SCALERS": shape.scalers,
            "PLACES": lists(case).places,
            "LISTS_FILE": f"tables/{case}.lists.mem",
            "PICKS_FILE": f"tables/{case}.picks.mem",
            "RAM_STYLE": shape.ram,
            "DSP": shape.dsp,
        }
        for case, shape in UNITS.items()
    }


def files() -> dict[str, str]:
    """The memories."""
    found = {}
    for case, shape in UNITS.items():
        made, bits = lists(case), signed_bits(shape.values)
        picks = encode_picks(made, shape.values, bits)
        found[f"tables/{case}.lists.mem"] = _text(encode_lists(made), made.entry_bits)
        found[f"tables/{case}.picks.mem"] = _text(picks, made.pick_bits(bits))
    return found


def _text(codes: IntArray, bits: int) -> str:
    return mem_text((pack(word, bits) for word in codes.tolist()), bits * codes.shape[1])


def _sum_bits(case: str) -> int:
    shape = UNITS[case]
    elem = Int(shape.in_bits) if shape.in_signed else UInt(shape.in_bits)
    return class_bits(lists(case).longest, elem)


class RasControl(Control):
    """Two vectors at most; each step that emits is at the output `depth` enabled cycles later.

    Steps are made from cycle `start` on.
    """

    def __init__(self, beats: int, emits: list[list[bool]], depth: int, start: int = 0) -> None:
        self.valid = [False]
        self._waits = start
        self._beats, self._emits = beats, emits
        self._whole = self._taken = self._group = self._step = 0
        self._stages = deque([False] * depth, depth)

    def ready(self, sink_ready: Flags) -> Flags:
        return [self._whole < 2]

    def step(self, push: Flags, sink_ready: Flags) -> None:
        enabled = sink_ready[0] or not self.valid[0]
        steps = enabled and self._whole > 0 and self._waits == 0
        self._waits = max(0, self._waits - 1)
        self._taken += push[0]
        if self._taken == self._beats:
            self._taken = 0
            self._whole += 1
        if not enabled:
            return
        self._stages.appendleft(steps and self._emits[self._group][self._step])
        self.valid = [self._stages[-1]]
        self._step += steps
        if self._step == len(self._emits[self._group]):
            self._step = 0
            self._group = (self._group + 1) % len(self._emits)
            self._whole -= 1


def control(case: str) -> RasControl:
    """The model of a case."""
    shape = UNITS[case]
    return RasControl(shape.beats, lists(case).beats.tolist(), depth(shape))


def depth(shape: Shape) -> int:
    """Registers from a step to the output."""
    return 5 if shape.scalers == 1 else 6


def contract(case: str) -> Contract:
    """Frames of a vector for each group and lane."""
    shape = UNITS[case]
    matrices = np.array([*shape.values, 0])[weights(shape)]

    frame = frame_of(
        matrices, shape.lanes, shape.in_bits, shape.in_signed, shape.acc_bits, shape.take
    )
    first = int(np.argmax(lists(case).beats[0]))
    return Contract(
        frame,
        cycles=shape.groups * max(lists(case).steps, shape.beats),
        latency=first + depth(shape) + 1,
        needs=shape.beats,
    )


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES], idle=IDLE, stall=STALL)
async def equals_golden(dut: Any, case: str, idle: str, stall: str) -> None:
    seed = len(case)
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES], idle=IDLE, stall=STALL)
async def moves_as_specified(dut: Any, case: str, idle: str, stall: str) -> None:
    model = partial(control, case)
    pauses = {"idle": idle, "stall": stall}
    await moves_as_modelled(dut, f"{case}_", contract(case), model, seed=len(case), **pauses)


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def runs_at_full_rate(dut: Any, case: str) -> None:
    await claims.runs_at_full_rate(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def has_exact_latency(dut: Any, case: str) -> None:
    await claims.has_exact_latency(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=["alone", "scalers", "groups", "lanes_groups", "sparse", "one"])
async def recovers_from_reset(dut: Any, case: str) -> None:
    await claims.recovers_from_reset(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=["one", "row", "ternary", "banks", "scalers_banks"])
async def starts_right_behind_a_short_reset(dut: Any, case: str) -> None:
    await starts_right_behind_reset(dut, f"{case}_", contract(case))


@cocotb.test()
async def adds_in_almost_every_cycle(dut: Any) -> None:
    """A layer of 64 rows of 576 weights, 63 % of them zero, in 16 adders."""
    made, promise = lists("large"), contract("large")
    bench = await claims.started(dut, "large_", promise)
    sent, wanted = claims.draw_streams(promise, 5, 0)
    claims.send(bench, sent)
    beats = claims.flat(wanted[0])
    assert await bench.collect(len(beats), limit=6 * promise.cycles) == beats
    cycles = np.diff(bench.sink.taken[63::64])
    np.testing.assert_array_equal(cycles, made.steps)
    assert made.steps <= 1.08 * made.non_zeros / made.adders
