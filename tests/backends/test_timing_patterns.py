"""Patterns against brute force: which element stands where, by the golden model itself."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from bitmason.backends.layers.registry import divisors
from bitmason.backends.layers.windows import WindowView
from bitmason.backends.timing.kernel import EMITS
from bitmason.backends.timing.patterns import Codes, parallel_windows, pattern_of
from bitmason.backends.timing.window import Geometry
from bitmason.ir import Folding, Int, Op, TensorType
from bitmason.ir.ops.arrange import Concat, Crop, Upsample
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import GlobalPool
from bitmason.ir.types import IntArray
from hw_tests.layers.cases import case
from hw_tests.lib.tb_window_parallel import Shape

WIDE = Int(24)
extents = st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 4))
pairs = st.tuples(st.integers(0, 3), st.integers(0, 3))
steps = st.tuples(st.integers(1, 3), st.integers(1, 3))


def _pattern(op: Op, shapes: list[tuple[int, ...]], folding: Folding) -> Codes:
    one = case("one", op, [TensorType(shape, WIDE) for shape in shapes], folding)
    assert one.graph is not None
    return pattern_of(one.layer, one.graph)


def _numbered(shape: tuple[int, ...]) -> IntArray:
    """Return a frame whose elements are numbered from 1 on, as they arrive."""
    return np.arange(1, np.prod(shape) + 1).reshape(1, *shape)


def _split(codes: Codes) -> tuple[IntArray, IntArray]:
    """Return which steps take a beat, and which emit one."""
    return (codes & ~np.uint8(EMITS)).astype(np.int64), (codes >= EMITS).astype(np.int64)


@given(extents, pairs, pairs, steps, st.data())
def test_pad(
    shape: tuple[int, int, int],
    low: tuple[int, int],
    high: tuple[int, int],
    step: tuple[int, int],
    data: st.DataObject,
) -> None:
    pe = data.draw(st.sampled_from(divisors(shape[2])))
    op = Pad(low, high, (0,), step)
    takes, emits = _split(_pattern(op, [shape], Folding(pe)))
    shown = op.evaluate(_numbered(shape)).reshape(-1, pe)[:, 0]
    np.testing.assert_array_equal(takes, shown > 0)
    assert emits.all()


@given(st.integers(1, 3), st.integers(1, 3), st.integers(2, 4), pairs, st.integers(0, 6), st.data())
def test_pad_of_several_pixels_takes_a_beat_when_it_first_shows(
    height: int, groups: int, lanes: int, rows: tuple[int, int], left: int, data: st.DataObject
) -> None:
    width = groups * lanes
    right = -left % lanes + lanes * data.draw(st.integers(0, 2))
    op = Pad((rows[0], left), (rows[1], right))
    takes, emits = _split(_pattern(op, [(height, width, 1)], Folding(1, mmv=lanes)))
    shown = op.evaluate(_numbered((height, width, 1))).reshape(-1, lanes)
    # The pixels of a beat show up from the first one on.
    first = [int(np.argmax((shown == p).any(axis=1))) for p in range(1, height * width, lanes)]
    np.testing.assert_array_equal(np.flatnonzero(takes), first)
    assert takes.sum() == height * groups
    assert emits.all()


@given(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 8)), st.data())
def test_crop(shape: tuple[int, int, int], data: st.DataObject) -> None:
    start, size, step = [], [], []
    for extent in shape:
        start.append(data.draw(st.integers(0, (extent - 1) // 2)))
        step.append(data.draw(st.integers(1, 3)))
        most = (extent - 1 - start[-1]) // step[-1] + 1
        size.append(data.draw(st.integers(min(2, most), most)))
    op = Crop(tuple(start), tuple(size), tuple(step))
    whole = np.gcd.reduce([start[2], size[2], shape[2]]) if step[2] == 1 else 1
    pe = data.draw(st.sampled_from(divisors(int(whole))))
    takes, emits = _split(_pattern(op, [shape], Folding(pe)))
    kept = np.isin(_numbered(shape), op.evaluate(_numbered(shape))).reshape(-1, pe)
    assert (kept == kept[:, :1]).all()
    np.testing.assert_array_equal(emits, kept[:, 0])
    assert takes.all()


@given(extents, steps, st.data())
def test_upsample(
    shape: tuple[int, int, int], factors: tuple[int, int], data: st.DataObject
) -> None:
    pe = data.draw(st.sampled_from(divisors(shape[2])))
    takes, emits = _split(_pattern(Upsample(factors), [shape], Folding(pe)))
    shown = Upsample(factors).evaluate(_numbered(shape)).reshape(-1, pe)[:, 0]
    new = np.zeros(len(shown), np.int64)
    new[np.unique(shown, return_index=True)[1]] = 1
    # One period is a row of the image with all its copies.
    np.testing.assert_array_equal(np.tile(takes, shape[0]), new)
    assert emits.all()


@given(st.lists(st.integers(1, 5), min_size=2, max_size=5))
def test_concat_takes_from_each_input_in_turn(counts: list[int]) -> None:
    takes, emits = _split(_pattern(Concat(), [(2, n) for n in counts], Folding(1)))
    turns = [index + 1 for index, count in enumerate(counts) for _ in range(count)]
    assert takes.tolist() == turns
    assert emits.all()


@given(extents)
def test_global_pool_emits_with_its_last_pixel(shape: tuple[int, int, int]) -> None:
    takes, emits = _split(_pattern(GlobalPool("sum"), [shape], Folding(1)))
    assert takes.all()
    assert emits.tolist() == [0] * (np.prod(shape) - shape[2]) + [1] * shape[2]


@st.composite
def parallel(draw: st.DrawFn) -> Shape:
    """Draw windows that a parallel generator can make, of several pixels side by side or not."""
    lanes_out, across = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    dilation = draw(steps)
    width = lanes_out * across * draw(st.integers(1, 6))
    columns = (width - (kernel[1] - 1) * dilation[1] - 1) // across + 1
    assume(columns > 0 and columns % lanes_out == 0)
    height = (kernel[0] - 1) * dilation[0] + draw(st.integers(1, 3))
    lanes = lanes_out * across if lanes_out > 1 else 1
    stride = draw(st.integers(1, 3)), across
    folds = draw(st.integers(1, 3))
    return Shape((height, width), kernel, stride, dilation, folds, lanes)


@given(parallel())
def test_parallel_windows_emit_when_their_last_tap_arrives(shape: Shape) -> None:
    geometry = Geometry(*shape.image, shape.kernel, shape.stride, shape.dilation, 1, shape.folds)
    view = WindowView(True, geometry, 1, 1, lanes_in=shape.lanes, lanes_out=shape.lanes_out)
    takes, emits = _split(parallel_windows(view))
    assert takes.all()
    assert np.flatnonzero(emits).tolist() == sorted(shape.completing())
