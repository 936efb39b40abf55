"""Claims about generated layers that join two streams, alone and behind forks in whole designs."""

import numpy as np

from bitmason.ir import (
    Bipolar,
    Builder,
    Const,
    Folding,
    Graph,
    Int,
    IntType,
    TensorType,
    UInt,
    int_type,
)
from bitmason.ir.ops.arrange import Concat
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.join import JoinLookup, Product, WeightedSum
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.ops.windows import Windows
from hw_tests.layers.bench import Case, case, graph_case, layer_claims, random_values
from hw_tests.layers.cases import LOC
from hw_tests.layers.tb_windows import product

SHAPE = (2, 2, 6)


def _types(a: IntType, b: IntType) -> list[TensorType]:
    return [TensorType(SHAPE, a), TensorType(SHAPE, b)]


def _sum(
    name: str, factors: list[list[int]], folding: Folding, a: IntType, b: IntType, **options: float
) -> Case:
    op = WeightedSum(Const.integers(np.array(factors)))
    return case(name, op, _types(a, b), folding, **options)


def _product(
    name: str, a: IntType, b: IntType, folding: Folding, shifts: tuple[int, int] = (0, 0)
) -> Case:
    return case(name, Product(shifts), _types(a, b), folding)


def _table(name: str, a: IntType, b: IntType, rows: int, out: IntType, folding: Folding) -> Case:
    spans = a.hi - a.lo + 1, b.hi - b.lo + 1
    table = random_values(np.random.default_rng(rows), out, (rows, spans[0] * spans[1]))
    op = JoinLookup(Const.integers(table), (a.lo, b.lo), spans[0], out)
    return case(name, op, _types(a, b), folding)


def thresholds(channels: int, x: IntType, out: IntType) -> Thresholds:
    """Return random thresholds from `x` to `out`."""
    steps = 1 if isinstance(out, Bipolar) else out.hi - out.lo
    rng = np.random.default_rng(channels)
    table = np.sort(rng.integers(x.lo, x.hi + 1, (channels, steps)), axis=1)
    base = 0 if isinstance(out, Bipolar) else out.lo
    return Thresholds(Const.integers(table), Const(np.zeros(channels, bool)), base, out)


def _widened(name: str, narrow: IntType) -> Case:
    """Concatenate an operand of a narrower type than the result's."""
    builder = Builder(name)
    x = builder.input("x", TensorType((2, 3, 4), Int(4)), LOC)
    y = builder.add(thresholds(4, Int(4), narrow), [x], LOC, "y", Folding(2))
    return graph_case(builder.finish([builder.add(Concat(), [y, x], LOC, "z", Folding(2))]))


def residual(name: str, folding: Folding) -> Graph:
    """Return a convolution with a shortcut around it."""
    builder = Builder(name)
    x = builder.input("x", TensorType((4, 5, 2), UInt(3)), LOC)
    windows = Windows((1, 1), block=2)
    y = builder.add(windows, [x], LOC, "windows")
    y = builder.add(product(windows, 2, Int(3), 2), [y], LOC, "conv", folding)
    op = WeightedSum(Const.integers(np.array([[1], [3]])))
    return builder.finish([builder.add(op, [y, x], LOC, "sum")])


def _bits(name: str) -> Case:
    """Read bipolar values as bits, on two of three branches."""
    builder = Builder(name)
    x = builder.input("x", TensorType((3, 4), Bipolar()), LOC)
    bits = [builder.add(Bit(), [x], LOC) for _ in range(2)]
    op = WeightedSum(Const.integers(np.array([[2], [-5]])))
    both = builder.add(op, bits, LOC, "sum", Folding(2))
    return graph_case(builder.finish([builder.add(Concat(), [both, x], LOC, "all", Folding(1))]))


UNEVEN = [[3, -1, 0, 7, 2, -8], [1, 5, -3, 0, 4, 6]]
CASES = {
    "plain": _sum("plain", [[1], [1]], Folding(2), UInt(3), Int(4)),
    "minus": _sum("minus", [[1], [-1]], Folding(3), UInt(4), UInt(4)),
    "shared": _sum("shared", [[5], [-3]], Folding(1), Int(3), UInt(2)),
    "by_channel": _sum("by_channel", UNEVEN, Folding(2), Int(4), UInt(3)),
    "by_channel_all": _sum("by_channel_all", UNEVEN, Folding(6), UInt(3), UInt(3)),
    "by_channel_block": _sum(
        "by_channel_block", UNEVEN, Folding(1, memory="block"), UInt(3), Int(5)
    ),
    "by_channel_dsp": _sum(
        "by_channel_dsp", UNEVEN, Folding(3, multipliers="dsp"), UInt(3), Int(5)
    ),
    "slow_clock": _sum("slow_clock", UNEVEN, Folding(2), UInt(3), Int(5), clock_mhz=80.0),
    "sum_lanes": _sum("sum_lanes", [[1], [2]], Folding(3, mmv=2), Int(3), UInt(4)),
    "by_channel_lanes": _sum("by_channel_lanes", UNEVEN, Folding(2, mmv=2), Int(3), UInt(4)),
    "product": _product("product", Int(4), UInt(3), Folding(2)),
    "product_dsp": _product("product_dsp", UInt(6), Int(7), Folding(6, multipliers="dsp")),
    "product_lanes": _product("product_lanes", UInt(3), UInt(4), Folding(2, mmv=4)),
    "product_shifted": _product("product_shifted", UInt(4), Int(3), Folding(2), (9, -2)),
    "product_shifted_lanes": _product(
        "product_shifted_lanes", UInt(3), UInt(3), Folding(6, mmv=2), (0, 5)
    ),
    "table": _table("table", UInt(2), Int(3), 1, UInt(4), Folding(2)),
    "table_by_channel": _table("table_by_channel", Int(2), UInt(3), 6, Int(3), Folding(3)),
    "table_tight": _table("table_tight", int_type(-2, 3), UInt(2), 6, Bipolar(), Folding(1)),
    "table_block": _table("table_block", UInt(3), UInt(3), 1, Int(5), Folding(6, memory="block")),
    "table_lanes": _table("table_lanes", UInt(2), UInt(2), 6, Int(5), Folding(2, mmv=2)),
    "concat_unsigned": _widened("concat_unsigned", UInt(2)),
    "concat_signed": _widened("concat_signed", Int(2)),
    "concat_bipolar": _widened("concat_bipolar", Bipolar()),
    "bits": _bits("bits"),
    "residual": graph_case(residual("residual", Folding(1, 1))),
    "residual_fast": graph_case(residual("residual_fast", Folding(2, 2))),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
