"""Claims about bm_gap_decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from hw_tests.bench.claims import IDLE, SEEDS, STALL, pause
from hw_tests.bench.packing import IntArray
from hw_tests.bench.streams import Bench, pattern
from hw_tests.bench.wrapper import Cases, Parameter
from hw_tests.lib.coded_streams import entry_beats, meant

Symbols = list[tuple[int, int]]  # symbol, code


@dataclass(frozen=True)
class Shape:
    """A matrix and the alphabet of its runs."""

    rows: int
    columns: int
    symbols: int
    code_bits: int
    zeros: float

    @property
    def parameters(self) -> dict[str, Parameter]:
        size = {"ROWS": self.rows, "COLUMNS": self.columns}
        return {**size, "SYMBOLS": self.symbols, "CODE_W": self.code_bits}

    @property
    def escape(self) -> int:
        return self.symbols - 2

    def draw(self, rng: np.random.Generator) -> IntArray:
        """Random codes; now and then none, all, or empty rows."""
        zeros = float(rng.choice([self.zeros, self.zeros, self.zeros, 0, 1]))
        shape = (self.rows, self.columns)
        codes = rng.integers(0, 1 << self.code_bits, shape)
        empty = rng.random((self.rows, 1)) < 0.2 * (zeros > 0)
        return np.where((rng.random(shape) < zeros) | empty, -1, codes)

    def symbols_of(self, codes: IntArray) -> Symbols:
        """The symbols of a matrix, counted off zero by zero."""
        found: Symbols = []
        run = 0
        for code in codes.ravel().tolist():
            if code >= 0:
                found.append((run, code))
                run = 0
            else:
                run += 1
            if run == self.escape:
                found.append((run, 0))
                run = 0
        while found and found[-1][0] == self.escape:
            found.pop()  # the rest, which the end stands for
        return found

    def beats_of(self, symbols: Symbols) -> tuple[list[int], bool]:
        """The beats of symbols up to one that leads out of the matrix, and whether there is one."""
        flat = np.full(self.rows * self.columns, -1)
        at, wrong = 0, False
        for symbol, code in symbols:
            # What comes to lie right behind the matrix is out of it, an escape too.
            if at + symbol >= len(flat):
                wrong = True
                break
            if symbol == self.escape:
                at += symbol
            else:
                flat[at + symbol] = code
                at += symbol + 1
        return entry_beats(flat.reshape(self.rows, self.columns), self.code_bits), wrong


SHAPES = {
    "wide": Shape(6, 40, 32, 1, 0.7),
    "narrow": Shape(12, 5, 32, 2, 0.8),
    "column": Shape(30, 1, 8, 1, 0.6),
    "row": Shape(1, 50, 5, 3, 0.6),
    "one": Shape(1, 1, 3, 1, 0.5),
    "dense": Shape(5, 8, 4, 4, 0.1),
    "sparse": Shape(16, 9, 11, 1, 0.98),
    "edge": Shape(7, 9, 12, 2, 0.9),
}
CASES: Cases = {name: shape.parameters for name, shape in SHAPES.items()}


def send(bench: Bench, shape: Shape, symbols: Symbols) -> None:
    bits = (shape.symbols - 1).bit_length()
    beats = [code << bits | symbol for symbol, code in symbols]
    bench.source.send([*beats, shape.symbols - 1], [*[False] * len(beats), True])


def error(dut: Any, case: str) -> int:
    return int(getattr(dut, f"{case}_range_error").value)


async def gives(bench: Bench, shape: Shape, streams: list[list[int]]) -> None:
    wanted = [beat for stream in streams for beat in stream]
    beats = await bench.collect(len(wanted), limit=20_000)
    assert [meant(beat, shape.columns, shape.code_bits) for beat in beats] == wanted
    last = [i == len(stream) - 1 for stream in streams for i in range(len(stream))]
    assert bench.sink.last[: len(wanted)] == last
    await bench.cycles(4)
    assert len(bench.sink.beats) == len(wanted)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def gives_the_entries(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    shape = SHAPES[case]
    rng = np.random.default_rng(seed)
    bench = await Bench.start(dut, f"{case}_", pause(idle, seed), pause(stall, seed + 1))
    matrices = [shape.draw(rng) for _ in range(6)]
    for codes in matrices:
        send(bench, shape, shape.symbols_of(codes))
    await gives(bench, shape, [entry_beats(codes, shape.code_bits) for codes in matrices])
    assert error(dut, case) == 0


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def takes_a_symbol_each_cycle(dut: Any, case: str) -> None:
    """But for a cycle more for each further end of a row in a run, and each that is left."""
    shape = SHAPES[case]
    rng = np.random.default_rng(2)
    bench = await Bench.start(dut, f"{case}_")
    cycles = []
    for _ in range(10):
        codes = shape.draw(rng)
        symbols = shape.symbols_of(codes)
        send(bench, shape, symbols)
        at, row = 0, 0
        for symbol, _ in symbols:
            ends = (at + symbol) // shape.columns - row
            cycles.append(max(1, ends))
            at, row = at + symbol + (symbol != shape.escape), row + ends
        cycles.append(shape.rows - row)
    await bench.cycles(sum(cycles) + 10)
    np.testing.assert_array_equal(np.diff(bench.source.accepted), cycles[1:])


@cocotb.test()
@cocotb.parametrize(case=[*CASES], stall=STALL)
async def gives_all_rows_of_any_symbols(dut: Any, case: str, stall: str) -> None:
    """Whatever the symbols: as many ends of rows as ever, flagged, and the next matrix is right."""
    shape = SHAPES[case]
    rng = np.random.default_rng(3)
    bench = await Bench.start(dut, f"{case}_")
    wrong_ones = 0
    for trial in range(30):
        await bench.restart(None, pause(stall, trial))
        count = int(rng.integers(4 * shape.rows * shape.columns // shape.symbols + 4))
        drawn = rng.integers(0, shape.escape + 1, count).tolist()
        symbols = [(s, int(rng.integers(1 << shape.code_bits))) for s in drawn]
        wanted, wrong = shape.beats_of(symbols)
        codes = shape.draw(rng)
        send(bench, shape, symbols)
        send(bench, shape, shape.symbols_of(codes))
        await gives(bench, shape, [wanted, entry_beats(codes, shape.code_bits)])
        assert error(dut, case) == wrong
        wrong_ones += wrong
    assert wrong_ones > 3


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def recovers_from_reset(dut: Any, case: str) -> None:
    shape = SHAPES[case]
    rng = np.random.default_rng(4)
    bench = await Bench.start(dut, f"{case}_")
    for cut in range(16):
        await bench.restart(None, pattern((cut % 2,)))
        send(bench, shape, [(shape.escape, 0)] * cut)
        await bench.cycles(2 + cut)
        await bench.restart()
        codes = shape.draw(rng)
        send(bench, shape, shape.symbols_of(codes))
        await gives(bench, shape, [entry_beats(codes, shape.code_bits)])
        assert error(dut, case) == 0
