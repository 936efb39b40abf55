"""What the 1-bit dot product costs on xc7 after yosys: a plain sum against the compressor trees.

Every figure is of a combinational unit. A LUT level is a LUT or a carry chain.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bitmason.toolchain import yosys
from bitmason.toolchain.netlist import Netlist
from bitmason.toolchain.yosys import Area

LIBRARY = Path(yosys.__file__).parents[1] / "templates" / "sv" / "lib"
POPCOUNT = [
    LIBRARY / f"{name}.sv"
    for name in (
        *("bm_delay", "bm_xnor_counter", "bm_bit_counter", "bm_compressor_tree"),
        "bm_xnor_popcount",
    )
]
PLACES = (49, 64, 128, 256, 784)
FORMS = ("plain sum", "generic", "xilinx")
WORKERS = 2

PLAIN_SUM = """
module plain_sum #(parameter int unsigned N = 8) (
  input  wire logic [N-1:0] w,
  input  wire logic [N-1:0] x,
  output logic [$clog2(N+1)-1:0] count
);
  always_comb begin
    count = '0;
    for (int unsigned i = 0; i < N; i++) count += ($clog2(N+1))'(w[i] == x[i]);
  end
endmodule
"""


def measure(run: tuple[int, str]) -> tuple[Area, int]:
    """Return the area and the LUT levels of one form at one size."""
    places, form = run
    with tempfile.TemporaryDirectory() as name:
        netlist = Path(name) / "netlist.json"
        if form == "plain sum":
            source = Path(name) / "plain_sum.sv"
            source.write_text(PLAIN_SUM, encoding="utf-8")
            top, files = "plain_sum", [source]
            parameters: dict[str, int | str] = {"N": places}
        else:
            top, files = "bm_xnor_popcount", POPCOUNT
            parameters = {"N": places, "TARGET": form}
        area = yosys.synthesise(files, top, parameters=parameters, netlist=netlist)
        return area, Netlist.load(netlist, top).levels


def main() -> None:
    """Measure and print all forms at all sizes."""
    table = Table("N", "form", "LUT", "LUT/bit", "CARRY4", "levels", title="1-bit dot product, xc7")
    for column in table.columns[2:]:
        column.justify = "right"
    runs = [(places, form) for places in PLACES for form in FORMS]
    with ThreadPoolExecutor(WORKERS) as pool:
        results = track(pool.map(measure, runs), "synthesising", len(runs), transient=True)
        for (places, form), (area, levels) in zip(runs, results, strict=True):
            per_bit = f"{area.lut / places:.2f}"
            cells = (str(places), form, str(area.lut), per_bit, str(area.carry), str(levels))
            table.add_row(*cells, end_section=form == FORMS[-1])
    Console().print(table)


if __name__ == "__main__":
    main()
