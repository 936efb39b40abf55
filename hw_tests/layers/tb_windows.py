"""Claims about generated window generators, folded for what reads them."""

import numpy as np

from bitmason.ir import Bipolar, Const, Folding, Int, IntType, Op, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.pooling import Pool
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from hw_tests.layers.bench import Case, layer_claims, random_values, window_case


def product(windows: Windows, channels: int, w: IntType, rows: int, groups: int = 1) -> Op:
    """Return a product with random weights of what `windows` makes."""
    shape = rows, windows.taps * channels // groups
    weights = Const.integers(random_values(np.random.default_rng(rows), w, shape))
    if isinstance(w, Bipolar):
        return XnorPopcount(weights, groups)
    return Dense(weights, w, groups)


def depthwise(windows: Windows, channels: int, w: IntType) -> Op:
    """Return a depthwise product with random weights of what `windows` makes."""
    weights = random_values(np.random.default_rng(channels), w, (channels, windows.taps))
    return Depthwise(Const.integers(weights), w, windows.block)


def _dense(
    name: str,
    shape: tuple[int, int, int],
    windows: Windows,
    folding: Folding,
    x: IntType = UInt(3),  # noqa: B008  types are values
    groups: int = 1,
    **config: int,
) -> Case:
    w: IntType = x if isinstance(x, Bipolar) else Int(3)
    reader = product(windows, shape[2], w, 4, groups)
    return window_case(name, TensorType(shape, x), windows, reader, folding, **config)


def _pool(
    name: str, shape: tuple[int, int, int], windows: Windows, folding: Folding, **config: int
) -> Case:
    reader = Pool("max", windows.taps, windows.block)
    return window_case(name, TensorType(shape, UInt(4)), windows, reader, folding, **config)


K3 = (3, 3)
CASES = {
    "serial": _dense("serial", (5, 6, 4), Windows(K3, block=4), Folding(4, 2)),
    "serial_small": _dense("serial_small", (4, 5, 3), Windows((2, 3), block=3), Folding(4, 1)),
    "serial_deep": _dense(
        "serial_deep", (6, 6, 2), Windows(K3, (2, 2), block=2), Folding(4, 2), max_cycles=40
    ),
    "serial_bits": _dense(
        "serial_bits", (4, 5, 6), Windows((2, 2), block=6), Folding(2, 3), Bipolar()
    ),
    "serial_dilated": _dense(
        "serial_dilated", (6, 5, 2), Windows((2, 2), (1, 2), (3, 2), block=2), Folding(1, 2)
    ),
    "serial_groups": _dense(
        "serial_groups", (4, 4, 6), Windows((2, 2), block=3), Folding(1, 1), groups=2
    ),
    "pixels": _dense("pixels", (3, 4, 4), Windows((1, 1), (2, 2), block=4), Folding(2, 2)),
    "signal": _dense("signal", (1, 9, 2), Windows((1, 4), (1, 2), block=2), Folding(2, 1)),
    "all_taps": _dense("all_taps", (5, 6, 4), Windows(K3, block=4), Folding(1, 18)),
    "whole_windows": _dense("whole_windows", (4, 6, 2), Windows(K3, block=2), Folding(4, 18)),
    "all_taps_bits": _dense(
        "all_taps_bits", (5, 5, 4), Windows(K3, (2, 2), block=4), Folding(2, 36), Bipolar()
    ),
    "all_taps_dilated": _dense(
        "all_taps_dilated", (6, 7, 2), Windows((2, 3), (2, 1), (2, 3), block=2), Folding(4, 6)
    ),
    "lanes": _dense("lanes", (4, 6, 2), Windows((3, 1), block=2), Folding(1, 3, mmv=2)),
    "lanes_wide": _dense("lanes_wide", (3, 8, 2), Windows((2, 1), block=2), Folding(4, 4, mmv=4)),
    "lanes_stride": _dense(
        "lanes_stride", (4, 8, 2), Windows((2, 2), (2, 2), block=2), Folding(2, 4, mmv=2)
    ),
    "pool_serial": _pool("pool_serial", (4, 6, 4), Windows((2, 2), (2, 2)), Folding(2, 1)),
    "pool_channel": _pool("pool_channel", (5, 5, 2), Windows(K3), Folding(1, 1)),
    "pool_taps": _pool("pool_taps", (4, 6, 4), Windows((2, 2), (2, 2)), Folding(2, 4)),
    "pool_lanes": _pool("pool_lanes", (4, 8, 2), Windows((2, 2), (2, 2)), Folding(1, 4, mmv=2)),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
