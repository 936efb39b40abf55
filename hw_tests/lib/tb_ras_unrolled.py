"""Claims about generated adders, unrolled Reduce-and-Scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cocotb
import numpy as np

from bitmason.backends.layers.ras.adder_graph import AdderGraph, adder_graph, pipeline
from bitmason.ir.codebook import codebook_of
from bitmason.ir.types import Int, IntType, UInt
from hw_tests.bench import claims, golden
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.control import moves_as_modelled
from hw_tests.bench.packing import IntArray, pack
from hw_tests.bench.pipe import Pipe
from hw_tests.bench.short_reset import starts_right_behind_reset


@dataclass(frozen=True)
class Shape:
    """A layer: its matrix, with `zeros` percent of it zero, its inputs and its registers."""

    rows: int
    columns: int
    values: tuple[int, ...]
    zeros: int
    x: IntType
    between: int = 1
    lanes: int = 1
    twins: bool = False  # an empty row, one of a single entry, two that are equal, two opposite
    shared: bool = True

    @property
    def out_bits(self) -> int:
        """Enough for every sum of this shape, with one to spare."""
        most = self.columns * max(map(abs, self.values)) * max(-self.x.lo, self.x.hi)
        return most.bit_length() + 2


SHAPES = {
    "ternary": Shape(12, 24, (-1, 1), 60, UInt(4), 2, twins=True),
    "alone": Shape(12, 24, (-1, 1), 60, UInt(4), 2, twins=True, shared=False),
    "scaled": Shape(9, 20, (-23, 19), 40, Int(4), 1, twins=True),
    "binary": Shape(6, 9, (-1, 1), 0, Int(3), 3, lanes=2),
    "one_value": Shape(7, 16, (5,), 63, UInt(3), 2),
    "one_negative": Shape(7, 16, (-6,), 63, UInt(3), 1),
    "even": Shape(5, 12, (-8, 24), 30, Int(5), 2, lanes=3),
    "quaternary": Shape(8, 18, (-2, -1, 1), 50, UInt(8), 2, twins=True),
    "four": Shape(6, 17, (-9, -3, 3, 9), 20, UInt(2), 1),
    "five": Shape(6, 17, (-90, -31, 2, 31, 77), 70, Int(8), 4),
    "septenary": Shape(10, 32, (-41, -23, -7, 7, 23, 41), 55, UInt(4), 2, twins=True),
    "seven": Shape(8, 30, (-64, -50, -3, 1, 12, 55, 127), 0, Int(6), 3),
    "sparse": Shape(16, 64, (-1, 1), 97, UInt(4), 1, lanes=2),
    "bits": Shape(10, 40, (-1, 1), 37, UInt(1), 2),
    "narrow": Shape(6, 14, (-1, 2), 30, Int(2), 1),
    "tight": Shape(6, 14, (-1, 1), 30, UInt(4, 9), 2),
    "empty": Shape(3, 4, (1,), 100, UInt(4), 1),
    "wires": Shape(5, 5, (1, 4), 80, UInt(5), 1, lanes=2),
    "least": Shape(1, 1, (-1,), 0, Int(2), 1),
    "at_once": Shape(8, 48, (-3, 5), 50, UInt(4), 99),
}


@cache
def weights(case: str) -> IntArray:
    """Rows by columns."""
    shape = SHAPES[case]
    rng = np.random.default_rng(7)
    size = (shape.rows, shape.columns)
    drawn = rng.choice(np.array(shape.values), size)
    matrix = np.where(rng.random(size) * 100 < shape.zeros, 0, drawn).astype(np.int64)
    if shape.twins:
        matrix[0] = matrix[1] = 0
        matrix[1, 3] = shape.values[0]
        matrix[3] = matrix[2]
        if shape.values[0] == -shape.values[-1]:
            matrix[4] = -matrix[5]
    return matrix


@cache
def graph(case: str) -> AdderGraph:
    """The adders of a case."""
    book = codebook_of(weights(case))
    assert book is not None
    return adder_graph(book, SHAPES[case].x, shared=SHAPES[case].shared)


def contract(case: str) -> Contract:
    """A vector per lane in, a vector per lane out."""
    shape = SHAPES[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        lo, hi = shape.x.lo, shape.x.hi
        xs = rng.integers(lo, hi + 1, (shape.lanes, shape.columns))
        # Each extreme of each row comes up now and then.
        signs = np.sign(weights(case)[rng.integers(shape.rows)]) * rng.choice([-1, 1])
        if rng.random() < 0.3:
            xs[rng.integers(shape.lanes)] = np.where(signs > 0, hi, lo)
        sums = [golden.matvec(x, weights(case)) for x in xs]
        sent = pack(xs.ravel().tolist(), shape.x.bits)
        return [sent], [pack(np.concatenate(sums).tolist(), shape.out_bits)]

    stages = pipeline(graph(case), shape.between).stages
    return Contract(frame, cycles=1, latency=stages)


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES], idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    await claims.equals_golden(dut, f"{case}_", contract(case), idle=idle, stall=stall, seed=seed)


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def runs_at_full_rate(dut: Any, case: str) -> None:
    await claims.runs_at_full_rate(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def has_exact_latency(dut: Any, case: str) -> None:
    await claims.has_exact_latency(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=[*SHAPES])
async def recovers_from_reset(dut: Any, case: str) -> None:
    await claims.recovers_from_reset(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=["ternary", "scaled", "at_once"])
async def starts_right_behind_a_short_reset(dut: Any, case: str) -> None:
    await starts_right_behind_reset(dut, f"{case}_", contract(case))


@cocotb.test()
@cocotb.parametrize(case=["ternary", "seven", "sparse", "at_once"], idle=IDLE, stall=STALL)
async def moves_by_one_enable(dut: Any, case: str, idle: str, stall: str) -> None:
    promise = contract(case)
    await moves_as_modelled(
        dut, f"{case}_", promise, lambda: Pipe(promise.latency), idle=idle, stall=stall, seed=3
    )
