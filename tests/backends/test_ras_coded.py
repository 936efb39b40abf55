"""Products with coded weights: what their streams hold and take, who gets them, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from bitmason.backends.layers.ras.coded import CodedView
from bitmason.backends.layers.ras.lists import schedule
from bitmason.backends.layers.ras.streams import (
    LINE_BITS,
    ROW_ENDS,
    VECTOR_ENDS,
    code_streams,
    dense_bits,
)
from bitmason.backends.schedule import Model
from bitmason.ir.types import IntArray
from bitmason.report.summary import summarise
from hw_tests.layers.tb_ras import QUINARY, TERNARY, weights_of
from hw_tests.lib.coded_streams import Code
from tests.backends.test_ras import built, convolution, dense, refusal

SPARSE = weights_of(1, TERNARY, (32, 96), 0.8)
FULL = weights_of(2, TERNARY, (32, 96), 0.0)
SHAPES = [(1, 4, 9, 1), (1, 12, 40, 2), (3, 6, 10, 2), (1, 30, 5, 4), (20, 3, 8, 3), (1, 7, 1, 2)]
ZEROS = (0.0, 0.3, 0.63, 0.9, 0.97, 1.0)


def drawn(shape: tuple[int, int, int, int], zeros: float) -> IntArray:
    """Return random codes [groups, rows, columns]."""
    rng = np.random.default_rng(5)
    codes = rng.integers(0, shape[3], shape[:3])
    return np.where(rng.random(shape[:3]) < zeros, -1, codes)


def entries(codes: IntArray, escape: int) -> list[tuple[int, int]]:
    """Return the symbols of a matrix, counted off zero by zero, without the end."""
    found, run = [], 0
    flat = codes.ravel().tolist()
    last = max((i for i, code in enumerate(flat) if code >= 0), default=-1)
    for code in flat[: last + 1]:
        run += code < 0
        if code >= 0 or run == escape:
            found.append((run, max(code, 0)))
            run = 0
    return found


def steps_of(symbols: list[tuple[int, int]], escape: int, rows: int, columns: int) -> int:
    """Return the steps of a matrix: more than one where a symbol leads past several ends."""
    steps = row = at = 0
    for symbol, _ in symbols:
        ends = (at + symbol) // columns - row
        steps += max(1, ends)
        row, at = row + ends, at + symbol + (symbol != escape)
    return steps + rows - row


@pytest.mark.parametrize("zeros", ZEROS)
@pytest.mark.parametrize("shape", SHAPES)
def test_streams_hold_the_weights(shape: tuple[int, int, int, int], zeros: float) -> None:
    """Each is read symbol by symbol; no end lies in two words, where it would, it is cut."""
    codes = drawn(shape, zeros)
    streams = code_streams(codes, shape[3])
    ends = np.flatnonzero(streams.lines >> 16) + 1
    parts = np.split(streams.lines & 0xFFFF, ends[:-1])
    assert ends[-1] == len(streams.lines)
    assert len(parts) == shape[0]
    assert streams.bits == LINE_BITS * len(streams.lines)
    code = Code(streams.table, (shape[3] - 1).bit_length())
    for matrix, words in zip(codes, parts, strict=True):
        found, cut, crosses = code.read(words.tolist())
        assert found == [*entries(matrix, code.end - 1), (code.end, 0)]
        assert not crosses
        whole = code.words_of(found)
        assert len(words) == len(whole) - cut


@pytest.mark.parametrize("zeros", ZEROS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_is_a_symbol_or_a_row(shape: tuple[int, int, int, int], zeros: float) -> None:
    codes = drawn(shape, zeros)
    streams = code_streams(codes, shape[3])
    escape = streams.symbols - 2
    rows, columns = shape[1:3]
    for matrix, steps in zip(codes, streams.steps, strict=True):
        assert len(steps) == steps_of(entries(matrix, escape), escape, rows, columns)
        assert sum(step & ROW_ENDS for step in steps) == rows
        assert [i for i, step in enumerate(steps) if step & VECTOR_ENDS] == [len(steps) - 1]


def test_some_streams_are_cut() -> None:
    """Or the tests above would not tell."""
    streams = code_streams(drawn((20, 3, 8, 3), 0.63), 3)
    ends = np.flatnonzero(streams.lines >> 16) + 1
    code = Code(streams.table, 2)
    parts = np.split(streams.lines & 0xFFFF, ends[:-1])
    assert 0 < sum(code.read(words.tolist())[1] for words in parts) < 20


def test_coded_weights_take_less_memory_than_lists() -> None:
    design = built(dense(SPARSE), 100_000, engine="ras", memory="coded")
    (layer,) = design.layers
    assert isinstance(layer.view, CodedView)
    lists = schedule((np.searchsorted(TERNARY, SPARSE) - (SPARSE == 0) * 2)[np.newaxis], 1, 1)
    assert layer.weight_bits < lists.steps * (lists.entry_bits + lists.pick_bits(4)) // 3
    assert layer.weight_bits < dense_bits(SPARSE)
    steps = len(layer.view.steps)
    additions = np.count_nonzero(SPARSE)
    assert additions < steps < 1.1 * additions
    assert layer.cycles == design.ii_cycles == Model(design).run(6).ii_cycles == steps
    memory = next(iter(summarise(design)["layers"]))["weight_memory"]
    assert (memory["words"], memory["word_bits"]) == (layer.view.words, LINE_BITS)


def test_slow_layers_are_coded_unasked() -> None:
    sparse = weights_of(3, TERNARY, (96, 512), 0.9)
    (layer,) = built(dense(sparse), 100_000).layers
    assert isinstance(layer.view, CodedView)
    assert layer.folding.memory == "coded"
    (fast,) = built(dense(sparse), 1_000).layers
    assert not isinstance(fast.view, CodedView)


def test_a_convolution_takes_single_elements() -> None:
    graph = convolution(weights_of(4, QUINARY, (8, 72), 0.8), 8)
    layer = next(x for x in built(graph, engine="ras", memory="coded").layers if x.name == "fc")
    assert isinstance(layer.view, CodedView)
    assert layer.sources[0].per_beat == layer.sinks[0].per_beat == 1


def test_what_cannot_be_coded_is_refused() -> None:
    text = refusal(dense(FULL), engine="ras", memory="coded")
    assert "error[B001]: memory = 'coded' would take more memory than the weights" in text
    assert "help: leave memory out, or use another engine" in text
    text = refusal(dense(SPARSE), engine="ras", memory="coded", pe=4)
    assert "error[B001]: pe = 4 is not possible for this 'dense' layer" in text
    assert "help: use pe = 1, or leave it out" in text
    text = refusal(dense(SPARSE), engine="ras", memory="coded", simd=2)
    assert "error[B001]: simd = 2 is not possible for this 'dense' layer" in text
    text = refusal(dense(SPARSE), engine="ras", memory="coded", multipliers="dsp")
    assert "error[B001]: multipliers = 'dsp' is not possible for this 'dense' layer" in text
    text = refusal(dense(SPARSE), engine="parallel", memory="coded")
    assert "error[B001]: memory = 'coded' cannot build this layer" in text
