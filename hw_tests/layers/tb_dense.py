"""Claims about generated dense layers: multipliers, selection by binary weights, all foldings."""

import numpy as np

from bitmason.ir import Bipolar, Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from hw_tests.layers.bench import Case, case, layer_claims, random_values


def _case(
    name: str,
    x: IntType,
    w: IntType,
    shape: tuple[int, ...],
    rows: int,
    folding: Folding,
    groups: int = 1,
) -> Case:
    weights = random_values(np.random.default_rng(len(name)), w, (rows, shape[-1] // groups))
    return case(name, Dense(Const.integers(weights), w, groups), TensorType(shape, x), folding)


CASES = {
    "folded": _case("folded", UInt(4), Int(4), (12,), 6, Folding(2, 3)),
    "serial": _case("serial", Int(3), Int(5), (7,), 5, Folding(1, 1)),
    "unfolded": _case("unfolded", UInt(2), Int(2, -1), (9,), 4, Folding(4, 9)),
    "all_rows": _case("all_rows", Int(8), UInt(3), (10,), 3, Folding(3, 2)),
    "all_columns": _case("all_columns", UInt(8), Int(8), (5,), 6, Folding(2, 5)),
    "dsp": _case("dsp", Int(6), Int(7), (8,), 4, Folding(2, 4, multipliers="dsp")),
    "block": _case("block", UInt(3), Int(3), (16,), 8, Folding(2, 4, memory="block")),
    "select": _case("select", UInt(4), Bipolar(), (12,), 6, Folding(3, 4)),
    "select_signed": _case("select_signed", Int(3), Bipolar(), (8,), 4, Folding(1, 8)),
    "select_bits": _case("select_bits", UInt(1), Bipolar(), (6,), 4, Folding(4, 2)),
    "one_bit": case(
        "one_bit",
        Dense(Const.integers(np.ones((2, 1), dtype=np.int64)), Bipolar()),
        TensorType((1,), UInt(1)),
        Folding(1, 1),
    ),
    "two_vectors": _case("two_vectors", UInt(4), Int(3), (2, 8), 4, Folding(2, 4)),
    "grouped": _case("grouped", UInt(4), Int(3), (2, 12), 6, Folding(1, 2), groups=3),
    "grouped_unfolded": _case("grouped_unfolded", Int(3), Int(3), (8,), 4, Folding(2, 4), 2),
    "grouped_select": _case("grouped_select", UInt(3), Bipolar(), (2, 6), 6, Folding(3, 1), 2),
    "grouped_block": _case(
        "grouped_block", UInt(2), Int(2), (3, 8), 8, Folding(2, 4, memory="block"), groups=2
    ),
    "lanes": _case("lanes", UInt(4), Int(3), (4, 6), 4, Folding(2, 3, mmv=2)),
    "lanes_unfolded": _case("lanes_unfolded", Int(3), Int(3), (3, 4), 3, Folding(3, 4, mmv=3)),
    "lanes_select": _case("lanes_select", UInt(3), Bipolar(), (2, 2, 6), 4, Folding(1, 2, mmv=2)),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
