"""Reduce-and-Scale with lists that are loaded: memory that is filled after reset from coded lists.

Invariant: the unit is that of `folded`, and so are its lists; only idle places hold other
additions, which nothing becomes of. The lists are coded as the rows of a matrix, each the places of
a run, adder by adder (see `bitmason.coding`); their stream ends with a checksum.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from functools import lru_cache

import numpy as np

from bitmason.backends.design import Layer, Resources
from bitmason.backends.layers.memory import ram, rom
from bitmason.backends.layers.ras.folded import (
    MOST_ADDERS,
    ListCode,
    RasView,
    lists_of,
    plan_folded,
    sketch_folded,
)
from bitmason.backends.layers.ras.lists import Lists
from bitmason.backends.layers.registry import Site
from bitmason.coding import Head, table_for
from bitmason.coding.bits import WORD_BITS, checked, pack
from bitmason.coding.gaps import LEAST_SYMBOLS, MOST_SYMBOLS, frequencies_of, runs_of, symbols_of
from bitmason.ir.constant import Const
from bitmason.ir.graph import Folding
from bitmason.ir.ops.dense import Dense
from bitmason.ir.types import IntArray

LOADED = "loaded"  # the name of this form among memories
CODED_BITS = WORD_BITS + 1  # of a word in memory, with the mark of the last one

# From reset to the first step: from the memory through the cells of the reader, then to the unit.
_START = 8
# Measured with yosys synth_xilinx -family xc7: what a unit takes more than one of `folded`.
_READER = Resources(lut=210, ff=220)
_LUT_PER_SYMBOL = 3
_SKETCHED = 0.45  # of the bits of lists, about what their stream takes


@dataclass(frozen=True, eq=False)
class CodedLists:
    """Lists as a stream: its words, and what a reader knows of it.

    `entries` are what comes of it: those of `encode_lists`, but for idle places.
    """

    head: Head
    words: IntArray
    symbols: int
    entries: IntArray

    @property
    def code(self) -> ListCode:
        """What the design of a layer says of the stream."""
        assert self.head.table is not None
        return ListCode(
            runs=self.head.rows,
            lengths=self.head.table.lengths,
            seed=self.head.seed,
            words=len(self.words),
            start=self.symbols + _START,
        )


def coded_lists(lists: Lists) -> CodedLists:
    """Return lists as a stream under the code that suits them best."""
    slots, begins = _rows(lists)
    columns = lists.columns // lists.simd
    row = np.cumsum(begins) - 1
    places = row * columns + slots
    runs = runs_of(np.diff(places, prepend=0))
    sizes = range(LEAST_SYMBOLS, MOST_SYMBOLS + 1)
    table = table_for([[frequencies_of(runs, size) for size in sizes]])
    rows = int(row[-1]) + 1
    head = Head(rows, columns, 1, rows * columns > len(places), table)
    symbols = symbols_of(runs, len(table.lengths))
    packed = pack(table.codes[symbols], np.array(table.lengths)[symbols])
    entries = (begins.astype(np.int64) << lists.slot_bits) | slots
    by_word = entries.reshape(lists.adders, -1).T
    return CodedLists(head, checked(packed, head.seed), len(symbols), by_word)


def _rows(lists: Lists) -> tuple[IntArray, IntArray]:
    """Return the entries of all adders, one adder after the other, and which begin a row.

    An idle adder goes through the next places one by one, which takes the least bits.
    """
    columns = lists.columns // lists.simd
    slots = lists.slots.reshape(-1, lists.adders).T.copy()
    begins = lists.first.reshape(-1, lists.adders).T.copy()
    goes_on = np.zeros_like(begins)
    goes_on[:, 1:] = slots[:, 1:] > slots[:, :-1]
    idle = ~begins & ~goes_on
    steps = np.arange(slots.shape[1])
    # The last step before that was not idle; -1, in front of place 0, where there is none.
    before = np.maximum.accumulate(np.where(idle, -1, steps), axis=1)
    last = np.where(before < 0, -1, np.take_along_axis(slots, np.maximum(before, 0), axis=1))
    slots = np.where(idle, (last + steps - before) % columns, slots)
    begins |= idle & (slots == 0)
    return slots.ravel(), begins.ravel()


@lru_cache(maxsize=16)
def coded_lists_of(weights: Const, groups: int, pe: int, simd: int, scalers: int) -> CodedLists:
    """Return the coded lists of a matrix, made once for all who ask."""
    return coded_lists(lists_of(weights, groups, pe, simd, scalers))


def plan_loaded(site: Site, folding: Folding, takes: list[int]) -> Layer:
    """Return the layer of a unit with lists that are loaded.

    Raises:
        CompileError: B001 for a SIMD, PE or mmv that it cannot have.
    """
    layer = plan_folded(site, _in_lists(site, folding), takes)
    view, op = layer.view, site.node.op
    assert isinstance(view, RasView) and isinstance(op, Dense)
    coded = coded_lists_of(op.weights, view.groups, view.pe, view.simd, view.scalers)
    return _loaded(site, layer, coded.code)


def sketch_loaded(site: Site, folding: Folding, takes: list[int]) -> Layer:
    """Return about what `plan_loaded` does, a little too good, and quickly.

    Raises:
        CompileError: as `plan_loaded` does.
    """
    layer = sketch_folded(site, _in_lists(site, folding), takes)
    view = layer.view
    assert isinstance(view, RasView)
    bits = int(_SKETCHED * view.words * view.adders * view.entry_bits)
    return _loaded(site, layer, ListCode(1, (1,) * LEAST_SYMBOLS, 0, bits // WORD_BITS + 1, 0))


def _in_lists(site: Site, folding: Folding) -> Folding:
    """Return the folding of the unit; that of all products at once, with as many adders as can be.

    The planner tries it for this form, too, where a memory is asked for and no folding.
    """
    op = site.node.op
    assert isinstance(op, Dense)
    at_once = (folding.pe, folding.simd) == op.weights.shape
    pe = min(folding.pe, max(1, MOST_ADDERS // folding.simd)) if at_once else folding.pe
    return replace(folding, pe=pe, memory="")


def memories_of(view: RasView) -> Resources:
    """Return what the memories of lists, of what becomes of sums, and of coded lists cost."""
    assert view.code is not None
    _, lists = ram(view.words, view.adders * view.entry_bits, view.code.memory)
    _, picks = rom(view.words, view.scalers * view.pick_bits, view.memory)
    _, coded = rom(view.code.words, CODED_BITS, view.memory)
    return sum((picks, coded), lists)


def _loaded(site: Site, layer: Layer, code: ListCode) -> Layer:
    view = layer.view
    _, stored = rom(view.words, view.word_bits, "", site.prices)
    style, _ = ram(view.words, view.adders * view.entry_bits, "", site.prices)
    memory, _ = rom(view.words, view.scalers * view.pick_bits, "", site.prices)
    view = replace(view, memory=memory, code=replace(code, memory=style))
    reader = _READER + Resources(lut=_LUT_PER_SYMBOL * len(code.lengths))
    both = zip(astuple(layer.resources), astuple(stored), strict=True)
    unit = Resources(*(whole - part for whole, part in both))
    return replace(
        layer,
        folding=replace(layer.folding, memory=LOADED),
        resources=sum((memories_of(view), reader), unit),
        view=view,
    )
