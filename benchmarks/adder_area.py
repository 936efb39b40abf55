"""What unrolled Reduce-and-Scale costs on xc7 after yosys, with and without shared sums.

Run as `python -m benchmarks.adder_area`. Beside them stands the engine `parallel` with a multiplier
for each weight, which does the same work in the same time. No unit may use DSP blocks.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bitmason.backends.layers.ras.adder_graph import AdderGraph, adder_graph
from bitmason.backends.packing import mem_file
from bitmason.backends.sv.ras import render_adders
from bitmason.ir.codebook import codebook_of
from bitmason.ir.ops.dense import product_type, stored_type
from bitmason.ir.types import Bipolar, Int, IntArray, UInt
from bitmason.toolchain import yosys
from bitmason.toolchain.yosys import Area

CELLS = sorted((Path(yosys.__file__).parents[1] / "templates" / "sv" / "lib").glob("bm_*.sv"))
INPUT = UInt(4)
BETWEEN = 2  # adders from one register to the next
STAGES = 3  # registers in the dot products of `parallel`
FORMS = ("parallel", "adders", "shared adders")
MOST_PRODUCTS = 1024  # of `parallel`: yosys takes many minutes for more


@dataclass(frozen=True)
class Matrix:
    """Random weights, each value as likely as any other, some of them zero."""

    rows: int
    columns: int
    values: tuple[int, ...]
    zeros: float

    @property
    def weights(self) -> IntArray:
        """The weights, the same ones every time."""
        rng = np.random.default_rng(0)
        size = (self.rows, self.columns)
        chosen = rng.choice(np.array(self.values), size)
        return np.where(rng.random(size) < self.zeros, 0, chosen).astype(np.int64)


MATRICES = (
    Matrix(12, 48, (-1, 1), 0.37),
    Matrix(12, 48, (-1, 1), 0.63),
    Matrix(12, 48, (-1, 1), 0.89),
    Matrix(12, 48, (-23, 19), 0.63),
    Matrix(12, 48, (-23, -7, 7, 23), 0.63),
    Matrix(32, 72, (-1, 1), 0.63),
)


def graph_of(matrix: Matrix, form: str) -> AdderGraph:
    """Return the adders of a matrix."""
    book = codebook_of(matrix.weights)
    assert book is not None
    return adder_graph(book, INPUT, shared=form == "shared adders")


def measure(matrix: Matrix, form: str) -> Area:
    """Synthesise a matrix in one of its forms."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if form == "parallel":
            return _parallel(matrix, folder)
        bits = product_type(matrix.weights, INPUT).bits
        source = folder / "adders.sv"
        text = render_adders(graph_of(matrix, form), "adders", out_bits=bits, between=BETWEEN)
        source.write_text(text, encoding="utf-8")
        return yosys.synthesise([source], "adders", dsp=False)


def _parallel(matrix: Matrix, folder: Path) -> Area:
    """Synthesise a `bm_mvu` with a product for each weight."""
    weights = matrix.weights
    elem = stored_type(weights)
    assert not isinstance(elem, Bipolar)
    memory = folder / "weights.mem"
    memory.write_text(mem_file(elem.encode(weights).reshape(1, -1), elem.bits))
    parameters: dict[str, int | str] = {
        "MW": matrix.columns,
        "MH": matrix.rows,
        "PE": matrix.rows,
        "SIMD": matrix.columns,
        "IN_W": INPUT.bits,
        "W_W": elem.bits,
        "W_SIGNED": int(isinstance(elem, Int)),
        "ACC_W": product_type(weights, INPUT).bits,
        "STAGES": STAGES,
        "INIT_FILE": memory.name,
        "ROM_STYLE": "logic",
    }
    return yosys.synthesise(CELLS, "bm_mvu", parameters=parameters, memories=[memory], dsp=False)


def main() -> None:
    """Measure all matrices in all forms and print the table."""
    table = Table("matrix", "values", "zeros", "form", "adders", "bits", title="unrolled, xc7")
    for header in ("LUT", "FF", "LUT/non-zero"):
        table.add_column(header)
    for column in (*table.columns[2:3], *table.columns[4:]):
        column.justify = "right"
    runs = [
        (matrix, form)
        for matrix in MATRICES
        for form in FORMS
        if form != "parallel" or matrix.weights.size <= MOST_PRODUCTS
    ]
    for matrix, form in track(runs, "synthesising", transient=True):
        area = measure(matrix, form)
        entries = np.count_nonzero(matrix.weights)
        zeros = f"{1 - entries / matrix.weights.size:.0%}"
        values = ", ".join(map(str, matrix.values))
        cells = [f"{matrix.rows} x {matrix.columns}", values, zeros, form]
        if form == "parallel":
            cells += ["", ""]
        else:
            graph = graph_of(matrix, form)
            cells += [str(len(graph.adders)), str(graph.adder_bits)]
        cells += [str(area.lut_sites), str(area.ff + area.srl), f"{area.lut_sites / entries:.2f}"]
        table.add_row(*cells, end_section=form == FORMS[-1])
    table.caption = f"inputs of type {INPUT}, at most {BETWEEN} adders between registers"
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
