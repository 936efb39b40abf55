"""Random graphs over all ops, and random arrays to feed them.

Invariant: every op has a maker, so a random graph can hold any op; `test_completeness` checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Graph, Int, IntType, Op, Real, TensorType, UInt
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat, Knobs
from bitmason.ir.graph import OPS
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.classifier import Softmax, TopK
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.float_link import (
    PATTERN,
    BitsFloat,
    Compress,
    Decompress,
    FloatBits,
    RankValue,
)
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.real import (
    FUNCTIONS,
    Add,
    AddConst,
    Clip,
    DivConst,
    LeakyRelu,
    Mul,
    MulConst,
    Sub,
    Unary,
)
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.ops.words import BYTE, Pack, Unpack, packed_bytes
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.rounding import ROUNDINGS
from bitmason.ir.types import Array, compact
from tests.ir.elements import fractions, int_types, matrices, real_const, shapes
from tests.ir.garden import Garden, Made, is_number
from tests.ir.image_makers import IMAGE_MAKERS, cleared_planes, divisors


@st.composite
def formats_of(draw: st.DrawFn, elem: IntType, most_e_bits: int = 4) -> CustomFloat:
    """Custom floating-point formats among whose ranks are all integers of a type."""
    bits = max(elem.hi, -elem.lo, 1).bit_length()
    e_bits = draw(st.integers(1, most_e_bits))
    m_bits = max(0, bits - e_bits) + draw(st.integers(0, 2))
    subnormals, bias = draw(st.booleans()), draw(st.integers(-20, 40))
    whole = CustomFloat(e_bits, m_bits, bias, True, subnormals)
    least = max(elem.hi, -elem.lo, whole.first)
    largest = draw(st.just(whole.top) | st.integers(least, whole.top))
    return CustomFloat(e_bits, m_bits, bias, subnormals=subnormals, largest=largest)


@st.composite
def knobs_of(draw: st.DrawFn, format_: CustomFloat) -> Knobs:
    """Numbers of a format that engines built for another one may be told, or none."""
    if not format_.can_change or draw(st.booleans()):
        return ()
    return tuple(draw(st.integers(1, most)) for most in format_.knobs)


def _dense(garden: Garden) -> Made:
    x, type_ = garden.integer(16)
    weight = garden.draw(int_types(8))
    groups, rows, columns = _product_shape(garden, type_.shape[-1])
    weights = garden.draw(matrices(weight, rows, columns))
    cleared = garden.draw(cleared_planes(weights, type_.int_elem))
    ranks = None
    if is_number(type_, 9) and not cleared:
        ranks = garden.draw(st.none() | formats_of(type_.int_elem))
    return Dense(Const.integers(weights), weight, groups, cleared, ranks), (x,)


def _product_shape(garden: Garden, inputs: int) -> tuple[int, int, int]:
    """Draw groups, and rows and columns of a matrix for `inputs` elements in these groups."""
    groups = garden.draw(divisors(inputs).filter(lambda d: d <= 4))
    return groups, groups * garden.draw(st.integers(1, 4 // groups)), inputs // groups


def _xnor_popcount(garden: Garden) -> Made:
    x, type_ = garden.bipolar()
    groups, rows, columns = _product_shape(garden, type_.shape[-1])
    weights = garden.draw(matrices(Bipolar(), rows, columns))
    return XnorPopcount(Const.integers(weights), groups), (x,)


def _thresholds(garden: Garden) -> Made:
    x, type_ = garden.integer(40)
    channels = type_.shape[-1]
    out: IntType = garden.draw(int_types(4))
    count = 1 if isinstance(out, Bipolar) else garden.draw(st.integers(1, 12))
    if not isinstance(out, Bipolar):
        base = garden.draw(st.sampled_from([-128, -20, 0, 115, 120]))
        out = Int(9, base, base + count)
    limit = Int(min(40, type_.int_elem.bits + 1))
    steps = np.sort(garden.draw(matrices(limit, channels, count)), axis=1)
    descending = garden.draw(st.lists(st.booleans(), min_size=channels, max_size=channels))
    start = 0 if isinstance(out, Bipolar) else out.lo
    return Thresholds(Const.integers(steps), Const(np.array(descending)), start, out), (x,)


def _lookup(garden: Garden) -> Made:
    def fits(type_: TensorType) -> bool:
        return not isinstance(type_.elem, Real) and type_.elem.bits <= 5

    x, type_ = garden.operand(fits, int_types(4))
    elem = type_.int_elem
    out: IntType = garden.draw(int_types(6))
    rows = garden.draw(st.sampled_from([1, type_.shape[-1]]))
    table = garden.draw(matrices(out, rows, elem.hi - elem.lo + 1))
    return Lookup(Const.integers(table), elem.lo, out), (x,)


def _quantise(garden: Garden) -> Made:
    x, type_ = garden.real()
    scale = real_const(garden.draw, type_.shape, 0.125, 4.0)
    kinds = st.sampled_from([np.float32, np.float64, np.int64])
    zero_point = Const(np.array(garden.draw(st.integers(-8, 8)), dtype=garden.draw(kinds)))
    out = garden.draw(int_types(9))
    rounding = garden.draw(st.sampled_from(sorted(ROUNDINGS)))
    return Quantise(scale, zero_point, out, rounding), (x,)


def _quantise_float(garden: Garden) -> Made:
    x, type_ = garden.real()
    scale = real_const(garden.draw, type_.shape, 0.125, 4.0)
    format_ = garden.draw(formats_of(garden.draw(int_types(9))))
    rounding = garden.draw(st.sampled_from(sorted(ROUNDINGS)))
    return QuantiseFloat(scale, format_, rounding, garden.draw(knobs_of(format_))), (x,)


def _expand(garden: Garden) -> Made:
    x, type_ = garden.number(9)
    return Expand(garden.draw(formats_of(type_.int_elem))), (x,)


def _bits_float(garden: Garden) -> Made:
    """Make bits of numbers first: random ones would be NaN, and infect the graph."""
    return BitsFloat(), (garden.add(FloatBits(), [garden.real()[0]]),)


def _compress(garden: Garden) -> Made:
    x, _ = garden.operand(lambda type_: type_.elem == PATTERN, st.just(PATTERN))
    found = garden.draw(formats_of(garden.draw(int_types(9))))
    format_ = CustomFloat(found.e_bits, found.m_bits, found.bias, full=True)
    rounding = garden.draw(st.sampled_from([TRUNCATE, NEAREST]))
    return Compress(format_, rounding, garden.draw(knobs_of(format_))), (x,)


def _decompress(garden: Garden) -> Made:
    x, type_ = garden.number(9)
    format_ = garden.draw(formats_of(type_.int_elem))
    return Decompress(format_, garden.draw(knobs_of(format_))), (x,)


def _rank_value(garden: Garden) -> Made:
    x, type_ = garden.number(9)
    format_ = garden.draw(formats_of(type_.int_elem))
    return RankValue(format_, garden.draw(knobs_of(format_))), (x,)


def _pack(garden: Garden) -> Made:
    x, type_ = garden.integer(12)
    return Pack(type_.int_elem, garden.draw(st.integers(1, 9))), (x,)


def _unpack(garden: Garden) -> Made:
    bits = st.integers(1, 9)
    out: IntType = garden.draw(bits.map(UInt) | bits.map(Int) | st.just(Bipolar()))
    made = TensorType(garden.draw(shapes), out)
    word = garden.draw(st.integers(1, 9))
    packed = TensorType((packed_bytes(made, word),), BYTE)
    x, _ = garden.operand(lambda t: t == packed, st.just(BYTE), st.just(packed.shape))
    return Unpack(out, made.shape, word), (x,)


def _dequantise(garden: Garden) -> Made:
    x, type_ = garden.integer(40)
    per_channel = st.lists(fractions, min_size=type_.shape[-1], max_size=type_.shape[-1])
    row = (st.tuples(fractions) | per_channel.map(tuple)).filter(bool)
    return Dequantise(garden.draw(row), garden.draw(row)), (x,)


def _staircase(garden: Garden) -> Made:
    x, type_ = garden.real()
    rows = garden.draw(st.sampled_from([1, type_.shape[-1]]))
    count = garden.draw(st.integers(1, 3))
    element = st.floats(-8, 8, width=32)
    steps = garden.draw(st.lists(element, min_size=rows * count, max_size=rows * count))
    dtype = garden.draw(st.sampled_from([np.float32, np.float64]))
    return Staircase(Const(np.array(steps, dtype=dtype).reshape(rows, count))), (x,)


def _with_const(op: Callable[[Const], Op], low: float, high: float) -> Callable[[Garden], Made]:
    def make(garden: Garden) -> Made:
        x, type_ = garden.real()
        return op(real_const(garden.draw, type_.shape, low, high)), (x,)

    return make


def _binary(op: type[Op]) -> Callable[[Garden], Made]:
    def make(garden: Garden) -> Made:
        a, type_ = garden.real()
        same = [name for name, other in garden.types.items() if other == type_]
        return op(), (a, garden.draw(st.sampled_from(same)))

    return make


def _clip(garden: Garden) -> Made:
    bound = st.none() | st.floats(-8, 8) | st.integers(-3, 3)
    return Clip(garden.draw(bound), garden.draw(bound)), (garden.real()[0],)


def _unary(garden: Garden) -> Made:
    # exp grows beyond every float in two steps; the text form does not care which function it is.
    function = garden.draw(st.sampled_from([f for f in FUNCTIONS if f != "exp"]))
    return Unary(function), (garden.real()[0],)


def _reshape(garden: Garden) -> Made:
    x, type_ = garden.any()
    divisor = garden.draw(st.sampled_from([d for d in (1, 2, 3, 4) if type_.size % d == 0]))
    shape = garden.draw(st.sampled_from([(type_.size,), (divisor, type_.size // divisor)]))
    return Reshape(shape), (x,)


def _transpose(garden: Garden) -> Made:
    x, type_ = garden.any()
    axes = garden.draw(st.permutations(range(len(type_.shape))))
    return Transpose(tuple(axes)), (x,)


def _softmax(garden: Garden) -> Made:
    x, type_ = garden.real()
    return Softmax(-garden.draw(st.integers(1, len(type_.shape)))), (x,)


def _top_k(garden: Garden) -> Made:
    x, type_ = garden.any()
    k = garden.draw(st.integers(1, type_.shape[-1]))
    return TopK(k, garden.draw(st.booleans())), (x,)


MAKERS: dict[str, Callable[[Garden], Made]] = {
    "add": _binary(Add),
    "add_const": _with_const(AddConst, -4.0, 4.0),
    "arg_max": lambda garden: (ArgMax(), (garden.any()[0],)),
    "bit": lambda garden: (Bit(), (garden.bipolar()[0],)),
    "bits_float": _bits_float,
    "clip": _clip,
    "compress": _compress,
    "decompress": _decompress,
    "dense": _dense,
    "dequantise": _dequantise,
    "div_const": _with_const(DivConst, 0.125, 4.0),
    "expand": _expand,
    "float_bits": lambda garden: (FloatBits(), (garden.real()[0],)),
    "leaky_relu": _with_const(LeakyRelu, -1.0, 1.0),
    "lookup": _lookup,
    "mul": _binary(Mul),
    "mul_const": _with_const(MulConst, -4.0, 4.0),
    "pack": _pack,
    "quantise": _quantise,
    "quantise_float": _quantise_float,
    "rank_value": _rank_value,
    "reshape": _reshape,
    "softmax": _softmax,
    "staircase": _staircase,
    "sub": _binary(Sub),
    "thresholds": _thresholds,
    "top_k": _top_k,
    "transpose": _transpose,
    "unary": _unary,
    "unpack": _unpack,
    "xnor_popcount": _xnor_popcount,
    **IMAGE_MAKERS,
}


@st.composite
def graphs(draw: st.DrawFn, must: str | None = None, max_nodes: int = 6) -> Graph:
    """Random graphs over all ops, with hostile names; `must` names an op that is in it."""
    garden = Garden(draw)
    names = draw(st.lists(st.sampled_from(sorted(OPS)), min_size=1, max_size=max_nodes))
    if must is not None:
        names.insert(draw(st.integers(0, len(names))), must)
    made = [garden.add(*MAKERS[name](garden)) for name in names]
    others = draw(st.lists(st.sampled_from(sorted(garden.types)), max_size=2, unique=True))
    return garden.builder.finish(list(dict.fromkeys([made[-1], *others])))


def random_feeds(graph: Graph, frames: int, seed: int) -> dict[str, Array]:
    """Return seeded random arrays for the inputs of `graph`."""
    return dict(_feeds(graph, frames, np.random.default_rng(seed)))


def _feeds(graph: Graph, frames: int, rng: np.random.Generator) -> Iterator[tuple[str, Array]]:
    for value in graph.inputs:
        shape = (frames, *value.type.shape)
        elem = value.type.elem
        if isinstance(elem, Real):
            yield value.name, rng.normal(0, 4, shape).astype(np.float32)
        elif isinstance(elem, Bipolar):
            yield value.name, rng.choice(np.array([-1, 1], dtype=np.int64), shape)
        else:
            # Seldom, but then surely: the ends of the range, where narrow arrays would wrap.
            inside = rng.integers(elem.lo, elem.hi, shape, dtype=np.int64, endpoint=True)
            ends = np.where(rng.integers(0, 2, shape), elem.lo, elem.hi)
            yield value.name, compact(elem, np.where(rng.integers(0, 3, shape), inside, ends))
