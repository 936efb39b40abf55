"""Claims about generated layers that move elements: pad, crop, upsample, concat, reorder, ..."""

import numpy as np

from bitmason.ir import Bipolar, Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.ops.arrange import Concat, Crop, Reorder, Upsample
from bitmason.ir.ops.pad import Pad
from hw_tests.layers.bench import Case, case, fifo_case, fork_case, layer_claims

Triple = tuple[int, int, int]


def _pad(name: str, shape: Triple, pad: Pad, folding: Folding) -> Case:
    return case(name, pad, TensorType(shape, Int(4)), folding)


def _crop(name: str, shape: Triple, part: tuple[Triple, Triple, Triple], pe: int) -> Case:
    return case(name, Crop(*part), TensorType(shape, UInt(5)), Folding(pe))


def _upsample(name: str, shape: Triple, factors: tuple[int, int], folding: Folding) -> Case:
    return case(name, Upsample(factors), TensorType(shape, UInt(5)), folding)


def _concat(name: str, elem: IntType, channels: tuple[int, ...], pe: int) -> Case:
    sources = [TensorType((2, 3, count), elem) for count in channels]
    return case(name, Concat(), sources, Folding(pe))


def _reorder(name: str, order: list[int], size: int, folding: Folding) -> Case:
    op = Reorder(Const.integers(np.array(order)), (size,))
    return case(name, op, TensorType((size,), Int(5)), folding)


EVERY = (1, 1, 1)
CASES = {
    "pad_around": _pad("pad_around", (3, 4, 2), Pad((1, 1), (1, 1)), Folding(2)),
    "pad_values": _pad("pad_values", (2, 3, 4), Pad((0, 2), (1, 0), (-8, 7, 3, -1)), Folding(2)),
    "pad_words": _pad("pad_words", (2, 2, 3), Pad((1, 1), (0, 2), (5,)), Folding(1)),
    "pad_between": _pad("pad_between", (3, 2, 2), Pad((1, 2), (2, 0), (-2, 6), (2, 3)), Folding(1)),
    "pad_stuffed": _pad("pad_stuffed", (2, 3, 2), Pad((0, 0), (0, 0), (1,), (3, 2)), Folding(2)),
    "pad_bits": case(
        "pad_bits", Pad((1, 1), (1, 1), (-1,)), TensorType((2, 3, 4), Bipolar()), Folding(2)
    ),
    "pad_lanes": _pad("pad_lanes", (3, 4, 2), Pad((1, 1), (1, 1)), Folding(2, mmv=2)),
    "pad_lanes_even": _pad(
        "pad_lanes_even", (2, 4, 1), Pad((0, 2), (1, 2), (-3,)), Folding(1, mmv=2)
    ),
    "pad_lanes_far": _pad(
        "pad_lanes_far", (2, 3, 2), Pad((1, 4), (0, 5), (7, -7)), Folding(2, mmv=3)
    ),
    "crop": _crop("crop", (4, 5, 3), ((1, 1, 0), (2, 3, 3), EVERY), 3),
    "crop_steps": _crop("crop_steps", (5, 7, 2), ((1, 0, 0), (2, 3, 2), (2, 3, 1)), 1),
    "crop_channels": _crop("crop_channels", (2, 3, 6), ((0, 0, 2), (2, 3, 4), EVERY), 2),
    "crop_every_other": _crop("crop_every_other", (2, 3, 7), ((0, 1, 1), (2, 2, 3), (1, 1, 2)), 1),
    "crop_strided": case(
        "crop_strided", Crop((1, 0), (2, 2), (1, 3)), TensorType((4, 6), UInt(3)), Folding(1)
    ),
    "crop_vector": case(
        "crop_vector", Crop((3,), (6,), (1,)), TensorType((12,), UInt(3)), Folding(3)
    ),
    "up": _upsample("up", (3, 4, 2), (2, 2), Folding(2)),
    "up_words": _upsample("up_words", (2, 3, 4), (3, 2), Folding(2)),
    "up_across": _upsample("up_across", (2, 3, 3), (1, 3), Folding(1)),
    "up_register": _upsample("up_register", (2, 3, 2), (1, 2), Folding(2)),
    "up_down": _upsample("up_down", (2, 3, 2), (2, 1), Folding(1, memory="block")),
    "concat": _concat("concat", Int(4), (2, 4), 2),
    "concat_words": _concat("concat_words", UInt(3), (3, 1, 2), 1),
    "concat_whole": _concat("concat_whole", Bipolar(), (4, 4), 4),
    "shuffle": _reorder("shuffle", [0, 3, 1, 4, 2, 5], 12, Folding(1)),
    "pairs": _reorder("pairs", [4, 5, 0, 1, 6, 7, 2, 3], 16, Folding(2)),
    "turned": _reorder("turned", [*range(11, -1, -1)], 12, Folding(1, memory="block")),
    "same": _reorder("same", [0, 1], 8, Folding(2)),
    "fork": fork_case("fork", Int(4), 12, 2, 2),
    "fork_three": fork_case("fork_three", UInt(3), 5, 1, 3),
    "fifo_least": fifo_case("fifo_least", UInt(5), 6, 2, "shift"),
    "fifo_shift": fifo_case("fifo_shift", UInt(5), 6, 9, "shift"),
    "fifo_distributed": fifo_case("fifo_distributed", UInt(5), 6, 40, "distributed"),
    "fifo_block": fifo_case("fifo_block", UInt(5), 6, 12, "block"),
    "fifo_block_small": fifo_case("fifo_block_small", UInt(5), 6, 3, "block"),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
