"""Makers of the ops of convolutional networks: images, windows, pools, joins and arrangements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import prod

from hypothesis import strategies as st

from bitmason.ir import Const, Int, IntType, Real, TensorType
from bitmason.ir.ops.arrange import Concat, Crop, Reorder, Upsample
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.dense import stored_type
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.join import JoinLookup, Product, WeightedSum
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import GlobalPool, MaxPool, Pool, SumPool
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import IntArray, Shape
from tests.ir.elements import int_types, matrices, values_of
from tests.ir.garden import SMALL, Garden, Made, is_integer

Pair = tuple[int, int]


def divisors(number: int) -> st.SearchStrategy[int]:
    return st.sampled_from([d for d in range(1, number + 1) if number % d == 0])


def fitting(extent: int) -> list[tuple[int, int, int]]:
    """Return (taps, stride, dilation) along an axis of `extent` pixels."""
    every = product(range(1, 4), range(1, 4), range(1, 3))
    return [(k, s, d) for k, s, d in every if d * (k - 1) < extent]


def positions(extent: int, taps: int, stride: int, dilation: int) -> list[list[int]]:
    """Return the pixels under the taps, for every position in an axis of `extent` pixels."""
    reach = dilation * (taps - 1)
    return [
        [origin + dilation * tap for tap in range(taps)]
        for origin in range(0, extent - reach, stride)
    ]


def _kernel(garden: Garden, shape: Shape, limit: int = SMALL) -> tuple[Pair, Pair, Pair]:
    """Draw kernel, stride and dilation whose windows of `shape` have `limit` elements at most."""
    height, width, channels = shape

    def size(down: tuple[int, int, int], across: tuple[int, int, int]) -> int:
        places = len(positions(height, *down)) * len(positions(width, *across))
        return places * down[0] * across[0] * channels

    every = product(fitting(height), fitting(width))
    down, across = garden.draw(st.sampled_from([pair for pair in every if size(*pair) <= limit]))
    kernel, stride, dilation = zip(down, across, strict=True)
    return kernel, stride, dilation


def _windows(garden: Garden) -> Made:
    x, type_ = garden.image(62)
    kernel, stride, dilation = _kernel(garden, type_.shape)
    block = garden.draw(divisors(type_.shape[2]))
    return Windows(kernel, stride, dilation, block), (x,)


def _pad(garden: Garden) -> Made:
    x, type_ = garden.image(40)
    height, width, channels = type_.shape
    every = list(product(range(3), range(3), range(1, 3)))

    def extent(pixels: int, low: int, high: int, step: int) -> int:
        return low + (pixels - 1) * step + 1 + high

    around = [
        pair
        for pair in product(every, every)
        if extent(height, *pair[0]) * extent(width, *pair[1]) * channels <= SMALL
    ]
    low, high, step = zip(*garden.draw(st.sampled_from(around)), strict=True)
    count = garden.draw(st.sampled_from([1, channels]))
    value = garden.draw(st.lists(st.integers(-9, 9), min_size=count, max_size=count))
    return Pad(low, high, tuple(value), step), (x,)


def _conv(garden: Garden) -> Made:
    x, type_ = garden.image(16)
    channels = type_.shape[2]
    kernel, stride, dilation = _kernel(garden, type_.shape)
    groups = garden.draw(divisors(channels))
    outputs = groups * garden.draw(st.integers(1, 2))
    weight = garden.draw(int_types(8))
    shape = (outputs, *kernel, channels // groups)
    weights = garden.draw(values_of(weight, prod(shape))).reshape(shape)
    return Conv(Const.integers(weights), weight, stride, dilation, groups), (x,)


def _max_pool(garden: Garden) -> Made:
    x, type_ = garden.any_image()
    axes = (garden.draw(st.sampled_from(list(pools(extent)))) for extent in type_.shape[:2])
    kernel, stride, dilation, low, high = zip(*axes, strict=True)
    return MaxPool(kernel, stride, dilation, low, high), (x,)


def pools(extent: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (taps, stride, dilation, low, high) whose windows all meet one of `extent` pixels."""
    for low, high in product(range(3), range(3)):
        for along in fitting(low + extent + high):
            windows = positions(low + extent + high, *along)
            meets = all(any(low <= tap < low + extent for tap in taps) for taps in windows)
            if meets and len(windows) <= extent:
                yield (*along, low, high)


def _sum_pool(garden: Garden) -> Made:
    x, type_ = garden.number_image(40)
    return SumPool(*_kernel(garden, type_.shape, limit=9 * SMALL)), (x,)


def _global_pool(garden: Garden) -> Made:
    kind = garden.draw(st.sampled_from(["max", "sum"]))
    x, _ = garden.image(62) if kind == "max" else garden.number_image(40)
    return GlobalPool(kind), (x,)


