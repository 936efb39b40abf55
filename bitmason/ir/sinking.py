"""How each operation lets a permutation of its operand's elements through to its result.

Invariant: a rule is exact or refuses. What it returns computes, from permuted operands, a
permutation of the same result; only constants move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitmason.ir.constant import Const
from bitmason.ir.graph import Op
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.arrange import Concat, Crop, Upsample
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.float_link import Compress, Decompress
from bitmason.ir.ops.join import JoinLookup, Product, WeightedSum
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import GlobalPool, Pool
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.permutation import inside, inverse, is_identity, split
from bitmason.ir.types import Array, IntArray, Shape, TensorType


@dataclass(frozen=True, eq=False)
class Moved:
    """An operand of shape `shape`, whose element i is element `order[i]` of another tensor.

    `stored` is that tensor's own shape; any shape of the same size will do for it.
    """

    order: IntArray
    shape: Shape
    stored: Shape


@dataclass(frozen=True, eq=False)
class Sunk:
    """An operation on the other tensors, in `shapes`, whose result has to be permuted by `order`.

    `order` maps the elements of the old result; the new one has as many.
    """

    op: Op
    shapes: tuple[Shape, ...]
    order: IntArray


def sink(op: Op, operands: Sequence[Moved], result: TensorType) -> Sunk | None:
    """Return `op` on operands that are not permuted yet, or None where it needs them permuted."""
    rule = _RULES.get(type(op))
    return None if rule is None else rule(op, operands, result)


def _elementwise(op: Any, operands: Sequence[Moved], rows: Sequence[Array]) -> Sunk | None:
    """Sink through an op that maps element by element.

    Each of `rows` is an array with one row for each channel. `op` makes the new operation of
    those of the new channels.
    """
    first = operands[0]
    if any(
        other.stored != first.stored or not np.array_equal(other.order, first.order)
        for other in operands
    ):
        return None
    channels = first.shape[-1]
    kind = _kinds(rows, channels)
    reads = inverse(first.order) % channels
    for shape in (first.stored, first.shape):
        by_vector = kind[reads].reshape(-1, shape[-1]) if shape else kind[reads].reshape(-1, 1)
        is_wider = shape[-1:] > (channels,) and kind.any()
        if not is_wider and np.array_equal(
            by_vector, np.broadcast_to(by_vector[0], by_vector.shape)
        ):
            made = op([part[reads[: by_vector.shape[1]]] for part in rows])
            return Sunk(made, (shape,) * len(operands), first.order)
    return None


def _kinds(rows: Sequence[Array], channels: int) -> IntArray:
    """Number the channels so that those with equal rows have equal numbers."""
    if not rows:
        return np.zeros(channels, dtype=np.int64)
    table = np.concatenate([part.reshape(channels, -1).astype(np.int64) for part in rows], axis=1)
    return np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)


def _thresholds(op: Thresholds, operands: Sequence[Moved], _: TensorType) -> Sunk | None:
    def made(rows: Sequence[Array]) -> Op:
        return replace(op, steps=Const(rows[0]), descending=Const(rows[1]))

    return _elementwise(made, operands, (op.steps.array, op.descending.array))


def _lookup(op: Lookup, operands: Sequence[Moved], _: TensorType) -> Sunk | None:
    if len(op.table.array) == 1:
        return _elementwise(lambda _: op, operands, ())
    return _elementwise(lambda rows: replace(op, table=Const(rows[0])), operands, (op.table.array,))


def _join_lookup(op: JoinLookup, operands: Sequence[Moved], _: TensorType) -> Sunk | None:
    if len(op.table.array) == 1:
        return _elementwise(lambda _: op, operands, ())
    return _elementwise(lambda rows: replace(op, table=Const(rows[0])), operands, (op.table.array,))


def _weighted_sum(op: WeightedSum, operands: Sequence[Moved], _: TensorType) -> Sunk | None:
    if op.factors.shape[1] == 1:
        return _elementwise(lambda _: op, operands, ())
    return _elementwise(lambda rows: WeightedSum(Const(rows[0].T)), operands, (op.factors.array.T,))


def _same(
    op: Bit | Compress | Decompress | Expand | Product, operands: Sequence[Moved], _: TensorType
) -> Sunk | None:
    return _elementwise(lambda _: op, operands, ())


def _product(
    op: Dense | XnorPopcount, operands: Sequence[Moved], result: TensorType
) -> Sunk | None:
    (x,) = operands
    parts = split(x.order, x.shape[-1])
    if parts is None:
        return None
    blocks, inner = parts
    outputs, inputs = op.weights.shape
    columns = inner.reshape(op.groups, inputs)
    home = columns[:, 0] // inputs
    if np.any(columns // inputs != home[:, np.newaxis]):
        return None
    weights = op.weights.array.reshape(op.groups, -1, inputs)
    moved = np.empty_like(weights)
    for group, (to, at) in enumerate(zip(home, columns % inputs, strict=True)):
        moved[to][:, at] = weights[group]
    rows = outputs // op.groups
    order = (home[:, np.newaxis] * rows + np.arange(rows)).reshape(-1)
    made = replace(op, weights=Const(moved.reshape(outputs, inputs)))
    return Sunk(made, (_vectors(x, blocks),), _within(blocks, order))


def _vectors(x: Moved, blocks: IntArray) -> Shape:
    """Return a shape in which the vectors of `x` lie along the last axis."""
    torn = x.stored[-1:] != x.shape[-1:]
    return x.shape if torn or is_identity(blocks) else x.stored


def _within(blocks: IntArray, order: IntArray) -> IntArray:
    """Return the permutation that moves `blocks`, and permutes each of them by `order`."""
    return (blocks[:, np.newaxis] * order.size + order).reshape(-1)


def _each(count: int, order: IntArray) -> IntArray:
    return _within(np.arange(count), order)


def _places(channels: int, taps: int, block: int) -> IntArray:
    """Return where tap t of channel c lies in a window in the order (c // block, t, c % block)."""
    c, t = np.arange(channels)[:, np.newaxis], np.arange(taps)
    return (c // block) * (taps * block) + t * block + c % block


def _windows(op: Windows, operands: Sequence[Moved], result: TensorType) -> Sunk | None:
    (x,) = operands
    channels = x.shape[2]
    inner = inside(x.order, channels)
    if inner is None:
        return None
    places = _places(channels, op.taps, op.block)
    order = np.empty(places.size, dtype=np.int64)
    order[places] = places[inner]
    return Sunk(op, (x.shape,), _each(result.shape[0] * result.shape[1], order))


def _taps(x: Moved, taps: int, block: int) -> tuple[IntArray, IntArray, IntArray] | None:
    """Return which blocks move, the channel that each channel comes from, and the order of taps."""
    parts = split(x.order, x.shape[-1])
    if parts is None:
        return None
    blocks, inner = parts
    places = _places(x.shape[-1] // taps, taps, block)
    at = inverse(places.reshape(-1))[inner[places]]  # as channel * taps + tap
    channel = at[:, 0] // taps
    if np.any(at // taps != channel[:, np.newaxis]):
        return None
    return blocks, channel, at % taps


def _pool(op: Pool, operands: Sequence[Moved], result: TensorType) -> Sunk | None:
    (x,) = operands
    found = _taps(x, op.taps, op.block)
    if found is None:
        return None
    blocks, channel, _ = found
    return Sunk(op, (_vectors(x, blocks),), _within(blocks, channel))


def _depthwise(op: Depthwise, operands: Sequence[Moved], result: TensorType) -> Sunk | None:
    (x,) = operands
    found = _taps(x, op.weights.shape[1], op.block)
    if found is None:
        return None
    blocks, channel, tap = found
    weights = np.empty_like(op.weights.array)
    weights[channel[:, np.newaxis], tap] = op.weights.array
    made = replace(op, weights=Const(weights))
    return Sunk(made, (_vectors(x, blocks),), _within(blocks, channel))


def _global_pool(op: GlobalPool, operands: Sequence[Moved], _: TensorType) -> Sunk | None:
    (x,) = operands
    channels = x.order.reshape(-1, x.shape[2]) % x.shape[2]
    if np.any(channels != channels[0]):
        return None
    is_image = len(x.stored) == len(x.shape) and x.stored[2] == x.shape[2]
    return Sunk(op, (x.stored if is_image else x.shape,), channels[0])


def _pad(op: Pad, operands: Sequence[Moved], result: TensorType) -> Sunk | None:
    (x,) = operands
    inner = inside(x.order, x.shape[2])
    if inner is None:
        return None
    many = len(op.value) > 1
    value = tuple(op.value[c] for c in inverse(inner).tolist()) if many else op.value
    pixels = result.size // result.shape[2]
    return Sunk(replace(op, value=value), (x.shape,), _each(pixels, inner))


def _crop(op: Crop, operands: Sequence[Moved], result: TensorType) -> Sunk | None:
    (x,) = operands
    inner = inside(x.order, x.shape[-1])
    if inner is None or op.size[-1] != x.shape[-1]:
        return None
    return Sunk(op, (x.shape,), _each(result.size // inner.size, inner))


def _upsample(op: Upsample, operands: Sequence[Moved], result: TensorType) -> Sunk | None:
    (x,) = operands
    inner = inside(x.order, x.shape[-1])
    if inner is None:
        return None
    return Sunk(op, (x.shape,), _each(result.size // inner.size, inner))


def _concat(op: Concat, operands: Sequence[Moved], result: TensorType) -> Sunk | None:
    order: list[int] = []
    for x in operands:
        inner = inside(x.order, x.shape[-1])
        if inner is None:
            return None
        order.extend((inner + len(order)).tolist())
    pixels = result.size // len(order)
    return Sunk(op, tuple(x.shape for x in operands), _each(pixels, np.array(order)))


def _arg_max(op: ArgMax, operands: Sequence[Moved], _: TensorType) -> Sunk | None:
    (x,) = operands
    parts = split(x.order, x.shape[-1])
    if parts is None or not is_identity(parts[1]):
        return None
    return Sunk(op, (_vectors(x, parts[0]),), parts[0])


_RULES: dict[type[Op], Callable[[Any, Sequence[Moved], TensorType], Sunk | None]] = {
    ArgMax: _arg_max,
    Bit: _same,
    Compress: _same,
    Concat: _concat,
    Crop: _crop,
    Decompress: _same,
    Dense: _product,
    Depthwise: _depthwise,
    Expand: _same,
    GlobalPool: _global_pool,
    JoinLookup: _join_lookup,
    Lookup: _lookup,
    Pad: _pad,
    Pool: _pool,
    Product: _same,
    Thresholds: _thresholds,
    Upsample: _upsample,
    WeightedSum: _weighted_sum,
    Windows: _windows,
    XnorPopcount: _product,
}
