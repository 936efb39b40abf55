"""What layers cost after yosys synth_xilinx, beside the estimates that folding goes by.

Run as `python -m benchmarks.layer_area`, with a part of their names for some rows only. The
estimates are meant to rank foldings, so what counts is that the ratio stays near one over engines
and sizes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bitmason.backends.dataflow import build_design
from bitmason.backends.design import Design, Layer, chain_of
from bitmason.backends.layers import Site, planner_of
from bitmason.backends.layers.engines import RAS
from bitmason.backends.sv import emit_sv
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import Loc
from bitmason.ir import (
    Bipolar,
    Builder,
    Const,
    Folding,
    Int,
    IntType,
    Op,
    TensorType,
    UInt,
    int_type,
)
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.float_link import PATTERN, Compress, Decompress
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.words import BYTE, Pack, Unpack, packed_bytes
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.rounding import Rounding
from bitmason.toolchain import yosys

LOC = Loc("bench")
Made = tuple[Design, Layer]


def dense(x: IntType, w: IntType, rows: int, columns: int) -> tuple[Op, TensorType]:
    """Return a product of random weights."""
    rng = np.random.default_rng(0)
    binary = isinstance(w, Bipolar)
    values = (
        rng.choice([-1, 1], (rows, columns))
        if binary
        else rng.integers(w.lo, w.hi + 1, (rows, columns))
    )
    weights = Const.integers(values)
    both = binary and isinstance(x, Bipolar)
    return (XnorPopcount(weights) if both else Dense(weights, w)), TensorType((columns,), x)


def sparse(values: tuple[int, ...], rows: int, columns: int) -> tuple[Op, TensorType]:
    """Return a product of few values with inputs of 8 bits, 63 % of its weights zero."""
    rng = np.random.default_rng(0)
    zero = rng.random((rows, columns)) < 0.63
    weights = np.where(zero, 0, rng.choice(values, (rows, columns)))
    return Dense(Const.integers(weights), Int(8)), TensorType((columns,), UInt(8))


def thresholds(bits: int, channels: int, steps: int) -> tuple[Op, TensorType]:
    """Return random ascending thresholds."""
    rng = np.random.default_rng(0)
    x = Int(bits)
    table = np.sort(rng.integers(x.lo, x.hi, (channels, steps)), axis=1)
    op = Thresholds(Const.integers(table), Const(np.zeros(channels, bool)), 0, int_type(0, steps))
    return op, TensorType((channels,), x)


def depthwise(channels: int, taps: int) -> tuple[Op, TensorType]:
    """Return a product of random weights for each channel of a pixel."""
    weights = np.random.default_rng(0).integers(-8, 8, (channels, taps))
    op = Depthwise(Const.integers(weights), Int(4), block=4)
    return op, TensorType((1, 1, channels * taps), UInt(4))


def float_dense(form: CustomFloat, rows: int, columns: int) -> tuple[Op, TensorType]:
    """Return a product of ranks with weights of the same format, as trained networks have them."""
    values = np.random.default_rng(0).normal(0, 0.25, (rows, columns))
    weights = Const.integers(form.fixed(form.ranks(values, NEAREST)))
    return Dense(weights, form.fixed_type, ranks=form), TensorType((columns,), form.rank_type)


def float_thresholds(
    form: CustomFloat, bits: int, fraction: int, channels: int, lowest: int = 0
) -> tuple[Op, TensorType]:
    """Return rounding to ranks of `lowest` or more; sums have `fraction` bits below the unit."""
    ranks = np.arange(lowest + 1, form.top + 1)
    turns = form.turns(NEAREST)[ranks + form.top - 1] / float(form.unit) * 2**fraction
    offsets = np.random.default_rng(0).integers(-(2 ** (bits - 8)), 2 ** (bits - 8), (channels, 1))
    table = turns.astype(np.int64) + ranks % 2 - offsets  # ties go to even ranks
    out = int_type(lowest, form.top)
    op = Thresholds(Const.integers(table), Const(np.zeros(channels, bool)), lowest, out)
    return op, TensorType((channels,), Int(bits))


def expand(form: CustomFloat, *, signed: bool = True) -> tuple[Op, TensorType]:
    """Return ranks to fixed point."""
    return Expand(form), TensorType((64,), int_type(-form.top if signed else 0, form.top))


def compress(form: CustomFloat, rounding: Rounding) -> tuple[Op, TensorType]:
    """Return float32 to ranks."""
    return Compress(form, rounding), TensorType((64,), PATTERN)


def decompress(form: CustomFloat, *, signed: bool = True) -> tuple[Op, TensorType]:
    """Return ranks to float32."""
    return Decompress(form), TensorType((64,), int_type(-form.top if signed else 0, form.top))


def pack(bits: int, size: int, word: int) -> tuple[Op, TensorType]:
    """Return elements to words of `word` bytes."""
    return Pack(Int(bits), word), TensorType((size,), Int(bits))


def unpack(bits: int, size: int, word: int) -> tuple[Op, TensorType]:
    """Return words of `word` bytes to elements."""
    packed = packed_bytes(TensorType((size,), Int(bits)), word)
    return Unpack(Int(bits), (size,), word), TensorType((packed,), BYTE)


def alone(case: tuple[Op, TensorType], folding: Folding) -> Made:
    """Return the layer of an operation in a design of its own."""
    op, source = case
    builder = Builder("bench")
    x = builder.input("x", source, LOC)
    y = builder.add(op, [x], LOC, "layer")
    graph = builder.finish([y])
    (node,) = graph.nodes
    layer = planner_of(node).plan(Site(node, (source,)), folding)
    return Design("bench", graph, x, (y,), (layer,), chain_of((layer,))), layer


def windows(image: TensorType, size: int, folding: LayerConfig) -> Made:
    """Return the window generator in front of a convolution with this folding."""
    builder = Builder("bench")
    x = builder.input("x", image, LOC)
    channels = image.shape[-1]
    made = builder.add(Windows((size, size), block=channels), [x], LOC, "windows")
    op, _ = dense(image.int_elem, Int(4), 8, size * size * channels)
    design = build_design(
        builder.finish([builder.add(op, [made], LOC, "conv")]), Config(layers={"conv": folding})
    )
    return design, next(layer for layer in design.layers if layer.name == "windows")


XNOR = dense(Bipolar(), Bipolar(), 64, 784)
TERNARY, QUINARY = (-59, 52), (-42, -20, 19, 37)
COMPARE, SEARCH = Folding(4, engine="comparators"), Folding(4, engine="search")
IMAGE = TensorType((28, 28, 16), UInt(4))
COMPRESS = Folding(4, engine="compressor")
NUMBERS, CODES = (Folding(4, 8, engine, "block", "dsp") for engine in ("parallel", "minifloat"))
E4M3 = CustomFloat(4, 3, 7, subnormals=True, largest=0x7E)
E3M2 = CustomFloat(3, 2, 3, full=True, subnormals=True)
LINK = CustomFloat(4, 3, 7)
SIGNED = float_thresholds(E4M3, 36, 9, 64, -E4M3.top)
CASES: tuple[tuple[str, Made], ...] = (
    ("TFC layer 1, xnor (16,49)", alone(XNOR, Folding(16, 49))),
    ("TFC layer 2, xnor (8,8)", alone(dense(Bipolar(), Bipolar(), 64, 64), Folding(8, 8))),
    ("select, 4-bit inputs (4,16)", alone(dense(UInt(4), Bipolar(), 64, 64), Folding(4, 16))),
    ("parallel 2 x 2 bits (4,16)", alone(dense(UInt(2), Int(2, -1), 64, 64), Folding(4, 16))),
    ("parallel 4 x 4 bits (4,16)", alone(dense(UInt(4), Int(4), 64, 64), Folding(4, 16))),
    ("parallel 8 x 8 bits, DSP (2,4)", alone(dense(UInt(8), Int(8), 64, 64), Folding(2, 4))),
    ("ternary, listed (6,4)", alone(sparse(TERNARY, 64, 288), Folding(6, 4, RAS))),
    ("ternary, listed (16,1)", alone(sparse(TERNARY, 64, 576), Folding(16, 1, RAS))),
    ("quinary, listed (4,4)", alone(sparse(QUINARY, 64, 288), Folding(4, 4, RAS))),
    ("ternary, loaded (2,8)", alone(sparse(TERNARY, 64, 576), Folding(2, 8, RAS, "loaded"))),
    ("ternary, coded", alone(sparse(TERNARY, 128, 1024), Folding(1, 1, RAS, "coded"))),
    ("quinary, coded", alone(sparse(QUINARY, 64, 576), Folding(1, 1, RAS, "coded"))),
    ("ternary, unrolled", alone(sparse(TERNARY, 16, 72), Folding(16, 72, RAS))),
    ("thresholds, 15 steps of 12 bits, PE 4", alone(thresholds(12, 64, 15), COMPARE)),
    ("the same by search", alone(thresholds(12, 64, 15), SEARCH)),
    ("255 steps of 16 bits by search, PE 4", alone(thresholds(16, 64, 255), SEARCH)),
    ("argmax of 10, 12 bits", alone((ArgMax(), TensorType((10,), Int(12))), Folding(1))),
    ("depthwise, 9 taps of 4 bits, PE 4", alone(depthwise(128, 9), Folding(4, 9))),
    ("3 x 3 windows, 4 channels of 4 bits", windows(IMAGE, 3, LayerConfig(pe=1, simd=4))),
    ("the same, all taps at once", windows(IMAGE, 3, LayerConfig(pe=1, simd=36))),
    ("the same, 2 pixels side by side", windows(IMAGE, 3, LayerConfig(pe=1, simd=144, mmv=2))),
    ("E4M3 to fixed point, PE 4", alone(expand(E4M3), Folding(4))),
    ("E4M3, never negative, PE 4", alone(expand(E4M3, signed=False), Folding(4))),
    ("E3M2 to fixed point, PE 4", alone(expand(E3M2), Folding(4))),
    ("E4M3 x E4M3 (4,8)", alone(float_dense(E4M3, 64, 64), NUMBERS)),
    ("E4M3 x E4M3, weights as codes (4,8)", alone(float_dense(E4M3, 64, 64), CODES)),
    ("E3M2 x E3M2 (4,8)", alone(float_dense(E3M2, 64, 64), NUMBERS)),
    ("24 bits to E4M3, PE 4, compressor", alone(float_thresholds(E4M3, 24, 4, 64), COMPRESS)),
    ("24 bits to E4M3, PE 4, search", alone(float_thresholds(E4M3, 24, 4, 64), SEARCH)),
    ("36 bits to E4M3 and sign, compressor", alone(SIGNED, COMPRESS)),
    ("36 bits to E4M3 and sign, search", alone(SIGNED, SEARCH)),
    ("20 bits to E3M2, PE 4, compressor", alone(float_thresholds(E3M2, 20, 4, 64), COMPRESS)),
    ("20 bits to E3M2, PE 4, search", alone(float_thresholds(E3M2, 20, 4, 64), SEARCH)),
    ("float32 to E4M3, cut off, PE 4", alone(compress(LINK, TRUNCATE), Folding(4))),
    ("float32 to E4M3, to nearest, PE 4", alone(compress(LINK, NEAREST), Folding(4))),
    ("E4M3 to float32, PE 4", alone(decompress(LINK), Folding(4))),
    ("E4M3 to float32, never negative", alone(decompress(LINK, signed=False), Folding(4))),
    ("beats of 4 bytes as words of 8", alone(pack(8, 64, 8), Folding(4))),
    ("words of 8 bytes as beats of 4", alone(unpack(8, 64, 8), Folding(4))),
    ("beats of 24 bits as words of 32", alone(pack(6, 20, 4), Folding(4))),
    ("words of 32 bits as beats of 24", alone(unpack(6, 20, 4), Folding(4))),
    ("beats of 7 bits as words of 32", alone(pack(7, 10, 4), Folding(1))),
    ("words of 32 bits as beats of 7", alone(unpack(7, 10, 4), Folding(1))),
)


def main() -> None:
    """Synthesise every case and print one table."""
    table = Table(
        "layer", "LUT", "estimate", "ratio", "FF", "estimate", "DSP", "BRAM18", "estimate"
    )
    wanted = [case for case in CASES if all(part in case[0] for part in sys.argv[1:])]
    for name, (design, layer) in wanted:
        area = _area(design, f"bench_{layer.name}")
        guess = layer.resources
        blocks = area.bram18 + 2 * area.bram36
        ratio = f"{area.lut_sites / max(1, guess.lut):.2f}"
        counts = (area.ff, guess.ff, area.dsp, blocks, guess.bram18)
        table.add_row(name, str(area.lut_sites), str(guess.lut), ratio, *map(str, counts))
    Console(width=130).print(table)


def _area(design: Design, module: str) -> yosys.Area:
    emitted = emit_sv(design)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lib").mkdir()
        for path, text in (*emitted.sources.items(), *emitted.memories.items()):
            (folder / path).write_text(text)
        sources = [folder / path for path in emitted.sources if path.endswith(".sv")]
        memories = [folder / path for path in emitted.memories]
        return yosys.synthesise(sources, module, memories=memories)


if __name__ == "__main__":
    main()
