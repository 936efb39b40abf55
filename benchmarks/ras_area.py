"""What Reduce-and-Scale units cost on xc7 after yosys, beside products of whole numbers.

Run as `python -m benchmarks.ras_area`. Weights are random, 63 % of them zero. No unit may use DSP
blocks. Whole units are counted but for the memories that lie in block RAM; cycles are those of one
vector, which `hw_tests/lib/test_ras.py` checks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bitmason.backends.layers.ras.lists import (
    Lists,
    class_bits,
    encode_lists,
    encode_picks,
    schedule,
    signed_bits,
)
from bitmason.backends.packing import mem_file
from bitmason.ir.types import Int, IntArray, UInt
from bitmason.toolchain import yosys
from bitmason.toolchain.yosys import Area

CELLS = sorted((Path(yosys.__file__).parents[1] / "templates" / "sv" / "lib").glob("bm_*.sv"))
LANES = 8
X = UInt(8)
ZEROS = 0.63
WORKERS = 2
RAS, DENSE = "Reduce-and-Scale", "parallel"

# The lanes alone, without what chooses elements and what becomes of sums.
SUMMING = """
module summing (
  input  wire logic clk, en,
  input  wire logic [63:0] x,
  input  wire logic [7:0] first,
  output wire logic [127:0] sums
);
  for (genvar i = 0; i < 8; i++) begin : gen_lane
    bm_ras_lane #(.IN_W(8), .SUM_W(16)) u_lane (
      .clk, .en, .x(x[i*8+:8]), .first(first[i]), .sum(sums[i*16+:16])
    );
  end
