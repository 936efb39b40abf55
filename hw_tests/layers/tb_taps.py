"""Claims about generated layers that reduce windows channel by channel, and whole images."""

import numpy as np

from bitmason.ir import Bipolar, Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.pooling import GlobalPool, Pool
from hw_tests.layers.bench import Case, case, layer_claims, random_values


def _depthwise(
    name: str, x: IntType, w: IntType, taps: int, folding: Folding, **options: float
) -> Case:
    weights = random_values(np.random.default_rng(len(name)), w, (4, taps))
    op = Depthwise(Const.integers(weights), w, folding.pe)
    return case(name, op, TensorType((3, 4 * taps), x), folding, **options)


def _pool(name: str, kind: str, x: IntType, taps: int, folding: Folding) -> Case:
    op = Pool(kind, taps, folding.pe)
    return case(name, op, TensorType((3, 4 * taps), x), folding)


def _global(name: str, kind: str, x: IntType, shape: tuple[int, int, int], pe: int) -> Case:
    return case(name, GlobalPool(kind), TensorType(shape, x), Folding(pe))


CASES = {
    "depthwise": _depthwise("depthwise", UInt(4), Int(3), 9, Folding(2)),
    "depthwise_one": _depthwise("depthwise_one", Int(3), Int(4), 4, Folding(1)),
    "depthwise_all": _depthwise("depthwise_all", Int(3), Int(3), 9, Folding(4)),
    "depthwise_taps": _depthwise("depthwise_taps", UInt(3), Int(3), 9, Folding(2, 9)),
    "depthwise_whole": _depthwise("depthwise_whole", UInt(3), Int(3), 4, Folding(4, 4)),
    "depthwise_bits": _depthwise("depthwise_bits", UInt(3), Bipolar(), 6, Folding(2)),
    "depthwise_block": _depthwise("depthwise_block", Int(4), Int(4), 4, Folding(2, memory="block")),
    "depthwise_dsp": _depthwise(
        "depthwise_dsp", Int(6), Int(7), 3, Folding(1, 3, multipliers="dsp")
    ),
    "depthwise_fast": _depthwise(
        "depthwise_fast", UInt(2), Int(2), 9, Folding(2, 9), clock_mhz=500.0
    ),
    "max_serial": _pool("max_serial", "max", Int(4), 9, Folding(2)),
    "max_taps": _pool("max_taps", "max", UInt(4), 4, Folding(4, 4)),
    "max_bits": _pool("max_bits", "max", Bipolar(), 4, Folding(2, 4)),
    "sum_serial": _pool("sum_serial", "sum", Int(4), 4, Folding(1)),
    "sum_taps": _pool("sum_taps", "sum", UInt(3), 9, Folding(2, 9)),
    "global_max": _global("global_max", "max", Int(5), (3, 4, 4), 2),
    "global_bits": _global("global_bits", "max", Bipolar(), (2, 3, 4), 4),
    "global_sum": _global("global_sum", "sum", UInt(3), (4, 3, 6), 2),
    "global_sum_one": _global("global_sum_one", "sum", Int(4), (2, 2, 3), 1),
    "global_pixel": _global("global_pixel", "sum", Int(4), (1, 1, 4), 2),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