def _pool(garden: Garden) -> Made:
    kind = garden.draw(st.sampled_from(["max", "sum"]))
    x, type_ = garden.integer(62) if kind == "max" else garden.number(40)
    taps = garden.draw(divisors(type_.shape[-1]))
    return Pool(kind, taps, garden.draw(divisors(type_.shape[-1] // taps))), (x,)


def _depthwise(garden: Garden) -> Made:
    x, type_ = garden.integer(16)
    taps = garden.draw(divisors(type_.shape[-1]))
    channels = type_.shape[-1] // taps
    weight = garden.draw(int_types(8))
    weights = garden.draw(matrices(weight, channels, taps))
    cleared = garden.draw(cleared_planes(weights, type_.int_elem))
    block = garden.draw(divisors(channels))
    return Depthwise(Const.integers(weights), weight, block, cleared), (x,)


def cleared_planes(weights: IntArray, x: IntType) -> st.SearchStrategy[tuple[int, ...]]:
    """How many planes of weights and operand a product may leave out, or nothing: it is fixed."""
    some = st.tuples(*(st.integers(0, bits - 1) for bits in (stored_type(weights).bits, x.bits)))
    return st.just(()) | some


def _weighted_sum(garden: Garden) -> Made:
    operands, first, _ = garden.numbers_of_one_shape(30)
    columns = garden.draw(st.sampled_from([1, first.shape[-1]]))
    return WeightedSum(Const.integers(garden.draw(matrices(Int(8), 2, columns)))), operands


def _product(garden: Garden) -> Made:
    operands, _, _ = garden.numbers_of_one_shape(20)
    shift = st.integers(-200, 200)
    return Product((garden.draw(shift), garden.draw(shift))), operands


def _join_lookup(garden: Garden) -> Made:
    operands, a, b = garden.numbers_of_one_shape(2)
    out = garden.draw(int_types(6))
    slack = st.integers(0, 1)
    first = tuple(t.int_elem.lo - garden.draw(slack) for t in (a, b))
    spans = [
        t.int_elem.hi - start + 1 + garden.draw(slack)
        for t, start in zip((a, b), first, strict=True)
    ]
    rows = garden.draw(st.sampled_from([1, a.shape[-1]] if a.shape[-1] <= 4 else [1]))
    table = garden.draw(matrices(out, rows, prod(spans)))
    return JoinLookup(Const.integers(table), (first[0], first[1]), spans[0], out), operands


def _concat(garden: Garden) -> Made:
    def is_small(type_: TensorType) -> bool:
        return type_.size <= SMALL // 3 and (isinstance(type_.elem, Real) or is_integer(type_, 40))

    x, first = garden.operand(is_small, int_types(8) | st.just(Real()))
    real = isinstance(first.elem, Real)

    def fits(type_: TensorType) -> bool:
        beside = type_.shape[:-1] == first.shape[:-1]
        return beside and is_small(type_) and isinstance(type_.elem, Real) == real

    elems: st.SearchStrategy[IntType | Real] = st.just(Real()) if real else int_types(8)
    shape = st.integers(1, 3).map(lambda channels: (*first.shape[:-1], channels))
    more = range(garden.draw(st.integers(1, 2)))
    return Concat(), (x, *(garden.operand(fits, elems, shape)[0] for _ in more))


def _crop(garden: Garden) -> Made:
    x, type_ = garden.any()
    start = tuple(garden.draw(st.integers(0, extent - 1)) for extent in type_.shape)
    step = tuple(garden.draw(st.integers(1, 3)) for _ in type_.shape)
    size = tuple(
        garden.draw(st.integers(1, 1 + (extent - 1 - first) // along))
        for extent, first, along in zip(type_.shape, start, step, strict=True)
    )
    return Crop(start, size, step), (x,)


def _upsample(garden: Garden) -> Made:
    x, type_ = garden.any_image()
    every = product(range(1, 4), range(1, 4))
    factors = [pair for pair in every if prod(pair) * type_.size <= SMALL]
    return Upsample(garden.draw(st.sampled_from(factors))), (x,)


def _reorder(garden: Garden) -> Made:
    x, type_ = garden.any()
    length = garden.draw(divisors(type_.size).filter(lambda d: d <= 12))
    order = garden.draw(st.permutations(range(length)))
    shape = garden.draw(st.sampled_from([(type_.size,), (length, type_.size // length)]))
    return Reorder(Const(order), shape), (x,)


IMAGE_MAKERS: dict[str, Callable[[Garden], Made]] = {
    "concat": _concat,
    "conv": _conv,
    "crop": _crop,
    "depthwise": _depthwise,
    "global_pool": _global_pool,
    "join_lookup": _join_lookup,
    "max_pool": _max_pool,
    "pad": _pad,
    "pool": _pool,
    "product": _product,
    "reorder": _reorder,
    "sum_pool": _sum_pool,
    "upsample": _upsample,
    "weighted_sum": _weighted_sum,
    "windows": _windows,
}
