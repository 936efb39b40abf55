"""How small coded weights are, and what it takes to decode them.

Run as `python -m benchmarks.weight_coding`. The weights are random, each for itself, so that the
least size is known: the entropy of the gaps and that of the values. Sizes are those of whole files,
tables and checksums included. Areas are those of yosys for xc7.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bitmason.coding import Coded, CodeTable, decode, encode, encode_layer, frequencies, table_for
from bitmason.coding.huffman import code_lengths
from bitmason.ir.codebook import Codebook
from bitmason.toolchain import yosys
from bitmason.toolchain.yosys import Area

CELLS = sorted((Path(yosys.__file__).parents[1] / "templates" / "sv" / "lib").glob("bm_*.sv"))
SHAPES = ((256, 784), (256, 256), (256, 256), (10, 256))  # 334,336 weights
ZEROS = (0.58, 0.63, 0.71, 0.89, 0.97)
CLASSES = {"ternary": 2, "quinary": 4, "septenary": 6}
ROWS, COLUMNS = 64, 576  # of the layer of the areas

WORDS = "input wire logic [15:0] s_axis_tdata, input wire logic s_axis_tlast"
HANDSHAKES = (
    "input wire logic clk, rst, s_axis_tvalid, m_axis_tready, "
    "output wire logic s_axis_tready, m_axis_tvalid, m_axis_tlast"
)


def network(zeros: float, classes: int = 2) -> list[Codebook]:
    """Return layers with that part of zeros, all other values alike."""
    rng = np.random.default_rng(0)
    values = tuple(v for v in range(-(classes // 2), classes // 2 + 1) if v)
    return [
        Codebook(values, np.where(rng.random(s) < zeros, -1, rng.integers(0, classes, s)))
        for s in SHAPES
    ]


def entropy(p: float) -> float:
    """Return the entropy of a weight being none, in bits."""
    return float(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))


def sizes() -> Table:
    """Return the sizes of networks, beside their bound, dense codes and numbers of 32 bits."""
    header = ("weights", "zeros", "bits/weight", "gap entropy + code", "over it", "kB", "dense kB")
    table = Table(*header, "float32 kB", "smaller by", "tables", title="coded weights")
    for name, classes in CLASSES.items():
        for zeros in ZEROS:
            layers = network(zeros, classes)
            coded = encode(layers)
            dense = Coded(tuple(encode_layer(layer, None) for layer in layers))
            count = sum(layer.codes.size for layer in layers)
            bound = entropy(zeros) + (1 - zeros) * np.log2(classes)
            each = coded.bits / count
            cells = (f"{each:.3f}", f"{bound:.3f}", f"{100 * (each / bound - 1):.1f} %")
            kilobytes = [f"{bits / 8000:,.1f}" for bits in (coded.bits, dense.bits, 32 * count)]
            factor = f"{32 * count / coded.bits:.1f}"
            table.add_row(
                *(name, f"{zeros:.0%}", *cells, *kilobytes, factor, str(len(coded.tables))),
                end_section=zeros == ZEROS[-1],
            )
    return table


def speed() -> str:
    """Return how long a file takes to write and to read."""
    layers = network(0.63)
    start = time.perf_counter()
    data = encode(layers).data
    written = time.perf_counter()
    decode(data)
    read = time.perf_counter()
    count = sum(layer.codes.size for layer in layers)
    return (
        f"{count:,} weights: encoded in {written - start:.2f} s, decoded in {read - written:.2f} s"
    )


def sized(zeros: float, symbols: int) -> CodeTable:
    """Return the table of an alphabet in which each symbol has a code, at most 12 bits long."""
    counts = frequencies(network(zeros)[0])[symbols - 3]
    return CodeTable(code_lengths(np.maximum(counts, 1).tolist()))


def synthesise(cell: str, parameters: str, ports: str) -> Area:
    """Return the area of a cell with parameters that are wider than a tool takes by name."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name) / "measured.sv"
        top.write_text(
            f"module measured ({HANDSHAKES}, {ports});\n  {cell} #({parameters}) u_cell (.*);\n"
            "endmodule\n"
        )
        return yosys.synthesise([top, *CELLS], "measured")


def decoder(table: CodeTable, code_bits: int) -> Area:
    """Return the area of a decoder alone."""
    size = len(table.lengths)
    width = (size - 1).bit_length() + code_bits
    out = f"output wire logic [{width - 1}:0] m_axis_tdata, output wire logic code_error"
    return synthesise("bm_huffman_decoder", _code(table, code_bits), f"{WORDS}, {out}")


def reader(table: CodeTable, code_bits: int) -> Area:
    """Return the area of a decoder with the checksum, columns and rows."""
    width = 2 + (COLUMNS - 1).bit_length() + code_bits
    out = f"output wire logic [{width - 1}:0] m_axis_tdata, output wire logic stream_error"
    size = f", .ROWS({ROWS}), .COLUMNS({COLUMNS}), .SEED(32'h12345678)"
    return synthesise("bm_weight_reader", _code(table, code_bits) + size, f"{WORDS}, {out}")


def _code(table: CodeTable, code_bits: int) -> str:
    lengths = f"128'h{table.packed:x}"
    return f".SYMBOLS({len(table.lengths)}), .LENGTHS({lengths}), .CODE_W({code_bits})"


def areas() -> Table:
    """Return the areas of decoders for several tables, and of a reader."""
    table = Table(
        "cell", "symbols", "longest code", "code bits", "LUT", "FF", title="decoders, xc7"
    )
    best = table_for([frequencies(network(0.63)[0])])
    for code, code_bits in (
        *((sized(0.63, symbols), 1) for symbols in (8, 16, 32)),
        (sized(0.89, 32), 1),
        (sized(0.89, 32), 2),
        (best, 1),
    ):
        area = decoder(code, code_bits)
        cells = (len(code.lengths), code.most, code_bits, area.lut_sites, area.ff)
        table.add_row("bm_huffman_decoder", *map(str, cells))
    code = sized(0.63, 32)
    area = reader(code, 1)
    cells = (len(code.lengths), code.most, 1, area.lut_sites, area.ff)
    table.add_row(f"bm_weight_reader, {ROWS} x {COLUMNS}", *map(str, cells))
    return table


def main() -> None:
    """Print sizes, speed and areas."""
    console = Console(width=120)
    console.print(sizes())
    console.print(speed())
    console.print(areas())


if __name__ == "__main__":
    main()
