"""Claims about bm_pad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.control import Pattern, Step, moves_as_modelled
from hw_tests.bench.packing import IntArray, beats, integers, pack
from hw_tests.bench.wrapper import Bits, Cases

BITS = 5  # per word


@dataclass(frozen=True)
class Shape:
    """An image and what is put around and between its pixels."""

    image: tuple[int, int, int]  # rows, columns, words per pixel
    before: tuple[int, int] = (0, 0)  # rows, columns
    behind: tuple[int, int] = (0, 0)
    step: tuple[int, int] = (1, 1)
    value: tuple[int, ...] = (0,)  # by word, over and over
    lanes: int = 1

    @property
    def padding(self) -> IntArray:
        """The padding pixel."""
        return np.resize(np.array(self.value, dtype=np.int64), self.image[2])

    def padded(self, image: IntArray) -> IntArray:
        """The image with padding."""
        rows, columns, words = self.image
        (top, left), (bottom, right), (step_y, step_x) = self.before, self.behind, self.step
        height = top + (rows - 1) * step_y + 1 + bottom
        width = left + (columns - 1) * step_x + 1 + right
        out = np.broadcast_to(self.padding, (height, width, words)).copy()
        out[top : height - bottom : step_y, left : width - right : step_x] = image
        return out


SHAPES = {
    "same": Shape((3, 4, 1), (1, 1), (1, 1)),
    "nothing": Shape((2, 3, 1)),
    "pixel": Shape((1, 1, 1), (2, 1), (0, 3), value=(9,)),
    "words": Shape((2, 3, 3), (1, 2), (2, 1), value=(1, 30, 17)),
    "rows": Shape((2, 2, 2), (3, 0), (1, 0), value=(21,)),
    "columns": Shape((3, 2, 1), (0, 1), (0, 2), value=(6,)),
    "behind": Shape((2, 3, 2), (0, 0), (2, 2), value=(31,)),
    "signal": Shape((1, 7, 2), (0, 2), (0, 2)),
    "transposed": Shape((2, 3, 2), (1, 2), (2, 0), (2, 3), value=(4, 5)),
    "stuffed": Shape((3, 2, 1), (0, 0), (0, 0), (3, 2), value=(8,)),
    "lanes": Shape((3, 4, 1), (1, 1), (1, 1), value=(19,), lanes=2),
    "lanes_first": Shape((2, 4, 1), (0, 1), (0, 1), value=(13,), lanes=2),
    "lanes4": Shape((2, 8, 1), (1, 3), (0, 1), value=(11,), lanes=4),
    "lanes3far": Shape((2, 3, 1), (0, 4), (1, 5), value=(7,), lanes=3),
    "lanes_whole": Shape((2, 4, 1), (1, 2), (1, 4), value=(3,), lanes=2),
    "lanes_rows": Shape((2, 4, 1), (1, 1), (1, 1), (2, 1), value=(2,), lanes=2),
}
CASES: Cases = {
    case: {
        "WIDTH": BITS,
        "CF": shape.image[2],
        "LANES": shape.lanes,
        "H": shape.image[0],
        "W": shape.image[1],
        "TOP": shape.before[0],
        "LEFT": shape.before[1],
        "BOTTOM": shape.behind[0],
        "RIGHT": shape.behind[1],
        "STEP_Y": shape.step[0],
        "STEP_X": shape.step[1],
        "VALUE": Bits(pack(shape.padding.tolist(), BITS), BITS * shape.image[2]),
    }
    for case, shape in SHAPES.items()
}


def steps(shape: Shape) -> list[Step]:
    """A step for each beat out; those with pixels of the image take one, in beats of lanes."""
    rows, columns, words = shape.image
    group = columns // shape.lanes
    beat = Shape((rows, group, words), shape.before, shape.behind, shape.step)
    if shape.lanes > 1:
        lead = shape.before[1] // shape.lanes
        rest = (shape.before[1] + columns + shape.behind[1]) // shape.lanes - lead - group
        beat = Shape(
            (rows, group, words), (shape.before[0], lead), (shape.behind[0], rest), shape.step
        )
    real = beat.padded(np.ones((rows, group, words), dtype=np.int64))
    return [Step(0 if taken else None) for taken in real.ravel().tolist()]


def contract(case: str) -> Contract:
    """The image comes out with padding around it; the padding before it needs no input."""
    shape = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        image = integers(rng, shape.image, BITS, signed=False)
        sent = beats(image.ravel(), shape.lanes, BITS)
        return sent, beats(shape.padded(image).ravel(), shape.lanes, BITS)

    pattern = steps(shape)
    return Contract(frame, cycles=len(pattern), latency=1, leads=pattern.index(Step(0)))


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
