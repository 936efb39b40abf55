"""Hypothesis strategies for types, constants, places and whole graphs.

Invariant: every op has a maker here, so a random graph can hold any op; `test_completeness` checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod

import numpy as np
from hypothesis import strategies as st

from bitmason.diagnostics import Loc
from bitmason.ir import (
    Bipolar,
    Builder,
    Const,
    Folding,
    Graph,
    Int,
    IntType,
    Op,
    Real,
    TensorType,
    UInt,
)
from bitmason.ir.graph import OPS
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.classifier import Softmax, TopK
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.quantise import ROUNDINGS, Dequantise, Quantise
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
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.types import Array, IntArray, Shape, compact

HOSTILE = (
    "",
    'a"b',
    "a\\",
    "a\nb\r\t",
    "\x1b[31m",
    "%x, %y) {",
    "}\n}",
    "日本語",
    "\u202eevil",
    "\u2028",
    "\ud800",
    "module",
    "9lives",
    "x" * 300,
)

hostile_text = st.sampled_from(HOSTILE) | st.text(max_size=20)
locs = st.builds(Loc, hostile_text, hostile_text)


def unsigned(max_bits: int = 62) -> st.SearchStrategy[UInt]:
    """Unsigned types, ranged and not."""
    full = st.builds(UInt, st.integers(1, max_bits))
    return full | full.flatmap(lambda t: st.builds(UInt, st.just(t.bits), st.integers(0, t.hi)))


def signed(max_bits: int = 62) -> st.SearchStrategy[Int]:
    """Signed types, ranged on either side or not."""

    def ranged(full: Int) -> st.SearchStrategy[Int]:
        bounds = st.tuples(st.integers(full.lo, full.hi), st.integers(full.lo, full.hi))
        return bounds.map(lambda pair: Int(full.bits, min(pair), max(pair)))

    full = st.builds(Int, st.integers(1, max_bits))
    return full | full.flatmap(ranged)


def int_types(max_bits: int = 62) -> st.SearchStrategy[IntType]:
    """Every integer type."""
    return unsigned(max_bits) | signed(max_bits) | st.just(Bipolar())


def values_of(elem: IntType, size: int) -> st.SearchStrategy[IntArray]:
    """Arrays of `size` values of a type, its bounds among them often."""
    if isinstance(elem, Bipolar):
        one: st.SearchStrategy[int] = st.sampled_from([-1, 1])
    else:
        ends = sorted({elem.lo, elem.hi, max(elem.lo, min(elem.hi, 0))})
        one = st.sampled_from(ends) | st.integers(elem.lo, elem.hi)
    return st.lists(one, min_size=size, max_size=size).map(lambda v: np.array(v, dtype=np.int64))


@st.composite
def matrices(draw: st.DrawFn, elem: IntType, rows: int, columns: int) -> IntArray:
    """Integer matrices of a type."""
    return draw(values_of(elem, rows * columns)).reshape(rows, columns)


def real_const(draw: st.DrawFn, shape: Shape, low: float = -4.0, high: float = 4.0) -> Const:
    """Draw a constant of float32 or float64, one for all or one per channel."""
    chosen = draw(st.sampled_from([(), (1,) * len(shape), shape[-1:], shape]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    element = st.floats(low, high, width=32 if dtype is np.float32 else 64)
    items = draw(st.lists(element, min_size=prod(chosen), max_size=prod(chosen)))
    return Const(np.array(items, dtype=dtype).reshape(chosen))


shapes: st.SearchStrategy[Shape] = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
_fractions = st.fractions(-16, 16, max_denominator=2**20)


class Garden:
    """A graph that grows op by op; an op that finds no operand gets a new input."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.builder = Builder(draw(hostile_text))
        self.types: dict[str, TensorType] = {}

    def input(self, type_: TensorType) -> str:
        name = self.builder.input(self.draw(hostile_text), type_, self.draw(locs))
        self.types[name] = type_
        return name

    def operand(
        self, fits: Callable[[TensorType], bool], elems: st.SearchStrategy[IntType | Real]
    ) -> tuple[str, TensorType]:
        """Return a value that fits, old or, with `elems`, a new input."""
        old = [name for name, type_ in self.types.items() if fits(type_)]
        reuse = bool(old) and self.draw(st.integers(0, 3)) > 0
        if reuse:
            name = self.draw(st.sampled_from(old))
        else:
            name = self.input(TensorType(self.draw(shapes), self.draw(elems)))
        return name, self.types[name]

    def real(self) -> tuple[str, TensorType]:
        return self.operand(lambda t: isinstance(t.elem, Real), st.just(Real()))

    def integer(self, max_bits: int) -> tuple[str, TensorType]:
        def fits(type_: TensorType) -> bool:
            return not isinstance(type_.elem, Real) and type_.elem.bits <= max_bits

        return self.operand(fits, int_types(min(max_bits, 8)))

    def bipolar(self) -> tuple[str, TensorType]:
        return self.operand(lambda t: t.elem == Bipolar(), st.just(Bipolar()))

    def any(self) -> tuple[str, TensorType]:
        return self.operand(lambda t: True, int_types(8) | st.just(Real()))

    def add(self, op: Op, operands: Sequence[str]) -> str:
        folding = st.builds(
            Folding,
            st.integers(1, 9),
            st.integers(1, 9),
            hostile_text,
            st.sampled_from(["", "lut", "bram"]),
            st.sampled_from(["", "dsp"]),
        )
        name = self.builder.add(
            op, operands, self.draw(locs), self.draw(hostile_text), self.draw(st.none() | folding)
        )
        self.types[name] = self.builder.type_of(name)
        return name


Made = tuple[Op, tuple[str, ...]]


def _dense(garden: Garden) -> Made:
    x, type_ = garden.integer(16)
    weight = garden.draw(int_types(8))
    rows = garden.draw(st.integers(1, 4))
    weights = garden.draw(matrices(weight, rows, type_.shape[-1]))
    return Dense(Const.integers(weights), weight), (x,)


def _xnor_popcount(garden: Garden) -> Made:
    x, type_ = garden.bipolar()
    rows = garden.draw(st.integers(1, 4))
    weights = garden.draw(matrices(Bipolar(), rows, type_.shape[-1]))
    return XnorPopcount(Const.integers(weights)), (x,)


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


def _dequantise(garden: Garden) -> Made:
    x, type_ = garden.integer(40)
    per_channel = st.lists(_fractions, min_size=type_.shape[-1], max_size=type_.shape[-1])
    row = (st.tuples(_fractions) | per_channel.map(tuple)).filter(bool)
    return Dequantise(garden.draw(row), garden.draw(row)), (x,)


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
    "clip": _clip,
    "dense": _dense,
    "dequantise": _dequantise,
    "div_const": _with_const(DivConst, 0.125, 4.0),
    "leaky_relu": _with_const(LeakyRelu, -1.0, 1.0),
    "lookup": _lookup,
    "mul": _binary(Mul),
    "mul_const": _with_const(MulConst, -4.0, 4.0),
    "quantise": _quantise,
    "reshape": _reshape,
    "softmax": _softmax,
    "sub": _binary(Sub),
    "thresholds": _thresholds,
    "top_k": _top_k,
    "transpose": _transpose,
    "unary": _unary,
    "xnor_popcount": _xnor_popcount,
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
