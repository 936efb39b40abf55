"""Every rule that lets a permutation through is exact, and lets through what it should."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Op, TensorType, UInt
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.arrange import Concat, Crop, Upsample
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.join import JoinLookup, Product, WeightedSum
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import GlobalPool, Pool
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.permutation import inside, inverse, is_identity, smallest_block, split
from bitmason.ir.sinking import Moved, sink
from bitmason.ir.types import IntArray, Shape

IMAGE = (3, 4, 6)
RNG = np.random.default_rng(7)


def draw(*shape: int) -> Const:
    return Const.integers(RNG.integers(-9, 9, shape))


def thresholds(channels: int) -> Op:
    falls = Const(RNG.integers(0, 2, channels).astype(bool))
    steps = Const.integers(np.sort(RNG.integers(-4, 5, (channels, 3)), axis=1))
    return Thresholds(steps, falls, 0, UInt(2))


# What an operation does to vectors of 6 channels, in an image where it needs one.
OPS: dict[str, tuple[Op, IntType, int]] = {
    "thresholds": (thresholds(6), Int(4), 1),
    "lookup": (Lookup(draw(6, 16), -8, Int(5)), Int(4), 1),
    "lookup, shared": (Lookup(draw(1, 16), -8, Int(5)), Int(4), 1),
    "bit": (Bit(), Bipolar(), 1),
    "product": (Product((1, 2)), Int(4), 2),
    "weighted_sum": (WeightedSum(draw(2, 6)), Int(4), 2),
    "weighted_sum, shared": (WeightedSum(draw(2, 1)), Int(4), 2),
    "join_lookup": (JoinLookup(draw(6, 64), (-4, -4), 8, Int(5)), Int(3), 2),
    "join_lookup, shared": (JoinLookup(draw(1, 64), (-4, -4), 8, Int(5)), Int(3), 2),
    "dense": (Dense(draw(4, 6), Int(5)), Int(4), 1),
    "dense in groups": (Dense(draw(4, 3), Int(5), 2), Int(4), 1),
    "xnor_popcount": (XnorPopcount(Const.integers(RNG.choice([-1, 1], (4, 6)))), Bipolar(), 1),
    "pool": (Pool("max", 3, 1), Int(4), 1),
    "pool of blocks": (Pool("sum", 3, 2), Int(4), 1),
    "depthwise": (Depthwise(draw(2, 3), Int(5), 1), Int(4), 1),
    "depthwise of blocks": (Depthwise(draw(3, 2), Int(5), 3), Int(4), 1),
    "windows": (Windows((2, 3), (1, 1), (1, 1), 6), Int(4), 1),
    "windows of blocks": (Windows((2, 2), (1, 2), (1, 1), 2), Int(4), 1),
    "global_pool": (GlobalPool("sum"), Int(4), 1),
    "pad": (Pad((1, 0), (0, 2), (1, 2, 3, -4, 5, -6), (2, 1)), Int(4), 1),
    "pad, shared": (Pad((1, 0), (0, 2)), Int(4), 1),
    "crop": (Crop((1, 0, 0), (2, 2, 6), (1, 2, 1)), Int(4), 1),
    "crop of channels": (Crop((1, 0, 1), (2, 2, 3), (1, 2, 2)), Int(4), 1),
    "upsample": (Upsample((2, 3)), Int(4), 1),
    "concat": (Concat(), Int(4), 2),
    "arg_max": (ArgMax(), Int(4), 1),
}


def spread(inner: IntArray) -> IntArray:
    """Permute every pixel by `inner`."""
    return (np.arange(12)[:, np.newaxis] * 6 + inner).reshape(-1)


def turned(*perm: int) -> IntArray:
    shape = np.array(IMAGE)[np.argsort(perm)]
    return np.arange(72).reshape(shape).transpose(perm).reshape(-1)


ORDERS: dict[str, Callable[[], IntArray]] = {
    "channels": lambda: spread(RNG.permutation(6)),
    "pairs": lambda: spread(np.array([2, 3, 4, 5, 0, 1])),
    "halves": lambda: spread(np.array([4, 3, 5, 1, 0, 2])),
    "pixels": lambda: turned(1, 0, 2),
    "everything": lambda: turned(2, 0, 1),
    "random": lambda: RNG.permutation(72),
    "nothing": lambda: np.arange(72),
}


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("kind", ORDERS)
@pytest.mark.parametrize("stored", [IMAGE, (4, 3, 6), (72,), (6, 12), (36, 2)])
def test_rules_are_exact(name: str, kind: str, stored: Shape) -> None:
    op, elem, count = OPS[name]
    order = ORDERS[kind]()
    result = op.infer([TensorType(IMAGE, elem)] * count)
    found = sink(op, [Moved(order, IMAGE, stored)] * count, result)
    if found is None:
        assert kind != "nothing" or name == "crop of channels"
        return
    values = RNG.choice([-1, 1], (count, 5, 72))
    if elem != Bipolar():
        values = RNG.integers(elem.lo, elem.hi, (count, 5, 72), endpoint=True)
    wanted = op.evaluate(*(x[:, order].reshape(5, *IMAGE) for x in values))
    shaped = [x.reshape(5, *shape) for x, shape in zip(values, found.shapes, strict=True)]
    found.op.infer([TensorType(shape, elem) for shape in found.shapes])
    got = found.op.evaluate(*shaped).reshape(5, -1)[:, found.order]
    np.testing.assert_array_equal(got.reshape(wanted.shape), wanted)


LET_THROUGH = {
    "channels": {
        *("thresholds", "lookup", "lookup, shared", "bit", "product", "weighted_sum", "concat"),
        *("weighted_sum, shared", "join_lookup", "join_lookup, shared", "dense", "xnor_popcount"),
        *("windows", "windows of blocks", "global_pool", "pad", "pad, shared", "crop", "upsample"),
    },
    "pixels": {
        *("thresholds", "lookup", "lookup, shared", "bit", "product", "weighted_sum", "arg_max"),
        *("weighted_sum, shared", "join_lookup", "join_lookup, shared", "dense", "xnor_popcount"),
        *("dense in groups", "pool", "pool of blocks", "depthwise", "depthwise of blocks"),
        "global_pool",
    },
    "halves": {"dense in groups", "pool", "depthwise"},
    "pairs": {"pool of blocks"},
    "everything": {"lookup, shared", "bit", "product", "weighted_sum, shared"},
}


@pytest.mark.parametrize("kind", LET_THROUGH)
def test_rules_let_through_what_they_can(kind: str) -> None:
    order = ORDERS["channels" if kind == "channels" else kind]()
    for name in LET_THROUGH[kind]:
        op, elem, count = OPS[name]
        result = op.infer([TensorType(IMAGE, elem)] * count)
        assert sink(op, [Moved(order, IMAGE, IMAGE)] * count, result) is not None, name


def test_operands_in_different_orders_are_not_joined() -> None:
    op, elem, _ = OPS["product"]
    operands = [Moved(ORDERS[kind](), IMAGE, IMAGE) for kind in ("pixels", "nothing")]
    assert sink(op, operands, TensorType(IMAGE, elem)) is None


@given(st.permutations(range(6)), st.integers(1, 4), st.sampled_from([1, 2, 3, 6]))
def test_blocks(inner: list[int], blocks: int, length: int) -> None:
    order = (np.arange(blocks)[:, np.newaxis] * 6 + np.array(inner)).reshape(-1)
    assert is_identity(order[inverse(order)])
    block = smallest_block(order)
    whole = np.arange(order.size).reshape(-1, block.size)[:, block].reshape(-1)
    np.testing.assert_array_equal(whole, order)
    assert block.size <= 6
    parts = split(order, length)
    if parts is not None:
        again = (parts[0][:, np.newaxis] * length + parts[1]).reshape(-1)
        np.testing.assert_array_equal(again, order)
        assert (inside(order, length) is not None) == is_identity(parts[0])
