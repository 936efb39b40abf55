"""The timing kernel against a small model of each kind of cell, alone and in chains."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.backends.timing import kernel
from bitmason.backends.timing.window import window_period
from hw_tests.lib.tb_knobs import KnobsControl
from hw_tests.lib.tb_window import LEAST, SHAPES, steady_cycles
from tests.backends.cells import (
    Cell,
    Fifo,
    Gearbox,
    Narrow,
    Pack,
    Pattern,
    Pipe,
    Ras,
    Reorder,
    Replay,
    Skid,
    Unpack,
    Widen,
    Window,
    geometry_of,
)

WANTED = 60
SENT = 2 * WANTED

small = st.integers(1, 5)
_codes = st.lists(st.sampled_from([0, 1, kernel.EMITS, kernel.EMITS + 1]), min_size=1, max_size=7)

FIFO = kernel.FIFO
BURSTS = np.array([1, 0, 0, 1, *[kernel.EMITS] * 4], np.uint8)


def _fresh(cell: Cell) -> Cell:
    return copy.deepcopy(cell)


def _pattern(codes: list[int]) -> Pattern:
    # A period that takes nothing would never end, one that emits nothing is no cell.
    return Pattern(np.array([*codes, 1, kernel.EMITS], np.uint8))


def _ras(groups: int, steps: int, beats: int, depth: int, start: int, seed: int) -> Ras:
    emits = np.random.default_rng(seed).random((groups, steps)) < 0.4
    emits[-1, -1] = True
    return Ras(emits.tolist(), beats, depth, start)


CELLS = {
    "pipe": st.builds(Pipe, small, small),
    "skid": st.builds(Skid),
    "replay": st.builds(Replay, small, st.integers(2, 4)),
    "widen": st.builds(Widen, small),
    "narrow": st.builds(Narrow, small),
    "gearbox": st.sampled_from([(2, 3), (3, 2), (5, 2), (2, 5), (4, 7), (7, 4)]).map(
        lambda pair: Gearbox(*pair)
    ),
    "pack": st.builds(Pack, small, small, small),
    "unpack": st.builds(Unpack, small, small, small),
    "fifo": st.builds(Fifo, st.integers(2, 9), st.just(False)),
    "block_fifo": st.builds(Fifo, st.integers(4, 9), st.just(True)),
    "pattern": _codes.map(_pattern),
    "window": st.sampled_from([*SHAPES.values()]).map(Window),
    "reorder": st.builds(Reorder, small),
    "ras": st.builds(_ras, small, small, small, small, st.just(0), small),
    "loaded_ras": st.builds(_ras, small, small, small, small, st.integers(1, 40), small),
}


def _modelled(cells: Sequence[Cell]) -> list[int]:
    """Return the cycles in which beats leave a chain of cells that is always fed."""
    sent, ends, cycle = 0, [0] * WANTED, 0
    left = quiet = 0
    while left < WANTED and quiet < 300:
        sink_ready = [True] * (len(cells) + 1)
        for index in reversed(range(len(cells))):
            sink_ready[index] = cells[index].ready(sink_ready[index + 1])
        offered = [sent < SENT, *(cell.valid for cell in cells)]
        if offered[-1]:
            ends[left] = cycle
            left += 1
        pushed = [ready and valid for ready, valid in zip(sink_ready, offered, strict=True)]
        for index, cell in enumerate(cells):
            cell.step(pushed[index], sink_ready[index + 1])
        sent += pushed[0]
        quiet = 0 if any(pushed) else quiet + 1
        cycle += 1
    return ends


def _run(cells: Sequence[Cell]) -> tuple[list[int], list[int], bool]:
    """Return what the kernel says: when beats leave, the peaks of FIFOs, whether all came."""
    table: list[int] = []
    parameters = np.zeros((len(cells), kernel.PARAMETERS), np.int64)
    for row, cell in zip(parameters, cells, strict=True):
        told: Sequence[int]
        if cell.codes is None:
            told = cell.parameters
        else:
            told = len(table), len(cell.codes), *cell.parameters
            table += cell.codes.tolist()
        row[: len(told)] = told
    starts = np.arange(len(cells) + 1)
    # A frame is one beat at the output, so that each has its cycle, and two at the input.
    beats = np.ones(len(cells) + 1, np.int64)
    beats[0] = SENT // WANTED
    ends, _, state, complete = kernel.run(
        np.array([cell.kind for cell in cells], np.int64), parameters,
        np.array([*table, 0], np.uint8), starts, starts[:-1], starts, starts[1:],
        beats, 0, np.array([len(cells)], np.int64), WANTED, 0,
    )  # fmt: skip
    kinds = [cell.kind for cell in cells]
    peaks = [int(of[kernel.PEAK]) for of, kind in zip(state, kinds, strict=True) if kind == FIFO]
    return ends[0].tolist(), peaks, bool(complete)


def _agrees(cells: Sequence[Cell]) -> None:
    ends, peaks, complete = _run(cells)
    assert ends == _modelled(cells)
    assert complete == all(ends)
    # The kernel stops with the last beat wanted; so does the model.
    assert peaks == [cell.most for cell in cells if isinstance(cell, Fifo)]


@pytest.mark.parametrize("kind", CELLS)
@given(data=st.data())
def test_each_kind_of_cell(kind: str, data: st.DataObject) -> None:
    _agrees([data.draw(CELLS[kind])])


@pytest.mark.parametrize("kind", CELLS)
@given(data=st.data())
def test_each_kind_of_cell_held_up_by_the_next(kind: str, data: st.DataObject) -> None:
    slow = data.draw(st.sampled_from([Narrow(3), Pattern(BURSTS), Replay(2, 3)]).map(_fresh))
    _agrees([data.draw(CELLS[kind]), slow])


@pytest.mark.parametrize("kind", CELLS)
@given(data=st.data())
def test_each_kind_of_cell_starved_by_the_one_before(kind: str, data: st.DataObject) -> None:
    before = data.draw(st.sampled_from([Widen(3), Pattern(BURSTS), Gearbox(3, 5)]).map(_fresh))
    _agrees([before, data.draw(CELLS[kind])])


def _told_modelled(beats: int, delays: tuple[int, int], depth: int, slow: Cell) -> list[int]:
    """Return when beats leave a pipeline whose frames are told knobs, behind what sends these."""
    source = KnobsControl(beats, 1)
    branches, engine = [Pipe(delay, 1) for delay in delays], Pipe(depth, 1)
    ends: list[int] = []
    sent = cycle = place = 0
    while len(ends) < WANTED:
        data, knobs = (branch.valid for branch in branches)
        free = engine.ready(slow.ready(True))
        starts = place == 0
        takes = free and (knobs or not starts), free and data and starts
        ready = [branch.ready(take) for branch, take in zip(branches, takes, strict=True)]
        push = source.ready(ready)[0] and sent < SENT
        offered = source.valid
        ends += [cycle] * slow.valid
        slow.step(engine.valid and slow.ready(True), True)
        engine.step(data and takes[0], free)
        place = (place + (data and takes[0])) % beats
        for branch, valid, accepts, take in zip(branches, offered, ready, takes, strict=True):
            branch.step(valid and accepts, take)
        source.step([push], ready)
        sent, cycle = sent + push, cycle + 1
    return ends


@given(small, st.tuples(small, small), small, st.sampled_from([Pipe(1, 1), Narrow(3), Widen(2)]))
def test_a_pipeline_waits_for_the_knobs_of_a_frame(
    beats: int, delays: tuple[int, int], depth: int, slow: Cell
) -> None:
    cells: list[tuple[int, Sequence[int]]] = [
        (kernel.KNOBS, (beats,)),
        *((kernel.PIPE, (delay, 1)) for delay in delays),
        (kernel.PIPE, (depth, 1, beats)),
        (slow.kind, slow.parameters),
    ]
    parameters = np.zeros((len(cells), kernel.PARAMETERS), np.int64)
    for row, (_, told) in zip(parameters, cells, strict=True):
        row[: len(told)] = told
    # Streams: into the design; data and knobs, and both delayed; out of the engine, out of all.
    frame_beats = np.array([SENT // WANTED, 1, 1, 1, 1, 1, 1])
    ends, _, _, complete = kernel.run(
        np.array([kind for kind, _ in cells], np.int64), parameters, np.zeros(1, np.uint8),
        np.array([0, 1, 2, 3, 5, 6]), np.array([0, 1, 2, 3, 4, 5]),
        np.array([0, 2, 3, 4, 5, 6]), np.array([1, 2, 3, 4, 5, 6]),
        frame_beats, 0, np.array([6]), WANTED, 0,
    )  # fmt: skip
    assert complete
    assert ends[0].tolist() == _told_modelled(beats, delays, depth, _fresh(slow))


@given(st.lists(st.one_of(*CELLS.values()), min_size=3, max_size=7))
def test_chains_of_any_cells(cells: list[Cell]) -> None:
    _agrees(cells)


@pytest.mark.parametrize("case", SHAPES)
def test_window_period_is_that_of_the_control_model(case: str) -> None:
    shape = SHAPES[case]
    assert window_period(geometry_of(shape), shape.depth) == steady_cycles(shape)


@pytest.mark.parametrize("case", LEAST)
def test_window_positions_are_those_of_the_bench(case: str) -> None:
    assert geometry_of(LEAST[case]).positions == LEAST[case].positions


def test_a_design_that_waits_for_its_lists_has_not_come_to_a_halt() -> None:
    ends, _, complete = _run([Ras([[True]], 1, 5, start=5000)])
    assert complete
    assert ends == [5000 + 5 + beat for beat in range(WANTED)]


def test_a_design_that_halts_is_told() -> None:
    ends, _, complete = _run([Widen(5), Widen(5)])
    assert not complete
    assert sum(map(bool, ends)) == SENT // 25
