"""Claims about generated Reduce-and-Scale layers: weights of few values, most of them zero."""

import numpy as np

from bitmason.ir import Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import IntArray
from hw_tests.layers.bench import Case, case, chain_case, layer_claims

IMAGE = TensorType((3, 4, 4), UInt(3))
AROUND = Pad((1, 1), (1, 1))
TERNARY, QUINARY = (-5, 3), (-9, -4, 4, 7)


def _folding(pe: int, simd: int, mmv: int = 1, memory: str = "") -> Folding:
    return Folding(pe, simd, "ras", memory, mmv=mmv)


def weights_of(
    seed: int, values: tuple[int, ...], shape: tuple[int, int], zeros: float
) -> IntArray:
    """Return weights of these values and a part of zeros; the first row is empty if any is."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(values, shape)
    drawn: IntArray = np.where(rng.random(shape) < zeros, 0, chosen)
    if zeros:
        drawn[0] = 0
    drawn[-1, -1] = values[0]
    return drawn


def dense(
    name: str,
    x: IntType,
    values: tuple[int, ...],
    shape: tuple[int, ...],
    rows: int,
    folding: Folding,
    zeros: float = 0.6,
    groups: int = 1,
) -> Case:
    """A product of random weights."""
    weights = weights_of(len(name), values, (rows, shape[-1] // groups), zeros)
    op = Dense(Const.integers(weights), Int(8), groups)
    return case(name, op, TensorType(shape, x), folding)


def conv(
    name: str, folding: Folding, values: tuple[int, ...], groups: int = 1, zeros: float = 0.6
) -> Case:
    """A convolution of 3 x 3 around each pixel."""
    windows = Windows((3, 3), block=4 // groups)
    weights = weights_of(len(name), values, (6, 36 // groups), zeros)
    ops = [AROUND, windows, Dense(Const.integers(weights), Int(8), groups)]
    return chain_case(name, IMAGE, ops, folding)


CASES = {
    "ternary": dense("ternary", UInt(4), TERNARY, (24,), 8, _folding(3, 1)),
    "quinary": dense("quinary", Int(4), QUINARY, (24,), 10, _folding(2, 2)),
    "binary": dense("binary", UInt(3), (-1, 2), (12,), 4, _folding(2, 3), zeros=0),
    "banks": dense("banks", UInt(2), TERNARY, (24,), 9, _folding(2, 6)),
    "one_value": dense("one_value", Int(3), (7,), (16,), 5, _folding(1, 1)),
    "eight_values": dense(
        "eight_values", UInt(2), (-7, -5, -3, -1, 1, 3, 5), (32,), 6, _folding(2, 2)
    ),
    "nearly_empty": dense("nearly_empty", UInt(4), TERNARY, (32,), 7, _folding(2, 1), zeros=0.97),
    "more_adders": dense("more_adders", UInt(2), TERNARY, (8,), 2, _folding(4, 2)),
    "one_input": dense("one_input", UInt(2), TERNARY, (1,), 3, _folding(1, 1), zeros=0),
    "block": dense("block", UInt(4), TERNARY, (40,), 12, _folding(4, 1, memory="block")),
    "grouped": dense("grouped", UInt(3), QUINARY, (2, 24), 6, _folding(1, 2), groups=3),
    "lanes": dense("lanes", UInt(3), TERNARY, (4, 12), 4, _folding(2, 2, mmv=2)),
    "conv": conv("conv", _folding(4, 1), TERNARY),
    "conv_banks": conv("conv_banks", _folding(2, 4), QUINARY),
    "conv_grouped": conv("conv_grouped", _folding(2, 2), TERNARY, groups=2),
}

assert all(any(layer.engine == "ras" for layer in one.design.layers) for one in CASES.values())

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
