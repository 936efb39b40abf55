"""Claims about generated dense layers on ranks, and with weights kept as floating point."""

from __future__ import annotations

import numpy as np

from bitmason.ir import Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.ops.dense import Dense
from bitmason.ir.types import Bipolar
from hw_tests.layers.bench import Case, case, layer_claims, random_values

E4M3 = CustomFloat(4, 3, 7, subnormals=True, largest=0x7E)
E3M2 = CustomFloat(3, 2, 3, full=True, subnormals=True)
E2M1 = CustomFloat(2, 1, 1, full=True, subnormals=True)
PAPER = CustomFloat(3, 2, 5)
BARE = CustomFloat(4, 0, 7, full=True)
KEPT = "minifloat"


def _case(
    name: str,
    ranks: CustomFloat | None,
    kept: CustomFloat | Int,
    shape: tuple[int, ...],
    folding: Folding,
    *,
    rows: int = 4,
    x: IntType | None = None,
    groups: int = 1,
    positive: bool = False,
) -> Case:
    """Return a case with weights of a type, or with numbers of a format."""
    rng = np.random.default_rng(len(name))
    elem = kept.rank_type if isinstance(kept, CustomFloat) else kept
    weights = random_values(rng, elem, (rows, shape[-1] // groups))
    if isinstance(kept, CustomFloat):
        weights = kept.fixed(np.abs(weights) if positive else weights)
    x = x or (ranks.rank_type if ranks else UInt(4))
    op = Dense(Const.integers(weights), Int(40), groups, (), ranks)
    made = case(name, op, TensorType(shape, x), folding)
    assert made.layer.engine == folding.engine
    return made


def _signs(name: str, folding: Folding) -> Case:
    """Return a case whose weights are only signs."""
    weights = random_values(np.random.default_rng(3), Bipolar(), (4, 6))
    op = Dense(Const.integers(weights), Bipolar(), ranks=E3M2)
    return case(name, op, TensorType((6,), E3M2.rank_type), folding)


CASES = {
    "ranks": _case("ranks", E4M3, Int(4), (12,), Folding(2, 3, "parallel"), rows=6),
    "ranks_positive": _case(
        "ranks_positive", E4M3, Int(4), (8,), Folding(2, 4, "parallel"), x=UInt(7, 126)
    ),
    "ranks_paper": _case("ranks_paper", PAPER, Int(3), (6,), Folding(4, 6, "parallel")),
    "ranks_select": _signs("ranks_select", Folding(2, 3, "parallel")),
    "ranks_dsp": _case(
        "ranks_dsp", E3M2, Int(5), (8,), Folding(2, 4, "parallel", multipliers="dsp")
    ),
    "ranks_grouped": _case(
        "ranks_grouped", E2M1, Int(3), (2, 12), Folding(1, 2, "parallel"), rows=6, groups=3
    ),
    "ranks_lanes": _case("ranks_lanes", E3M2, Int(3), (4, 6), Folding(2, 3, "parallel", mmv=2)),
    "kept": _case("kept", None, E3M2, (12,), Folding(2, 3, KEPT), rows=6),
    "kept_signed": _case("kept_signed", None, E4M3, (8,), Folding(2, 4, KEPT), x=Int(5)),
    "kept_positive": _case("kept_positive", E3M2, E3M2, (8,), Folding(2, 2, KEPT), positive=True),
    "kept_bare": _case("kept_bare", None, BARE, (8,), Folding(4, 2, KEPT)),
    "kept_block": _case("kept_block", None, E3M2, (16,), Folding(2, 4, KEPT, "block"), rows=8),
    "both": _case("both", E4M3, E4M3, (12,), Folding(2, 3, KEPT), rows=6),
    "both_unfolded": _case("both_unfolded", E3M2, E3M2, (5,), Folding(4, 5, KEPT)),
    "both_serial": _case("both_serial", E2M1, E3M2, (7,), Folding(1, 1, KEPT)),
    "both_paper": _case("both_paper", PAPER, PAPER, (6,), Folding(2, 3, KEPT)),
    "both_lanes": _case("both_lanes", E3M2, E3M2, (2, 6), Folding(2, 3, KEPT, mmv=2)),
    "both_grouped": _case("both_grouped", E3M2, E3M2, (8,), Folding(2, 4, KEPT), groups=2),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
