"""Claims about generated layers of unrolled Reduce-and-Scale: a matrix as adders, all at once."""

import numpy as np

from bitmason.backends.layers.ras.unrolled import UnrolledView
from bitmason.ir import Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import IntArray
from hw_tests.layers.bench import Case, chain_case, layer_claims

IMAGE = TensorType((3, 4, 4), UInt(3))
AROUND = Pad((1, 1), (1, 1))
TERNARY, QUINARY = (-5, 3), (-9, -4, 4, 7)


def weights_of(
    seed: int, values: tuple[int, ...], shape: tuple[int, int], zeros: float
) -> IntArray:
    """Return weights of these values, some of them zero.

    If any is, there are an empty row, one of a single entry, and two that are equal.
    """
    rng = np.random.default_rng(seed)
    drawn: IntArray = np.where(rng.random(shape) < zeros, 0, rng.choice(values, shape))
    if zeros and shape[0] > 3:
        drawn[:2] = 0
        drawn[1, shape[1] // 2] = values[0]
        drawn[3] = drawn[2]
    return drawn


def _folding(weights: IntArray, mmv: int) -> Folding:
    rows, columns = weights.shape
    return Folding(rows, columns, "ras", mmv=mmv)


def _dense(
    name: str,
    x: IntType,
    values: tuple[int, ...],
    shape: tuple[int, ...],
    rows: int,
    zeros: float = 0.6,
    mmv: int = 1,
    clock_mhz: float = 200.0,
) -> Case:
    weights = weights_of(len(name), values, (rows, shape[-1]), zeros)
    dense = Dense(Const.integers(weights), Int(8))
    folding = _folding(weights, mmv)
    return chain_case(name, TensorType(shape, x), [dense], folding, clock_mhz=clock_mhz)


def _conv(name: str, windows: Windows, values: tuple[int, ...], mmv: int = 1) -> Case:
    weights = weights_of(len(name), values, (6, 4 * windows.taps), 0.6)
    dense = Dense(Const.integers(weights), Int(8))
    return chain_case(name, IMAGE, [AROUND, windows, dense], _folding(weights, mmv))


CASES = {
    "ternary": _dense("ternary", UInt(4), TERNARY, (24,), 8),
    "plain": _dense("plain", Int(3), (-1, 1), (30,), 9, 0.4),
    "quinary": _dense("quinary", Int(4), QUINARY, (24,), 10),
    "binary": _dense("binary", UInt(3), (-1, 2), (12,), 4, 0),
    "one_value": _dense("one_value", Int(3), (7,), (16,), 5),
    "seven_values": _dense("seven_values", UInt(2), (-7, -5, -3, -1, 1, 3, 5), (32,), 6),
    "nearly_empty": _dense("nearly_empty", UInt(4), TERNARY, (64,), 7, 0.97),
    "one_input": _dense("one_input", UInt(2), TERNARY, (1,), 3, 0),
    "one_output": _dense("one_output", Int(5), QUINARY, (20,), 1),
    "bits": _dense("bits", UInt(1), (-1, 1), (40,), 8, clock_mhz=300),
    "slow_clock": _dense("slow_clock", UInt(4), TERNARY, (40,), 8, clock_mhz=25),
    "fast_clock": _dense("fast_clock", UInt(4), QUINARY, (40,), 8, clock_mhz=500),
    "pixels": _dense("pixels", UInt(3), TERNARY, (4, 12), 4),
    "lanes": _dense("lanes", UInt(3), TERNARY, (4, 12), 4, mmv=2),
    "conv": _conv("conv", Windows((3, 3), block=4), TERNARY),
    "conv_blocks": _conv("conv_blocks", Windows((3, 3), block=2), QUINARY),
    "conv_lanes": _conv("conv_lanes", Windows((3, 3), block=4), QUINARY, mmv=2),
    "conv_strided": _conv("conv_strided", Windows((3, 2), stride=(2, 2), block=4), TERNARY),
    "conv_points": _conv("conv_points", Windows((1, 1), stride=(2, 2), block=4), TERNARY),
}

for _one in CASES.values():
    assert any(isinstance(layer.view, UnrolledView) for layer in _one.design.layers)

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
