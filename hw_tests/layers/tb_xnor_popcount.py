"""Claims about generated xnor_popcount layers."""

import numpy as np

from bitmason.ir import Bipolar, Const, Folding, TensorType
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from hw_tests.layers.bench import Case, case, layer_claims, random_values


def _case(
    name: str,
    columns: int,
    rows: int,
    folding: Folding,
    pixels: int = 1,
    groups: int = 1,
    **options: object,
) -> Case:
    weights = random_values(np.random.default_rng(columns), Bipolar(), (rows, columns))
    op = XnorPopcount(Const.integers(weights), groups)
    return case(name, op, TensorType((pixels, columns * groups), Bipolar()), folding, **options)


CASES = {
    "folded": _case("folded", 98, 16, Folding(4, 49)),
    "serial": _case("serial", 5, 3, Folding(1, 1)),
    "unfolded": _case("unfolded", 64, 10, Folding(10, 64)),
    "all_rows": _case("all_rows", 63, 4, Folding(4, 9)),
    "fast_clock": _case("fast_clock", 65, 4, Folding(2, 65), clock_mhz=500.0),
    "xilinx": _case("xilinx", 32, 6, Folding(3, 16), target="xilinx"),
    "grouped": _case("grouped", 9, 8, Folding(2, 3), pixels=2, groups=2),
    "lanes": _case("lanes", 12, 4, Folding(2, 6, mmv=2), pixels=4),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
