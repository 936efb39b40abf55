"""Claims about generated arg_max layers."""

from bitmason.ir import Folding, Int, IntType, TensorType, UInt
from bitmason.ir.ops.arg_max import ArgMax
from hw_tests.layers.bench import Case, case, layer_claims


def _case(name: str, x: IntType, shape: tuple[int, ...], pe: int) -> Case:
    return case(name, ArgMax(), TensorType(shape, x), Folding(pe))


CASES = {
    "serial": _case("serial", Int(9), (10,), 1),
    "ties": _case("ties", UInt(1), (8,), 2),
    "parallel": _case("parallel", Int(4), (5,), 5),
    "two_vectors": _case("two_vectors", UInt(3), (2, 9), 3),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
