"""Claims about generated thresholds layers, both engines."""

import numpy as np

from bitmason.ir import Bipolar, Const, Folding, Int, IntType, TensorType, UInt, int_type
from bitmason.ir.ops.thresholds import Thresholds
from hw_tests.layers.bench import Case, case, layer_claims


def _case(
    name: str, x: IntType, shape: tuple[int, ...], steps: int, base: int, folding: Folding
) -> Case:
    rng = np.random.default_rng(len(name) + steps)
    channels = shape[-1]
    # Never and always reached steps stand at the ends; equal steps skip an output level.
    table = np.sort(rng.integers(x.lo, x.hi + 2, (channels, steps)), axis=1)
    down = rng.random(channels) < 0.3
    out: IntType = Bipolar() if name.startswith("bipolar") else int_type(base, base + steps)
    op = Thresholds(Const.integers(table), Const(down), base, out)
    return case(name, op, TensorType(shape, x), folding)


CASES = {
    "comparators": _case("comparators", Int(8), (6,), 3, 0, Folding(2, engine="comparators")),
    "bipolar": _case("bipolar", UInt(5), (8,), 1, 0, Folding(4, engine="comparators")),
    "bipolar_search": _case("bipolar_search", UInt(6), (4,), 1, 0, Folding(1, engine="search")),
    "unfolded": _case("unfolded", Int(5), (3,), 5, -2, Folding(3, engine="comparators")),
    "search": _case("search", Int(10), (6,), 15, -8, Folding(2, engine="search")),
    "search_wide": _case("search_wide", Int(12), (4,), 255, 0, Folding(4, engine="search")),
    "search_odd": _case("search_odd", UInt(7), (5,), 9, -3, Folding(1, engine="search")),
    "two_vectors": _case("two_vectors", Int(6), (2, 4), 7, 0, Folding(2)),
    "lanes": _case("lanes", Int(6), (4, 4), 3, 0, Folding(2, engine="comparators", mmv=2)),
    "lanes_search": _case(
        "lanes_search", Int(6), (2, 2, 3), 7, -4, Folding(1, engine="search", mmv=2)
    ),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
