"""Claims about bm_mvu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims, golden
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import IntArray, beats, integers, mem_text, pack
from hw_tests.bench.wrapper import Cases


@dataclass(frozen=True)
class Shape:
    """A matrix-vector unit, its widths and its folding."""

    engine: str
    mw: int
    mh: int
    simd: int
    pe: int
    stages: int = 0
    in_bits: int = 1
    in_signed: bool = False
    w_bits: int = 1
    w_signed: bool = False
    modulo: int = 0
    groups: int = 1
    lanes: int = 1

    @property
    def acc_bits(self) -> int:
        """Enough for every sum of this shape, unless it is to wrap round."""
        if self.modulo:
            return self.modulo
        if self.engine == "xnor":
            return self.mw.bit_length()
        return self.in_bits + self.w_bits + (self.mw - 1).bit_length() + 1


SHAPES = {
    "par": Shape("parallel", 12, 6, 3, 2, 0, 4, True, 3, True),
    "par_unsigned": Shape("parallel", 7, 5, 7, 1, 2, 3, False, 2, False),
    "par_mixed": Shape("parallel", 9, 4, 3, 4, 1, 8, False, 8, True),
    "par_mixed2": Shape("parallel", 10, 3, 5, 1, 7, 2, True, 3, False),
    "par_serial": Shape("parallel", 3, 2, 1, 1, 1, 2, False, 2, True),
    "par_whole": Shape("parallel", 4, 3, 4, 3, 3, 3, True, 3, True),
    "par_one": Shape("parallel", 1, 1, 1, 1, 0, 1, True, 1, True),
    "par_modulo": Shape("parallel", 12, 2, 6, 1, 2, 4, False, 4, True, 6),
    "sel_modulo": Shape("select", 12, 2, 6, 1, 1, 4, True, modulo=4),
    "sel": Shape("select", 12, 6, 4, 3, 0, 4, False),
    "sel_signed": Shape("select", 15, 4, 5, 1, 2, 3, True),
    "sel_whole": Shape("select", 6, 2, 6, 2, 1, 2, False),
    "sel_one_fold": Shape("select", 5, 4, 5, 2, 3, 1, False),
    "xnor": Shape("xnor", 32, 8, 8, 4, 1),
    "xnor_odd": Shape("xnor", 51, 6, 17, 3, 0),
    "xnor_whole": Shape("xnor", 33, 4, 33, 4, 2),
    "xnor_serial": Shape("xnor", 4, 3, 1, 1, 0),
    "par_groups": Shape("parallel", 6, 4, 3, 2, 1, 3, True, 3, True, groups=3),
    "par_groups_whole": Shape("parallel", 4, 2, 4, 2, 0, 3, True, 2, True, groups=2),
    "par_lanes": Shape("parallel", 6, 4, 3, 2, 1, 3, True, 3, True, lanes=2),
    "sel_groups": Shape("select", 6, 3, 2, 1, 1, 3, True, groups=2),
    "sel_lanes": Shape("select", 6, 2, 3, 1, 0, 3, False, lanes=3),
    "xnor_lanes_groups": Shape("xnor", 10, 4, 5, 2, 1, groups=3, lanes=2),
}
CASES: Cases = {
    case: {
        "ENGINE": shape.engine,
        "MW": shape.mw,
        "MH": shape.mh,
        "GROUPS": shape.groups,
        "LANES": shape.lanes,
        "PE": shape.pe,
        "SIMD": shape.simd,
        "IN_W": shape.in_bits,
        "IN_SIGNED": shape.in_signed,
        "W_W": shape.w_bits,
        "W_SIGNED": shape.w_signed,
        "ACC_W": shape.acc_bits,
        "INIT_FILE": f"tables/{case}.mem",
        "STAGES": shape.stages,
        "DSP": case == "par_mixed",
    }
    for case, shape in SHAPES.items()
}


def weights(case: str) -> IntArray:
    """Groups by neurons by elements, as the numbers in the memory."""
    shape = SHAPES[case]
    rng = np.random.default_rng(9)
    rows = integers(rng, (shape.groups * shape.mh, shape.mw), shape.w_bits, signed=shape.w_signed)
    return rows.reshape(shape.groups, shape.mh, shape.mw)


def files() -> dict[str, str]:
    """The weight memory of every case."""
    texts = {}
    for case, shape in SHAPES.items():
        tiles = weights(case).reshape(-1, shape.pe, shape.mw // shape.simd, shape.simd)
        words = [
            pack(tiles[nf, :, sf].ravel().tolist(), shape.w_bits)
            for nf in range(tiles.shape[0])
            for sf in range(tiles.shape[2])
        ]
        texts[f"tables/{case}.mem"] = mem_text(words, shape.pe * shape.simd * shape.w_bits)
    return texts


def multiply(case: str, group: int, x: IntArray) -> IntArray:
    """What the engine of that case promises for a vector of that group."""
    matrix = weights(case)[group]
    if SHAPES[case].engine == "xnor":
        return golden.agreements(x, matrix)
    if SHAPES[case].engine == "select":
        matrix = golden.bipolar(matrix)
    return golden.matvec(x, matrix)


def side_by_side(rows: list[IntArray], elements: int, bits: int) -> list[int]:
    """Beats of one vector per lane, that many elements of each."""
    lanes = np.stack(rows).reshape(len(rows), -1, elements)
    return beats(lanes.swapaxes(0, 1), len(rows) * elements, bits)


def contract(case: str) -> Contract:
    """For each group a vector per lane in, a vector per lane out."""
    shape = SHAPES[case]
    folds_in, folds_out = shape.mw // shape.simd, shape.mh // shape.pe

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        sent: list[int] = []
        wanted: list[int] = []
        for group in range(shape.groups):
            xs = [
                integers(rng, shape.mw, shape.in_bits, signed=shape.in_signed)
                for _ in range(shape.lanes)
            ]
            sums = [multiply(case, group, x) for x in xs]
            sent += side_by_side(xs, shape.simd, shape.in_bits)
            wanted += side_by_side(sums, shape.pe, shape.acc_bits)
        return sent, wanted

    latency = (1 if folds_out == 1 else 2) + shape.stages + 1 + (shape.engine == "select")
    cycles = shape.groups * folds_in * folds_out
    return Contract(frame, cycles=cycles, latency=latency, needs=folds_in)


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
