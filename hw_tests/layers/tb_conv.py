"""Claims about convolutions, depthwise convolutions and pools, from their padding to their result.

Foldings go through the folding search, so the windows and what reads them agree on their blocks.
"""

from bitmason.ir import Bipolar, Folding, Int, TensorType, UInt
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import Pool
from bitmason.ir.ops.windows import Windows
from hw_tests.layers.bench import Case, chain_case, layer_claims
from hw_tests.layers.tb_windows import depthwise, product

AROUND = Pad((1, 1), (1, 1))
IMAGE = TensorType((3, 4, 4), UInt(3))
BITS = TensorType((5, 5, 4), Bipolar())


def _conv(name: str, folding: Folding, groups: int = 1, **config: int) -> Case:
    windows = Windows((3, 3), block=4 // groups)
    reader = product(windows, 4, Int(3), 4, groups)
    return chain_case(name, IMAGE, [AROUND, windows, reader], folding, **config)


def _bits(name: str, folding: Folding, **config: int) -> Case:
    windows = Windows((3, 2), (1, 1), (1, 2), block=4)
    ops = [windows, product(windows, 4, Bipolar(), 6)]
    return chain_case(name, BITS, ops, folding, **config)


def _depthwise(name: str, folding: Folding, **config: int) -> Case:
    windows = Windows((3, 3), (1, 2))
    image = TensorType((3, 6, 4), Int(3))
    ops = [AROUND, windows, depthwise(windows, 4, Int(3))]
    return chain_case(name, image, ops, folding, **config)


def _pool(name: str, kind: str, folding: Folding, **config: int) -> Case:
    windows = Windows((2, 2), (2, 2))
    image = TensorType((4, 8, 4), UInt(3))
    return chain_case(name, image, [windows, Pool(kind, 4, 1)], folding, **config)


CASES = {
    "serial": _conv("serial", Folding(4, 4)),
    "halves": _conv("halves", Folding(2, 2)),
    "all_taps": _conv("all_taps", Folding(2, 18)),
    "taps_singly": _conv("taps_singly", Folding(4, 9)),
    "whole": _conv("whole", Folding(4, 36)),
    "grouped": _conv("grouped", Folding(2, 2), groups=2),
    "grouped_singly": _conv("grouped_singly", Folding(1, 1), groups=4),
    "bits_serial": _bits("bits_serial", Folding(3, 4)),
    "bits_singly": _bits("bits_singly", Folding(6, 1)),
    "bits_taps": _bits("bits_taps", Folding(2, 12)),
    "transposed": chain_case(
        "transposed",
        TensorType((3, 3, 2), UInt(3)),
        [
            Pad((1, 1), (1, 1), (3,), (2, 2)),
            Windows((2, 2), block=2),
            product(Windows((2, 2), block=2), 2, Int(3), 2),
        ],
        Folding(2, 2),
    ),
    "lanes": chain_case(
        "lanes",
        TensorType((4, 6, 2), UInt(3)),
        [
            Pad((1, 1), (1, 1)),
            Windows((3, 3), block=2),
            product(Windows((3, 3), block=2), 2, Int(3), 4),
        ],
        Folding(2, 18, mmv=2),
    ),
    "channels": _depthwise("channels", Folding(2, 1)),
    "channel_by_channel": _depthwise("channel_by_channel", Folding(1, 1)),
    "channels_taps": _depthwise("channels_taps", Folding(2, 9)),
    "max_serial": _pool("max_serial", "max", Folding(2, 1)),
    "max_taps": _pool("max_taps", "max", Folding(4, 4)),
    "max_lanes": _pool("max_lanes", "max", Folding(2, 4, mmv=2)),
    "sum_lanes": _pool("sum_lanes", "sum", Folding(4, 4, mmv=4)),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