endmodule
"""
MULTIPLYING = """
module multiplying (
  input  wire logic clk, en,
  input  wire logic [63:0] x, w,
  input  wire logic [7:0] first,
  output wire logic [207:0] sums
);
  logic [207:0] products, sums_q;
  assign sums = sums_q;
  for (genvar i = 0; i < 8; i++) begin : gen_lane
    bm_dot_parallel #(.SIMD(1), .IN_W(8), .W_W(8), .OUT_W(26)) u_dot (
      .clk, .en, .x(x[i*8+:8]), .w(w[i*8+:8]), .total(products[i*26+:26])
    );
    always_ff @(posedge clk) begin
      if (en) sums_q[i*26+:26] <= products[i*26+:26] + (first[i] ? '0 : sums_q[i*26+:26]);
    end
  end
endmodule
"""


@dataclass(frozen=True)
class Layer:
    """A layer of some values, and how many adders or multipliers it has: PE x SIMD."""

    values: tuple[int, ...]
    rows: int = 64
    columns: int = 576
    pe: int = 16
    simd: int = 1
    scalers: int = 1

    @cached_property
    def codes(self) -> IntArray:
        """Random codes, [1, rows, columns]."""
        rng = np.random.default_rng(0)
        codes = rng.integers(0, len(self.values), (1, self.rows, self.columns))
        return np.where(rng.random(codes.shape) < ZEROS, -1, codes)

    @cached_property
    def lists(self) -> Lists:
        """What the unit does, step by step."""
        return schedule(self.codes, self.pe, self.simd, self.scalers)

    @property
    def take(self) -> int:
        """Elements per beat: as few as keep the unit busy."""
        return next(t for t in range(1, self.simd + 1) if t * self.lists.steps >= self.columns)

    @property
    def acc_bits(self) -> int:
        """Bits of a result, whatever the input."""
        weights = np.array([*self.values, 0])[self.codes]
        ends = (np.clip(weights, None, 0).sum(2).min(), np.clip(weights, 0, None).sum(2).max())
        return signed_bits([int(end) * X.hi for end in ends])

    def area(self, engine: str) -> Area:
        """Synthesise the unit."""
        with tempfile.TemporaryDirectory() as name:
            if engine == RAS:
                return self._ras(Path(name))
            return self._dense(Path(name))

    def _ras(self, folder: Path) -> Area:
        lists, value_bits = self.lists, signed_bits(self.values)
        parameters: dict[str, int | str] = {
            "MW": self.columns,
            "PE": self.pe,
            "SIMD": self.simd,
            "TAKE": self.take,
            "IN_W": X.bits,
            "VALUE_W": value_bits,
            "SUM_W": class_bits(lists.longest, X),
            "ACC_W": self.acc_bits,
            "STEPS": lists.steps,
            "SCALERS": self.scalers,
            "PLACES": lists.places,
            "LISTS_FILE": "lists.mem",
            "PICKS_FILE": "picks.mem",
            "ROM_STYLE": "block",
            "RAM_STYLE": "block",
        }
        files = {
            "lists.mem": mem_file(encode_lists(lists), lists.entry_bits),
            "picks.mem": mem_file(
                encode_picks(lists, self.values, value_bits), lists.pick_bits(value_bits)
            ),
        }
        return _synthesise("bm_ras", parameters, files, folder)

    def _dense(self, folder: Path) -> Area:
        """As many multipliers, 4 inputs of which are summed at once."""
        simd = min(4, self.pe * self.simd)
        pe = self.pe * self.simd // simd
        value_bits = signed_bits(self.values)
        weights = np.array([*self.values, 0])[self.codes[0]]
        tiles = Int(value_bits).encode(weights).reshape(-1, pe, self.columns // simd, simd)
        words = tiles.transpose(0, 2, 1, 3).reshape(-1, pe * simd)
        parameters: dict[str, int | str] = {
            "MW": self.columns,
            "MH": self.rows,
            "PE": pe,
            "SIMD": simd,
            "IN_W": X.bits,
            "W_W": value_bits,
            "ACC_W": self.acc_bits,
            "STAGES": 1,
            "INIT_FILE": "weights.mem",
            "ROM_STYLE": "block",
        }
        files = {"weights.mem": mem_file(words, value_bits)}
        return _synthesise("bm_mvu", parameters, files, folder)

    def cycles(self, engine: str) -> int:
        """Cycles for a vector."""
        if engine == RAS:
            return max(self.lists.steps, self.columns // self.take)
        return self.rows * self.columns // (self.pe * self.simd)


TERNARY, PLAIN = (-23, 19), (-1, 1)
LAYERS = (
    Layer(PLAIN),
    Layer(TERNARY),
    Layer((-64, -32, -16, 16, 32, 63)),
    Layer(TERNARY, pe=4),
    Layer(TERNARY, pe=16, simd=2, scalers=2),
    Layer(TERNARY, pe=16, simd=4, scalers=4),
    Layer(TERNARY, rows=256, columns=784),
)


def _synthesise(
    cell: str, parameters: Mapping[str, int | str], files: Mapping[str, str], folder: Path
) -> Area:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    memories = [folder / name for name in files]
    return yosys.synthesise(CELLS, cell, parameters=parameters, memories=memories, dsp=False)


def lanes(text: str) -> Area:
    """Synthesise a module of 8 lanes."""
    top = text.split()[1]
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / f"{top}.sv"
        source.write_text(text, encoding="utf-8")
        return yosys.synthesise([*CELLS, source], top, dsp=False)


def lanes_table() -> Table:
    """Return what lanes cost without memories."""
    table = Table("8 lanes, inputs of 8 bits", "LUT", "FF", "LUT beside a sum")
    table.title = "an addition beside a product of 8 x 8 bits"
    ours = lanes(SUMMING)
    for name, area in (("sums of 16 bits", ours), ("products, summed", lanes(MULTIPLYING))):
        ratio = f"{area.lut_sites / ours.lut_sites:.1f}"
        table.add_row(name, str(area.lut_sites), str(area.ff), ratio)
    return table


def layers_table(areas: Mapping[tuple[Layer, str], Area]) -> Table:
    """Return what layers cost in LUT and cycles, by engine."""
    table = Table("values", "weights", "adders", "engine", "LUT", "FF", "BRAM18", "cycles", "idle")
    table.add_column("speed at equal LUT")
    table.title = f"layers of 8-bit inputs, {ZEROS:.0%} of the weights zero"
    for layer in LAYERS:
        costs = {e: areas[layer, e].lut_sites * layer.cycles(e) for e in (RAS, DENSE)}
        for engine in (RAS, DENSE):
            area = areas[layer, engine]
            blocks = area.bram18 + 2 * area.bram36
            idle = f"{1 - layer.lists.balance:.1%}" if engine == RAS else ""
            count = f"{layer.pe} x {layer.simd}"
            shown = (len(layer.values), f"{layer.rows} x {layer.columns}", count, engine)
            counts = (area.lut_sites, area.ff, blocks, layer.cycles(engine))
            gain = f"{costs[DENSE] / costs[engine]:.2f}"
            cells = map(str, (*shown, *counts, idle, gain))
            table.add_row(*cells, end_section=engine == DENSE)
    return table


def main() -> None:
    """Measure everything and print both tables."""
    jobs = [(layer, engine) for layer in LAYERS for engine in (RAS, DENSE)]
    with ThreadPoolExecutor(WORKERS) as pool:
        made = pool.map(lambda job: job[0].area(job[1]), jobs)
        areas = dict(zip(jobs, track(made, "synthesising", len(jobs), transient=True), strict=True))
    for table in (lanes_table(), layers_table(areas)):
        for column in table.columns[1:]:
            if column.header != "engine":
                column.justify = "right"
        Console(width=120).print(table)


if __name__ == "__main__":
    main()
