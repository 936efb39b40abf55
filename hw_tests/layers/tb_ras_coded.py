"""Claims about generated layers with coded weights: few values, most of them zero."""

from dataclasses import replace

from bitmason.backends.layers.ras.coded import CodedView
from bitmason.ir import Folding, Int, UInt
from hw_tests.layers.bench import layer_claims
from hw_tests.layers.tb_ras import QUINARY, TERNARY, conv, dense

FOLDING = Folding(1, 1, "ras", "coded")


CASES = {
    "ternary": dense("ternary", UInt(4), TERNARY, (24,), 8, FOLDING, 0.7),
    "quinary": dense("quinary", Int(4), QUINARY, (24,), 10, FOLDING, 0.7),
    "one_value": dense("one_value", Int(3), (7,), (16,), 5, FOLDING, 0.9),
    "septenary": dense("septenary", UInt(2), (-7, -5, -3, 1, 3, 5), (32,), 6, FOLDING, 0.8),
    "nearly_empty": dense("nearly_empty", UInt(8), TERNARY, (32,), 7, FOLDING, 0.97),
    "slow_input": dense("slow_input", UInt(2), TERNARY, (40,), 3, FOLDING, 0.9),
    "few_inputs": dense("few_inputs", UInt(2), TERNARY, (3,), 30, FOLDING, 0.9),
    "grouped": dense("grouped", UInt(3), TERNARY, (2, 24), 6, FOLDING, 0.9, groups=3),
    "lanes": dense("lanes", UInt(3), TERNARY, (4, 12), 8, replace(FOLDING, mmv=2), 0.7),
    "conv": conv("conv", FOLDING, TERNARY, zeros=0.88),
    "conv_grouped": conv("conv_grouped", FOLDING, TERNARY, zeros=0.8, groups=2),
}

assert all(any(isinstance(e.view, CodedView) for e in c.design.layers) for c in CASES.values())

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
