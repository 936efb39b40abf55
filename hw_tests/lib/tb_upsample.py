"""Claims about bm_upsample."""

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
ROWS = 2


@dataclass(frozen=True)
class Shape:
    """A row of the image, and how often rows and pixels come."""

    columns: int
    words: int
    factors: tuple[int, int]  # rows, columns
    style: str = "auto"

    def repeated(self, image: IntArray) -> IntArray:
        """The image upsampled."""
        factor_y, factor_x = self.factors
        return image.repeat(factor_y, axis=0).repeat(factor_x, axis=1)


SHAPES = {
    "wires": Shape(3, 2, (1, 1)),
    "column": Shape(3, 1, (1, 3)),  # held in the output register
    "point": Shape(1, 1, (3, 2)),  # held in the output register
    "pixel": Shape(3, 4, (1, 2)),
    "rows": Shape(4, 1, (3, 1), "block"),
    "rows_words": Shape(3, 2, (2, 1)),
    "both": Shape(5, 1, (2, 2), "distributed"),
    "both_words": Shape(3, 3, (2, 3), "block"),
    "narrow": Shape(1, 2, (2, 2)),
}
CASES: Cases = {
    case: {
        "WIDTH": BITS,
        "W": shape.columns,
        "CF": shape.words,
        "FY": shape.factors[0],
        "FX": shape.factors[1],
        "RAM_STYLE": shape.style,
    }
    for case, shape in SHAPES.items()
}


def steps(shape: Shape) -> list[Step]:
    """A step for each beat out; the first time a word comes it is taken."""
    places = np.arange(shape.columns * shape.words).reshape(1, shape.columns, shape.words)
    out = shape.repeated(places).ravel().tolist()
    return [Step(None if place in out[:i] else 0) for i, place in enumerate(out)]


def contract(case: str) -> Contract:
    """Rows and columns come several times."""
    shape = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        size = (ROWS * shape.columns, shape.words)
        image = integers(rng, size, BITS, signed=False).reshape(ROWS, shape.columns, shape.words)
        return beats(image.ravel(), 1, BITS), beats(shape.repeated(image).ravel(), 1, BITS)

    return Contract(frame, cycles=ROWS * len(steps(shape)), latency=1)


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
