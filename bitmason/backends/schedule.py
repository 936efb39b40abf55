"""When beats move: a cycle-accurate model of every layer's control, without data.

Invariant: each class mirrors the registers of the library cell it names, so the cycles predicted
here are those of the simulated hardware; hw_tests hold the two to each other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from math import gcd

from bitmason.backends.design import Design, Layer
from bitmason.backends.layers.activation import ThresholdsView
from bitmason.backends.layers.arg_max import ArgMaxView
from bitmason.backends.layers.matvec import MatVecView
from bitmason.backends.layers.width_converter import WidthConverterView


class Cell(ABC):
    """The handshake of one cell: registers, stepped once per clock cycle."""

    valid = False

    @abstractmethod
    def ready(self, sink_ready: bool) -> bool:
        """Return whether the cell takes a beat in this cycle."""

    @abstractmethod
    def step(self, push: bool, sink_ready: bool) -> None:
        """Clock the registers; `push` says that a beat was taken."""


class Pipe(Cell):
    """A pipeline moved by one enable; every `group` beats in make one beat out."""

    def __init__(self, depth: int, group: int = 1) -> None:
        """Start empty."""
        self._group = group
        self._place = 0
        self._stages = deque([False] * depth, depth)

    def ready(self, sink_ready: bool) -> bool:
        return sink_ready or not self.valid

    def step(self, push: bool, sink_ready: bool) -> None:
        if not self.ready(sink_ready):
            return
        ends = push and self._place == self._group - 1
        if push:
            self._place = 0 if ends else self._place + 1
        self._stages.appendleft(ends)
        self.valid = self._stages[-1]


class Skid(Cell):
    """bm_skid."""

    def __init__(self) -> None:
        """Start empty."""
        self._ready = True

    def ready(self, sink_ready: bool) -> bool:
        return self._ready

    def step(self, push: bool, sink_ready: bool) -> None:
        if sink_ready or not self.valid:
            self.valid = push or not self._ready
            self._ready = True
        elif push:
            self._ready = False


class Replay(Cell):
    """bm_replay with more than one pass."""

    def __init__(self, length: int, repeats: int) -> None:
        """Start empty."""
        self._length, self._repeats = length, repeats
        self._level = self._index = self._pass = 0

    def ready(self, sink_ready: bool) -> bool:
        return self._level < 2 * self._length

    def step(self, push: bool, sink_ready: bool) -> None:
        fetch = self._index < self._level and (sink_ready or not self.valid)
        if sink_ready or not self.valid:
            self.valid = fetch
        self._level += push
        if fetch:
            self._index += 1
        if fetch and self._index == self._length:
            self._index = 0
            self._pass += 1
        if self._pass == self._repeats:
            self._pass = 0
            self._level -= self._length


class WidthUp(Cell):
    """bm_width_converter to a multiple of the beat."""

    def __init__(self, ratio: int) -> None:
        """Start empty."""
        self._ratio = ratio
        self._place = 0

    def ready(self, sink_ready: bool) -> bool:
        return sink_ready or not self.valid

    def step(self, push: bool, sink_ready: bool) -> None:
        if self.ready(sink_ready):
            self._place += push
            self.valid = self._place == self._ratio
            self._place %= self._ratio


class WidthDown(Cell):
    """bm_width_converter to a fraction of the beat."""

    def __init__(self, ratio: int) -> None:
        """Start empty."""
        self._ratio = ratio
        self._left = 0

    def ready(self, sink_ready: bool) -> bool:
        return self._left == 0 or (self._left == 1 and sink_ready)

    def step(self, push: bool, sink_ready: bool) -> None:
        if self.ready(sink_ready):
            self._left = self._ratio if push else 0
        elif sink_ready:
            self._left -= 1
        self.valid = self._left > 0


class Gearbox(Cell):
    """bm_width_converter between beats of which neither divides the other."""

    def __init__(self, taken: int, given: int) -> None:
        """Start empty; both widths in units of their greatest common divisor."""
        self._in, self._out = taken, given
        self._fill = 0

    def _left(self, sink_ready: bool) -> int:
        return self._fill - (self._out if self.valid and sink_ready else 0)

    def ready(self, sink_ready: bool) -> bool:
        return self._left(sink_ready) < self._out

    def step(self, push: bool, sink_ready: bool) -> None:
        self._fill = self._left(sink_ready) + (self._in if push else 0)
        self.valid = self._fill >= self._out


def cells_of(layer: Layer) -> list[Cell]:
    """Return the cells of a layer, from its input to its output."""
    match layer.view:
        case MatVecView() as view:
            folds = view.column_folds
            buffer = Skid() if view.row_folds == 1 else Replay(folds, view.row_folds)
            return [buffer, Pipe(view.stages + 1 + (view.dot == "select"), folds)]
        case ThresholdsView() as view:
            return [Pipe(view.depth + 1 if layer.engine == "search" else 2)]
        case ArgMaxView() as view:
            return [Pipe(2, view.channels // view.pe)]
        case WidthConverterView() as view:
            return [_width_converter(view.per_beat_in, view.per_beat_out)]
        case None:
            return [Skid()]
    return [Pipe(1)]


def _width_converter(taken: int, given: int) -> Cell:
    if given % taken == 0:
        return WidthUp(given // taken)
    if taken % given == 0:
        return WidthDown(taken // given)
    unit = gcd(taken, given)
    return Gearbox(taken // unit, given // unit)


def latency_cycles(design: Design) -> int:
    """Return the cycles from the first beat of a frame taken to the last beat of its answer taken.

    One frame from reset, neither side held up; a frame answered in the cycle after it was taken
    has latency 1.
    """
    cells = [cell for layer in design.layers for cell in cells_of(layer)]
    to_send, to_take = design.source.beats, design.sink.beats
    cycle = -1
    while to_take:
        cycle += 1
        ready = True
        to_take -= cells[-1].valid
        pushed = [False] * (len(cells) + 1)
        readies = [True] * (len(cells) + 1)
        for index in range(len(cells) - 1, -1, -1):
            ready = cells[index].ready(ready)
            readies[index] = ready
            offered = cells[index - 1].valid if index else to_send > 0
            pushed[index] = ready and offered
        to_send -= pushed[0]
        for index, cell in enumerate(cells):
            cell.step(pushed[index], readies[index + 1])
    return cycle
