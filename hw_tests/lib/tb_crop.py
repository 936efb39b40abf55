"""Claims about bm_crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.control import Pattern, Step, moves_as_modelled
from hw_tests.bench.packing import IntArray, beats, integers
from hw_tests.bench.wrapper import Cases

BITS = 6  # per word


@dataclass(frozen=True)
class Axis:
    """What is kept of the rows, the columns or the words."""

    size: int
    first: int
    count: int
    step: int = 1

    @property
    def kept(self) -> slice:
        """The positions kept."""
        return slice(self.first, self.first + (self.count - 1) * self.step + 1, self.step)


Shape = tuple[Axis, Axis, Axis]  # rows, columns, words

SHAPES: dict[str, Shape] = {
    "all": (Axis(3, 0, 3), Axis(2, 0, 2), Axis(2, 0, 2)),
    "inner": (Axis(4, 1, 2), Axis(5, 1, 3), Axis(1, 0, 1)),
    "first": (Axis(3, 0, 1), Axis(4, 0, 1), Axis(3, 0, 1)),
    "last": (Axis(3, 2, 1), Axis(4, 3, 1), Axis(3, 2, 1)),
    "words": (Axis(1, 0, 1), Axis(3, 0, 3), Axis(5, 1, 3)),
    "strided": (Axis(6, 1, 2, 3), Axis(7, 0, 4, 2), Axis(2, 1, 1)),
    "far": (Axis(5, 2, 2, 2), Axis(9, 1, 2, 6), Axis(2, 0, 2)),
    "alternate": (Axis(2, 0, 2), Axis(2, 0, 2), Axis(6, 1, 3, 2)),
    "element": (Axis(1, 0, 1), Axis(1, 0, 1), Axis(1, 0, 1)),
}
CASES: Cases = {
    case: {
        "WIDTH": BITS,
        "H": rows.size,
        "W": columns.size,
        "CF": words.size,
        "Y0": rows.first,
        "SY": rows.step,
        "OUT_H": rows.count,
        "X0": columns.first,
        "SX": columns.step,
        "OUT_W": columns.count,
        "C0": words.first,
        "SC": words.step,
        "OUT_CF": words.count,
    }
    for case, (rows, columns, words) in SHAPES.items()
}


def cropped(image: IntArray, shape: Shape) -> IntArray:
    """What is kept of an image."""
    rows, columns, words = shape
    return image[rows.kept, columns.kept, words.kept]


def steps(shape: Shape) -> list[Step]:
    """A step for each beat in; those of what is kept emit."""
    size = [axis.size for axis in shape]
    places = np.arange(np.prod(size)).reshape(size)
    kept = set(cropped(places, shape).ravel().tolist())
    return [Step(emits=place in kept) for place in places.ravel().tolist()]


def contract(case: str) -> Contract:
    """A part of the image comes out."""
    shape = SHAPES[case]
    pattern = steps(shape)

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        rows, columns, words = shape
        image = integers(rng, (rows.size * columns.size, words.size), BITS, signed=False)
        kept = cropped(image.reshape(rows.size, columns.size, words.size), shape)
        return beats(image.ravel(), 1, BITS), beats(kept.ravel(), 1, BITS)

    needs = pattern.index(Step(emits=True)) + 1
    return Contract(frame, cycles=len(pattern), latency=1, needs=needs)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def moves_by_its_pattern(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    def model() -> Pattern:
        return Pattern(steps(SHAPES[case]))

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
