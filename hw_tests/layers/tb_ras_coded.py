"""Claims about generated layers with coded weights: few values, most of them zero."""

from bitmason.backends.layers.ras.coded import CodedView
from bitmason.ir import Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.windows import Windows
from hw_tests.layers.bench import Case, case, chain_case, layer_claims
from hw_tests.layers.tb_ras import QUINARY, TERNARY, weights_of

IMAGE = TensorType((3, 4, 4), UInt(3))
AROUND = Pad((1, 1), (1, 1))


def _folding(mmv: int = 1) -> Folding:
    return Folding(1, 1, "ras", "coded", mmv=mmv)


def _dense(
    name: str,
    x: IntType,
    values: tuple[int, ...],
    shape: tuple[int, ...],
    rows: int,
    zeros: float = 0.7,
    groups: int = 1,
    mmv: int = 1,
) -> Case:
    weights = weights_of(len(name), values, (rows, shape[-1] // groups), zeros)
    op = Dense(Const.integers(weights), Int(8), groups)
    return case(name, op, TensorType(shape, x), _folding(mmv))


def _conv(name: str, values: tuple[int, ...], zeros: float, groups: int = 1) -> Case:
    windows = Windows((3, 3), block=4 // groups)
    weights = weights_of(len(name), values, (6, 36 // groups), zeros)
    ops = [AROUND, windows, Dense(Const.integers(weights), Int(8), groups)]
    return chain_case(name, IMAGE, ops, _folding())


CASES = {
    "ternary": _dense("ternary", UInt(4), TERNARY, (24,), 8),
    "quinary": _dense("quinary", Int(4), QUINARY, (24,), 10),
    "one_value": _dense("one_value", Int(3), (7,), (16,), 5, zeros=0.9),
    "septenary": _dense("septenary", UInt(2), (-7, -5, -3, 1, 3, 5), (32,), 6, zeros=0.8),
    "nearly_empty": _dense("nearly_empty", UInt(8), TERNARY, (32,), 7, zeros=0.97),
    "slow_input": _dense("slow_input", UInt(2), TERNARY, (40,), 3, zeros=0.9),
    "few_inputs": _dense("few_inputs", UInt(2), TERNARY, (3,), 30, zeros=0.9),
    "grouped": _dense("grouped", UInt(3), TERNARY, (2, 24), 6, 0.9, groups=3),
    "lanes": _dense("lanes", UInt(3), TERNARY, (4, 12), 8, mmv=2),
    "conv": _conv("conv", TERNARY, 0.88),
    "conv_grouped": _conv("conv_grouped", TERNARY, 0.8, groups=2),
}

assert all(any(isinstance(e.view, CodedView) for e in c.design.layers) for c in CASES.values())

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
