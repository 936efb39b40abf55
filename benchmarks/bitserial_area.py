"""What bit-serial products cost on xc7 after yosys, beside products of whole numbers.

Run as `python -m benchmarks.bitserial_area`. All units multiply vectors of 1024 elements by 4 rows
of weights in turn for each PE. Everything is counted but the weights, which lie in block RAM; no
unit may use DSP blocks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bitmason.toolchain import yosys
from bitmason.toolchain.yosys import Area

CELLS = sorted((Path(yosys.__file__).parents[1] / "templates" / "sv" / "lib").glob("bm_*.sv"))
COLUMNS = 1024
FOLDS = 4
STAGES = 2
MOST = 8  # bits on both sides that a unit with run-time precision is built for
WORKERS = 2

Parameters = Mapping[str, int | str]


@dataclass(frozen=True)
class Unit:
    """A matrix-vector unit for numbers of that many bits on both sides."""

    pe: int
    simd: int
    bits: int
    serial: bool = True
    run_time: bool = False

    @property
    def name(self) -> str:
        """The first cell of its line."""
        engine = "bit-serial" if self.serial else "parallel"
        return f"{engine}, run time" if self.run_time else engine

    @property
    def parameters(self) -> Parameters:
        """What the cell is asked for, but for its weights."""
        shape = {"MW": COLUMNS, "MH": self.pe * FOLDS, "PE": self.pe, "SIMD": self.simd}
        widths = {"IN_W": self.bits, "W_W": self.bits}
        acc_bits = 2 * self.bits + COLUMNS.bit_length() - 1
        common: Parameters = {
            "ACC_W": acc_bits,
            "STAGES": STAGES,
            "TARGET": "xilinx",
            "ROM_STYLE": "block",
        }
        if not self.serial:
            return {**shape, **widths, **common, "ENGINE": "parallel"}
        knobs = {"RUN_TIME": int(self.run_time), "KNOB_W": MOST.bit_length()}
        # As few elements per beat as keep the unit busy, with a single plane of the weights too.
        taken = self.simd // FOLDS if self.run_time else self.simd // (FOLDS * self.bits)
        return {**shape, **widths, **common, **knobs, "TAKE": taken}

    @property
    def weights(self) -> tuple[int, int]:
        """Words of the weight memory, and bits of one."""
        words, width = FOLDS * COLUMNS // self.simd, self.pe * self.simd
        return (words * self.bits, width) if self.serial else (words, width * self.bits)

    def cycles_per_mac(self, bits: int) -> float:
        """Cycles for one product of numbers of that many bits, of which many are made at once."""
        return (bits**2 if self.serial else 1) / (self.pe * self.simd)


GOALS = tuple(Unit(pe, 256, MOST, run_time=True) for pe in (1, 4, 8, 16))
PAIRS = tuple(
    unit for bits in (1, 2, 4, 8) for unit in (Unit(4, 256, bits), Unit(4, 32, bits, serial=False))
)


def measure(unit: Unit) -> Area:
    """Synthesise a unit with random weights."""
    cell = "bm_mvu_bitserial" if unit.serial else "bm_mvu"
    words, width = unit.weights
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        memory = Path(name) / "weights.mem"
        memory.write_text("".join(f"{rng.bytes(width // 8).hex()}\n" for _ in range(words)))
        parameters = {**unit.parameters, "INIT_FILE": memory.name}
        return yosys.synthesise(CELLS, cell, parameters=parameters, memories=[memory], dsp=False)


def goals(areas: Mapping[Unit, Area]) -> Table:
    """Return what a unit for up to 8 x 8 bits at run time costs."""
    table = Table("PE", "SIMD", "LUT", "LUT in memory", "FF", "LUT/PE", "LUT per binary op")
    table.title = f"bit-serial units for up to {MOST} x {MOST} bits, chosen at run time"
    for unit in GOALS:
        area = areas[unit]
        each = area.lut_sites / unit.pe
        numbers = (area.lut_sites, area.lut_sites - area.lut - area.srl, area.ff, round(each))
        cells = [str(number) for number in (unit.pe, unit.simd, *numbers)]
        table.add_row(*cells, f"{each / (2 * unit.simd):.2f}")
    first, last = GOALS[0], GOALS[-1]
    more = (areas[last].lut_sites - areas[first].lut_sites) / (last.pe - first.pe)
    table.caption = f"one PE more: {more:.0f} LUT, {more / (2 * last.simd):.2f} per binary op"
    return table


def comparison(areas: Mapping[Unit, Area]) -> Table:
    """Return what a product costs in LUT and cycles, by bits and engine."""
    table = Table("bits", "engine", "PE", "SIMD", "LUT", "FF", "cycles/MAC", "LUT x cycles/MAC")
    table.title = "products of w = a bits"
    widest = next(unit for unit in GOALS if unit.pe == PAIRS[0].pe)
    for bits in (1, 2, 4, 8):
        units = [widest, *(unit for unit in PAIRS if unit.bits == bits)]
        for unit in units:
            area, cycles = areas[unit], unit.cycles_per_mac(bits)
            cost = f"{area.lut_sites * cycles:.1f}"
            numbers = (unit.pe, unit.simd, area.lut_sites, area.ff)
            cells = (str(bits), unit.name, *map(str, numbers), f"{cycles:.4f}", cost)
            table.add_row(*cells, end_section=unit is units[-1])
    return table


def main() -> None:
    """Measure all units and print both tables."""
    units = (*GOALS, *PAIRS)
    with ThreadPoolExecutor(WORKERS) as pool:
        results = track(pool.map(measure, units), "synthesising", len(units), transient=True)
        areas = dict(zip(units, results, strict=True))
    for table in (goals(areas), comparison(areas)):
        for column in table.columns:
            if column.header != "engine":
                column.justify = "right"
        Console(width=110).print(table)


if __name__ == "__main__":
    main()
