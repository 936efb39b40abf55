"""Claims about generated layers between elements and dense words."""

from bitmason.ir import Bipolar, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.ops.words import BYTE, Pack, Unpack, packed_bytes
from hw_tests.layers.bench import Case, case, layer_claims

SHAPES: dict[str, tuple[IntType, tuple[int, ...], int, int]] = {
    # Elements, their frame, how many in a beat, and bytes of a word.
    "narrow": (Int(6), (10,), 2, 4),  # 60 bits: the last word has 4 unused
    "wide": (UInt(5), (12,), 12, 1),  # 60 bits at once, of which words take 8
    "many": (Int(3), (9,), 1, 8),  # 27 bits: one word, of which the most is unused
    "even": (Int(12), (2, 4), 2, 3),  # a beat is a word
    "odd": (Int(7), (3, 5), 5, 3),  # 35 and 24 bits have no divisor in common
    "bits": (Bipolar(), (2, 10), 5, 1),
}


def _pack(name: str) -> Case:
    elem, shape, per_beat, word = SHAPES[name]
    return case(f"pack_{name}", Pack(elem, word), TensorType(shape, elem), Folding(per_beat))


def _unpack(name: str) -> Case:
    elem, shape, per_beat, word = SHAPES[name]
    words = TensorType((packed_bytes(TensorType(shape, elem), word),), BYTE)
    return case(f"unpack_{name}", Unpack(elem, shape, word), words, Folding(per_beat))


# Elements may be fewer than their type in words has; those of unsigned ones get a sign.
WIDENED = TensorType((9,), UInt(3))

CASES = {
    **{f"pack_{name}": _pack(name) for name in SHAPES},
    **{f"unpack_{name}": _unpack(name) for name in SHAPES},
    "pack_widened": case("pack_widened", Pack(Int(5), 2), WIDENED, Folding(3)),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
