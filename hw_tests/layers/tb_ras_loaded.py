"""Claims about generated Reduce-and-Scale layers whose lists are loaded after reset."""

from dataclasses import replace

from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.layers.ras.loaded import LOADED
from bitmason.ir import Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.windows import Windows
from hw_tests.layers.bench import Case, case, chain_case, layer_claims
from hw_tests.layers.tb_ras import QUINARY, TERNARY, weights_of

IMAGE = TensorType((3, 4, 4), UInt(3))


def _folding(pe: int, simd: int, mmv: int = 1) -> Folding:
    return Folding(pe, simd, "ras", LOADED, mmv=mmv)


def _dense(
    name: str,
    x: IntType,
    values: tuple[int, ...],
    shape: tuple[int, ...],
    rows: int,
    folding: Folding,
    zeros: float = 0.6,
    groups: int = 1,
) -> Case:
    weights = weights_of(len(name), values, (rows, shape[-1] // groups), zeros)
    op = Dense(Const.integers(weights), Int(8), groups)
    return case(name, op, TensorType(shape, x), folding)


def _conv(name: str, folding: Folding, values: tuple[int, ...], groups: int = 1) -> Case:
    windows = Windows((3, 3), block=4 // groups)
    weights = weights_of(len(name), values, (6, 36 // groups), 0.6)
    product = Dense(Const.integers(weights), Int(8), groups)
    return chain_case(name, IMAGE, [Pad((1, 1), (1, 1)), windows, product], folding)


def _in_blocks(one: Case) -> Case:
    """The same with its lists, picks and coded lists in block RAM."""
    view = one.layer.view
    assert isinstance(view, RasView)
    assert view.code is not None
    view = replace(view, memory="block", code=replace(view.code, memory="block"))
    layer = replace(one.layer, view=view)
    return replace(one, design=replace(one.design, layers=(layer,)))


CASES = {
    "ternary": _dense("ternary", UInt(4), TERNARY, (24,), 8, _folding(3, 1)),
    "quinary": _dense("quinary", Int(4), QUINARY, (24,), 10, _folding(2, 2)),
    "banks": _dense("banks", UInt(2), TERNARY, (24,), 9, _folding(2, 6)),
    "full": _dense("full", UInt(2), (3,), (9,), 5, _folding(2, 1), zeros=0),
    "nearly_empty": _dense("nearly_empty", UInt(4), TERNARY, (64,), 9, _folding(2, 1), zeros=0.97),
    "more_adders": _dense("more_adders", UInt(2), TERNARY, (8,), 2, _folding(4, 2)),
    "one_input": _dense("one_input", UInt(2), TERNARY, (1,), 3, _folding(1, 1), zeros=0),
    "one_step": _dense("one_step", Int(3), (7,), (3,), 1, _folding(1, 3), zeros=0),
    "in_blocks": _in_blocks(_dense("blocks", UInt(4), TERNARY, (60,), 12, _folding(4, 1))),
    "grouped": _dense("grouped", UInt(3), QUINARY, (2, 24), 6, _folding(1, 2), groups=3),
    "lanes": _dense("lanes", UInt(3), TERNARY, (4, 12), 4, _folding(2, 2, mmv=2)),
    "conv": _conv("conv", _folding(4, 1), TERNARY),
    "conv_banks": _conv("conv_banks", _folding(2, 4), QUINARY),
    "conv_grouped": _conv("conv_grouped", _folding(2, 2), TERNARY, groups=2),
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
