"""Claims about generated layers that turn ranks of floating-point numbers into fixed point."""

from bitmason.ir import Folding, IntType, TensorType, UInt, int_type
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.ops.expand import Expand
from hw_tests.layers.bench import Case, case, layer_claims

E4M3 = CustomFloat(4, 3, 7, subnormals=True, largest=0x7E)
E3M2 = CustomFloat(3, 2, 3, full=True, subnormals=True)
E2M1 = CustomFloat(2, 1, 1, full=True, subnormals=True)


def _case(
    name: str,
    format_: CustomFloat,
    channels: int,
    folding: Folding,
    x: IntType | None = None,
    pixels: int = 1,
) -> Case:
    elem = x or format_.rank_type
    return case(name, Expand(format_), TensorType((pixels, channels), elem), folding)


CASES = {
    "e4m3": _case("e4m3", E4M3, 6, Folding(2)),
    "e3m2": _case("e3m2", E3M2, 4, Folding(4)),
    "e2m1": _case("e2m1", E2M1, 5, Folding(1)),
    "e5m2": _case("e5m2", CustomFloat(5, 2, 15, subnormals=True, largest=0x7B), 4, Folding(2)),
    "no_subnormals": _case("no_subnormals", CustomFloat(4, 3, 7), 4, Folding(2)),
    "no_mantissa": _case("no_mantissa", CustomFloat(4, 0, 20, full=True), 4, Folding(2)),
    "no_exponent": _case("no_exponent", CustomFloat(1, 3, 1, True, True), 4, Folding(4)),
    "positive": _case("positive", E4M3, 6, Folding(3), UInt(7, 126)),
    "narrow": _case("narrow", E4M3, 4, Folding(2), UInt(5)),
    "narrow_signed": _case("narrow_signed", E3M2, 4, Folding(2), int_type(-2, 13)),
    "lanes": _case("lanes", E3M2, 4, Folding(2, mmv=2), pixels=4),
    "lanes_unfolded": _case("lanes_unfolded", E2M1, 3, Folding(3, mmv=3), pixels=3),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
