"""Claims about generated bit-serial layers: dense, grouped, depthwise, behind windows, of bits."""

from math import prod

import numpy as np

from bitmason.ir import Bipolar, Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.graph import Op
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from hw_tests.layers.bench import Case, case, chain_case, layer_claims, random_values
from hw_tests.layers.tb_windows import depthwise, product

IMAGE = TensorType((2, 4, 4), UInt(2))
AROUND = Pad((1, 1), (1, 1))


def _folding(pe: int, simd: int, mmv: int = 1, memory: str = "") -> Folding:
    return Folding(pe, simd, "bitserial", memory, mmv=mmv)


def _weights(name: str, w: IntType, rows: int, columns: int) -> Const:
    return Const.integers(random_values(np.random.default_rng(len(name)), w, (rows, columns)))


def _dense(
    name: str,
    x: IntType,
    w: IntType,
    shape: tuple[int, ...],
    rows: int,
    folding: Folding,
    groups: int = 1,
) -> Case:
    weights = _weights(name, w, rows, shape[-1] // groups)
    op: Op = XnorPopcount(weights, groups) if x == Bipolar() else Dense(weights, w, groups)
    return case(name, op, TensorType(shape, x), folding)


def _depthwise(name: str, x: IntType, w: IntType, taps: int, folding: Folding) -> Case:
    op = Depthwise(_weights(name, w, 4, taps), w, folding.pe)
    return case(name, op, TensorType((2, 4 * taps), x), folding)


def _conv(name: str, folding: Folding, groups: int = 1) -> Case:
    windows = Windows((3, 3), block=4 // groups)
    ops = [AROUND, windows, product(windows, 4, Int(2), 4, groups)]
    return chain_case(name, IMAGE, ops, folding)


def _channels(name: str, folding: Folding) -> Case:
    windows = Windows((3, 3), (1, 2))
    image = TensorType((2, 6, 4), Int(2))
    return chain_case(name, image, [AROUND, windows, depthwise(windows, 4, Int(2))], folding)


CASES = {
    "folded": _dense("folded", UInt(4), Int(3), (12,), 6, _folding(2, 6)),
    "serial": _dense("serial", Int(3), Int(2), (5,), 3, _folding(1, 1)),
    "unfolded": _dense("unfolded", UInt(2), Int(2), (9,), 4, _folding(4, 9)),
    "unsigned": _dense("unsigned", Int(4), UInt(2), (10,), 4, _folding(2, 5)),
    "wide": _dense("wide", UInt(8), Int(8), (8,), 2, _folding(1, 8)),
    "one_weight_bit": _dense("one_weight_bit", UInt(3), UInt(1), (8,), 4, _folding(2, 4)),
    "select": _dense("select", UInt(3), Bipolar(), (12,), 6, _folding(3, 4)),
    "select_signed": _dense("select_signed", Int(3), Bipolar(), (8,), 4, _folding(1, 8)),
    "one_bit": _dense("one_bit", UInt(1), Bipolar(), (1,), 2, _folding(1, 1)),
    "bits": _dense("bits", Bipolar(), Bipolar(), (20,), 6, _folding(2, 5)),
    "grouped": _dense("grouped", UInt(2), Int(2), (2, 12), 6, _folding(1, 2), groups=3),
    "grouped_bits": _dense("grouped_bits", Bipolar(), Bipolar(), (8,), 4, _folding(2, 2), 2),
    "lanes": _dense("lanes", UInt(2), Int(3), (4, 6), 4, _folding(2, 3, mmv=2)),
    "lanes_select": _dense("lanes_select", UInt(2), Bipolar(), (2, 2, 6), 4, _folding(1, 6, 2)),
    "block": _dense("block", UInt(2), Int(2), (16,), 8, _folding(2, 4, memory="block")),
    "channels": _depthwise("channels", UInt(2), Int(3), 6, _folding(2, 1)),
    "channels_taps": _depthwise("channels_taps", Int(3), Int(2), 9, _folding(2, 9)),
    "channels_bits": _depthwise("channels_bits", UInt(2), Bipolar(), 4, _folding(4, 4)),
    "conv_gathered": _conv("conv_gathered", _folding(2, 12)),
    "conv_serial": _conv("conv_serial", _folding(4, 4)),
    "conv_taps": _conv("conv_taps", _folding(2, 36)),
    "conv_grouped": _conv("conv_grouped", _folding(1, 6), groups=2),
    "conv_lanes": chain_case(
        "conv_lanes",
        TensorType((4, 6, 2), UInt(2)),
        [AROUND, Windows((3, 3), block=2), product(Windows((3, 3), block=2), 2, Int(2), 4)],
        _folding(2, 18, mmv=2),
    ),
    "conv_channels": _channels("conv_channels", _folding(2, 9)),
}


def _gathers(one: Case) -> bool:
    """Whether some layer takes its vectors in parts of its SIMD."""
    views = [layer.view for layer in one.design.layers if layer.engine == "bitserial"]
    return any(view.take < view.simd for view in views)


assert all(
    any(layer.engine == "bitserial" for layer in one.design.layers) for one in CASES.values()
)
assert prod(map(_gathers, (CASES["folded"], CASES["conv_gathered"], CASES["conv_grouped"])))

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
