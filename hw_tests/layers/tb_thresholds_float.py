"""Claims about generated thresholds layers that are built as a compressor."""

from fractions import Fraction

import numpy as np

from bitmason.ir import Builder, Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.real import Clip
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.passes.tabulate import Tabulate
from hw_tests.layers.bench import Case, case, layer_claims
from hw_tests.layers.cases import LOC

E4M3 = CustomFloat(4, 3, 7, subnormals=True, largest=0x7E)
E3M2 = CustomFloat(3, 2, 3, full=True, subnormals=True)
PLAIN = CustomFloat(4, 3, 3)


def _rounding(
    x: TensorType, format_: CustomFloat, mode: str, power: int, offsets: list[int], lowest: int
) -> Thresholds:
    """Return the steps of rounding `x`, in 2**power, with offsets in quarters of that."""
    builder, unit = Builder("net"), Fraction(2) ** power
    scaled = Dequantise((unit,), tuple(offset * unit / 4 for offset in offsets))
    value = builder.input("x", x, LOC)
    for op in (scaled, Clip(lowest, None), QuantiseFloat(Const(np.float32(1)), format_, mode)):
        value = builder.add(op, [value], LOC)
    (node,) = Tabulate().run(builder.finish([value])).nodes
    assert isinstance(node.op, Thresholds)
    return node.op


def _case(
    name: str,
    format_: CustomFloat,
    mode: str,
    folding: Folding,
    *,
    power: int = -6,
    offsets: list[int],
    x: IntType | None = None,
    lowest: int = -1000,
    pixels: int = 1,
) -> Case:
    type_ = TensorType((pixels, len(offsets)), x or Int(12))
    op = _rounding(type_, format_, mode, power, offsets, lowest)
    return case(name, op, type_, folding)


def _folding(pe: int, lanes: int = 1, memory: str = "") -> Folding:
    return Folding(pe, 1, "compressor", memory, mmv=lanes)


CASES = {
    "nearest": _case("nearest", E4M3, NEAREST, _folding(2), offsets=[0, 37, -3001, 2]),
    "coarse": _case("coarse", E3M2, NEAREST, _folding(3), offsets=[1, 2, 3]),
    "coarse_cut": _case("coarse_cut", E3M2, TRUNCATE, _folding(2), power=-4, offsets=[0, 40]),
    "plain": _case("plain", PLAIN, NEAREST, _folding(2), offsets=[5, 0, -70, 8]),
    "plain_cut": _case("plain_cut", PLAIN, TRUNCATE, _folding(1), offsets=[0, 4]),
    "positive": _case("positive", PLAIN, TRUNCATE, _folding(2), offsets=[3, -800], lowest=0),
    "no_mantissa": _case(
        "no_mantissa",
        CustomFloat(4, 0, 7),
        NEAREST,
        _folding(2),
        power=-7,
        offsets=[0, 4],
        x=Int(6),
        pixels=8,
    ),
    # Every other sum lies between two numbers.
    "ties": _case(
        "ties", E4M3, NEAREST, _folding(2), power=-10, offsets=[0, 4], x=Int(6), pixels=8
    ),
    "from_unsigned": _case(
        "from_unsigned", E4M3, NEAREST, _folding(2), offsets=[-2000, 6], x=UInt(11)
    ),
    "far": _case("far", PLAIN, NEAREST, _folding(1), power=-5, offsets=[3000, -2999], x=Int(9)),
    "lanes": _case("lanes", E4M3, NEAREST, _folding(1, 2, "block"), offsets=[0, 37, -9], pixels=4),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
