"""Claims about generated layers between float32 numbers and ranks of custom floating point."""

from bitmason.ir import Folding, IntType, Op, TensorType, UInt, int_type
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.ops.float_link import PATTERN, Compress, Decompress
from hw_tests.layers.bench import Case, case, layer_claims

E4M3 = CustomFloat(4, 3, 7, subnormals=True, largest=0x7E)
PLAIN = CustomFloat(5, 2, 15)
# Most of all patterns of float32 lie between the ends of these.
WIDE = CustomFloat(7, 3, 63)
COARSE = CustomFloat(7, 0, 60, full=True)


def _case(name: str, op: Op, elem: IntType, folding: Folding, *shape: int) -> Case:
    return case(name, op, TensorType(shape, elem), folding)


def _compress(name: str, format_: CustomFloat, mode: str, folding: Folding, *shape: int) -> Case:
    return _case(name, Compress(format_, mode), PATTERN, folding, *shape)


def _decompress(
    name: str, format_: CustomFloat, folding: Folding, *shape: int, x: IntType | None = None
) -> Case:
    return _case(name, Decompress(format_), x or format_.rank_type, folding, *shape)


CASES = {
    "cut_off": _compress("cut_off", WIDE, TRUNCATE, Folding(2), 6),
    "nearest": _compress("nearest", WIDE, NEAREST, Folding(5), 5),
    "coarse": _compress("coarse", COARSE, NEAREST, Folding(1), 4),
    "lanes": _compress("lanes", WIDE, TRUNCATE, Folding(2, mmv=2), 4, 4),
    "plain": _decompress("plain", PLAIN, Folding(2), 6),
    "subnormals": _decompress("subnormals", E4M3, Folding(5), 5),
    "no_mantissa": _decompress("no_mantissa", COARSE, Folding(1), 4),
    "positive": _decompress("positive", E4M3, Folding(3), 6, x=UInt(7, 126)),
    "narrow": _decompress("narrow", E4M3, Folding(2), 4, x=UInt(5)),
    "narrow_signed": _decompress("narrow_signed", E4M3, Folding(2), 4, x=int_type(-9, 30)),
    "lanes_back": _decompress("lanes_back", PLAIN, Folding(2, mmv=2), 4, 4),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
