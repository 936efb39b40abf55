"""Claims about generated lookup layers."""

import numpy as np

from bitmason.ir import Bipolar, Const, Folding, Int, IntType, TensorType, UInt, int_type
from bitmason.ir.ops.lookup import Lookup
from hw_tests.layers.bench import Case, case, layer_claims, random_values


def _case(
    name: str,
    x: IntType,
    channels: int,
    rows: int,
    out: IntType,
    folding: Folding,
    pixels: int = 1,
) -> Case:
    rng = np.random.default_rng(len(name))
    table = random_values(rng, out, (rows, x.hi - x.lo + 1))
    op = Lookup(Const.integers(table), x.lo, out)
    return case(name, op, TensorType((pixels, channels), x), folding)


CASES = {
    "per_channel": _case("per_channel", Int(4), 6, 6, UInt(5), Folding(2)),
    "shared": _case("shared", UInt(5), 8, 1, Int(6), Folding(4)),
    "tight": _case("tight", int_type(-5, 9), 4, 4, Int(3), Folding(4)),
    "bipolar": _case("bipolar", UInt(3), 3, 3, Bipolar(), Folding(1)),
    "block": _case("block", UInt(6), 4, 4, UInt(7), Folding(2, memory="block")),
    "lanes": _case("lanes", Int(3), 4, 4, Int(4), Folding(2, mmv=2), pixels=4),
    "lanes_shared": _case("lanes_shared", UInt(3), 3, 1, Int(4), Folding(3, mmv=3), pixels=3),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
