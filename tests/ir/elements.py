"""Hypothesis strategies for places, types, arrays of values and constants."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import strategies as st

from bitmason.diagnostics import Loc
from bitmason.ir import Bipolar, Const, Int, IntType, UInt
from bitmason.ir.types import IntArray, Shape

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
images = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3))
fractions = st.fractions(-16, 16, max_denominator=2**20)
