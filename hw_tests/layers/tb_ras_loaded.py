"""Claims about generated Reduce-and-Scale layers whose lists are loaded after reset."""

from dataclasses import replace

from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.layers.ras.loaded import LOADED
from bitmason.ir import Folding, Int, UInt
from hw_tests.layers.bench import Case, layer_claims
from hw_tests.layers.tb_ras import QUINARY, TERNARY, conv, dense


def _folding(pe: int, simd: int, mmv: int = 1) -> Folding:
    return Folding(pe, simd, "ras", LOADED, mmv=mmv)


def _in_blocks(one: Case) -> Case:
    """The same with its lists, picks and coded lists in block RAM."""
    view = one.layer.view
    assert isinstance(view, RasView)
    assert view.code is not None
    view = replace(view, memory="block", code=replace(view.code, memory="block"))
    layer = replace(one.layer, view=view)
    return replace(one, design=replace(one.design, layers=(layer,)))


CASES = {
    "ternary": dense("ternary", UInt(4), TERNARY, (24,), 8, _folding(3, 1)),
    "quinary": dense("quinary", Int(4), QUINARY, (24,), 10, _folding(2, 2)),
    "banks": dense("banks", UInt(2), TERNARY, (24,), 9, _folding(2, 6)),
    "full": dense("full", UInt(2), (3,), (9,), 5, _folding(2, 1), zeros=0),
    "nearly_empty": dense("nearly_empty", UInt(4), TERNARY, (64,), 9, _folding(2, 1), zeros=0.97),
    "more_adders": dense("more_adders", UInt(2), TERNARY, (8,), 2, _folding(4, 2)),
    "one_input": dense("one_input", UInt(2), TERNARY, (1,), 3, _folding(1, 1), zeros=0),
    "one_step": dense("one_step", Int(3), (7,), (3,), 1, _folding(1, 3), zeros=0),
    "in_blocks": _in_blocks(dense("blocks", UInt(4), TERNARY, (60,), 12, _folding(4, 1))),
    "grouped": dense("grouped", UInt(3), QUINARY, (2, 24), 6, _folding(1, 2), groups=3),
    "lanes": dense("lanes", UInt(3), TERNARY, (4, 12), 4, _folding(2, 2, mmv=2)),
    "conv": conv("conv", _folding(4, 1), TERNARY),
    "conv_banks": conv("conv_banks", _folding(2, 4), QUINARY),
    "conv_grouped": conv("conv_grouped", _folding(2, 2), TERNARY, groups=2),
}

assert all(
    any(layer.engine == "ras" and layer.folding.memory == LOADED for layer in one.design.layers)
    for one in CASES.values()
)

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
