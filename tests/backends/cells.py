"""Small models of the control of library cells, one object a cell, to hold the timing kernel to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence

import numpy as np

from bitmason.backends.timing import kernel
from bitmason.backends.timing.patterns import Codes
from bitmason.backends.timing.window import Geometry, window_parameters
from hw_tests.lib.tb_ras import RasControl
from hw_tests.lib.tb_reorder import ReorderControl
from hw_tests.lib.tb_window import Control as WindowControl
from hw_tests.lib.tb_window import Shape


class Cell(ABC):
    """The handshake of one cell: registers, stepped once per clock cycle."""

    kind: int
    codes: Codes | None = None
    valid = False

    @property
    @abstractmethod
    def parameters(self) -> Sequence[int]:
        """What the kernel is told of the cell."""

    @abstractmethod
    def ready(self, sink_ready: bool) -> bool:
        """Return whether the cell takes a beat in this cycle, if there is one."""

    @abstractmethod
    def step(self, push: bool, sink_ready: bool) -> None:
        """Clock the registers; `push` says that a beat was taken."""


class Pipe(Cell):
    """A pipeline moved by one enable; every `group` beats in make one beat out."""

    kind = kernel.PIPE

    def __init__(self, depth: int, group: int) -> None:
        self._group, self._place = group, 0
        self._stages = deque([False] * depth, depth)

    @property
    def parameters(self) -> Sequence[int]:
        return len(self._stages), self._group

    def ready(self, sink_ready: bool) -> bool:
        return sink_ready or not self.valid

    def step(self, push: bool, sink_ready: bool) -> None:
        if not self.ready(sink_ready):
            return
        self._place += push
        self._stages.appendleft(self._place == self._group)
        self._place %= self._group
        self.valid = self._stages[-1]


class Skid(Cell):
    """bm_skid: a register, and another one for the beat that comes when the first is stuck."""

    kind = kernel.SKID
    parameters = ()

    def __init__(self) -> None:
        self._held = 0

    def ready(self, sink_ready: bool) -> bool:
        return self._held < 2

    def step(self, push: bool, sink_ready: bool) -> None:
        self._held += push - (self.valid and sink_ready)
        self.valid = self._held > 0


class Replay(Cell):
    """bm_replay with several passes."""

    kind = kernel.REPLAY

    def __init__(self, length: int, repeats: int) -> None:
        self._length, self._repeats = length, repeats
        self._level = self._index = self._pass = 0

    @property
    def parameters(self) -> Sequence[int]:
        return self._length, self._repeats

    def ready(self, sink_ready: bool) -> bool:
        return self._level < 2 * self._length

    def step(self, push: bool, sink_ready: bool) -> None:
        fetch = self._index < self._level and (sink_ready or not self.valid)
        if sink_ready or not self.valid:
            self.valid = fetch
        self._level += push
        self._index += fetch
        if self._index == self._length:
            self._index = 0
            self._pass += 1
        if self._pass == self._repeats:
            self._pass = 0
            self._level -= self._length


class Widen(Cell):
    """bm_width_converter to a multiple of the beat."""

    kind = kernel.WIDEN

    def __init__(self, ratio: int) -> None:
        self._ratio, self._place = ratio, 0

    @property
    def parameters(self) -> Sequence[int]:
        return (self._ratio,)

    def ready(self, sink_ready: bool) -> bool:
        return sink_ready or not self.valid

    def step(self, push: bool, sink_ready: bool) -> None:
        if self.ready(sink_ready):
            self._place += push
            self.valid = self._place == self._ratio
            self._place %= self._ratio


class Narrow(Cell):
    """bm_width_converter to a fraction of the beat."""

    kind = kernel.NARROW

    def __init__(self, ratio: int) -> None:
        self._ratio, self._left = ratio, 0

    @property
    def parameters(self) -> Sequence[int]:
        return (self._ratio,)

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

    kind = kernel.GEARBOX

    def __init__(self, taken: int, given: int) -> None:
        self._in, self._out, self._fill = taken, given, 0

    @property
    def parameters(self) -> Sequence[int]:
        return self._in, self._out, self._out, 0, 0, 0, 0

    def _left(self, sink_ready: bool) -> int:
        return self._fill - (self._out if self.valid and sink_ready else 0)

    def ready(self, sink_ready: bool) -> bool:
        return self._left(sink_ready) < self._out

    def step(self, push: bool, sink_ready: bool) -> None:
        self._fill = self._left(sink_ready) + (self._in if push else 0)
        self.valid = self._fill >= self._out


class Pack(Gearbox):
    """bm_pack: the last word of a frame is full of zeros, and one may wait with a whole one."""

    def __init__(self, beat: int, word: int, beats: int) -> None:
        super().__init__(beat, word)
        self._beats, self._unused, self._taken = beats, -beats * beat % word, 0

    @property
    def parameters(self) -> Sequence[int]:
        return self._in, self._out, self._out + 1, self._beats, self._unused, 0, 0

    def ready(self, sink_ready: bool) -> bool:
        return self._left(sink_ready) <= self._out

    def step(self, push: bool, sink_ready: bool) -> None:
        self._taken += push
        ends = push and self._taken % self._beats == 0
        self._fill = self._left(sink_ready) + (self._in if push else 0)
        self._fill += self._unused if ends else 0
        self.valid = self._fill >= self._out


class Unpack(Gearbox):
    """bm_unpack: the last beat of a frame takes with it what is unused of the last word."""

    def __init__(self, word: int, beat: int, beats: int) -> None:
        super().__init__(word, beat)
        self._beats, self._unused, self._given = beats, -beats * beat % word, 0

    @property
    def parameters(self) -> Sequence[int]:
        return self._in, self._out, self._out, 0, 0, self._beats, self._unused

    def _left(self, sink_ready: bool) -> int:
        if not (self.valid and sink_ready):
            return self._fill
        ends = (self._given + 1) % self._beats == 0
        return self._fill - self._out - (self._unused if ends else 0)

    def step(self, push: bool, sink_ready: bool) -> None:
        left = self._left(sink_ready)
        self._given += self.valid and sink_ready
        self._fill = left + (self._in if push else 0)
        self.valid = self._fill >= self._out


class Fifo(Cell):
    """bm_fifo; in block RAM a beat passes a read register before the output register."""

    kind = kernel.FIFO

    def __init__(self, depth: int, in_block: bool) -> None:
        self._depth, self._in_block = depth, in_block
        self._waiting, self._read, self.most = 0, False, 0

    @property
    def parameters(self) -> Sequence[int]:
        return self._depth, self._in_block

    @property
    def _held(self) -> int:
        return self._waiting + self._read + self.valid

    def ready(self, sink_ready: bool) -> bool:
        return self._held < self._depth

    def step(self, push: bool, sink_ready: bool) -> None:
        moves = sink_ready or not self.valid
        if self._in_block:
            read, fetches = self._read, self._waiting > 0 and (moves or not self._read)
            if moves:
                self.valid, read = read, False
            self._read = read or fetches
            self._waiting += push - fetches
        else:
            self._waiting += push
            if moves:
                self.valid = self._waiting > 0
                self._waiting -= self.valid
        self.most = max(self.most, self._held)


class Pattern(Cell):
    """One output register, and steps that repeat for ever."""

    kind = kernel.PATTERN

    def __init__(self, codes: Codes) -> None:
        self.codes, self._at = codes, 0

    parameters = ()  # behind where the codes stand in the table, which is up to the caller

    @property
    def _takes(self) -> bool:
        assert self.codes is not None
        return bool(self.codes[self._at] & 1)

    def ready(self, sink_ready: bool) -> bool:
        return self._takes and (sink_ready or not self.valid)

    def step(self, push: bool, sink_ready: bool) -> None:
        assert self.codes is not None
        if self.valid and not sink_ready:
            return
        fires = push or not self._takes
        self.valid = fires and bool(self.codes[self._at] & kernel.EMITS)
        self._at = (self._at + fires) % len(self.codes)


class Window(Cell):
    """bm_window."""

    kind = kernel.WINDOW

    def __init__(self, shape: Shape) -> None:
        self._shape, self._control = shape, WindowControl(shape)

    @property
    def parameters(self) -> Sequence[int]:
        return window_parameters(geometry_of(self._shape), self._shape.depth)

    def ready(self, sink_ready: bool) -> bool:
        return self._control.ready(sink_ready)

    def step(self, push: bool, sink_ready: bool) -> None:
        self._control.step(push, sink_ready)
        self.valid = self._control.valid


class Reorder(Cell):
    """bm_reorder."""

    kind = kernel.REORDER

    def __init__(self, length: int) -> None:
        self._length, self._control = length, ReorderControl(length)

    @property
    def parameters(self) -> Sequence[int]:
        return (self._length,)

    def ready(self, sink_ready: bool) -> bool:
        return self._control.ready([sink_ready])[0]

    def step(self, push: bool, sink_ready: bool) -> None:
        self._control.step([push], [sink_ready])
        (self.valid,) = self._control.valid


class Ras(Cell):
    """bm_ras, and with a first cycle `start` of steps bm_ras_booted."""

    kind = kernel.RAS

    def __init__(self, emits: Sequence[Sequence[bool]], beats: int, depth: int, start: int) -> None:
        self.codes = np.array(emits, np.uint8).ravel()
        self._told = (beats, len(emits[0]), depth, start)
        self._control = RasControl(beats, [list(group) for group in emits], depth, start)

    @property
    def parameters(self) -> Sequence[int]:
        return self._told

    def ready(self, sink_ready: bool) -> bool:
        return self._control.ready([sink_ready])[0]

    def step(self, push: bool, sink_ready: bool) -> None:
        self._control.step([push], [sink_ready])
        (self.valid,) = self._control.valid


def geometry_of(shape: Shape) -> Geometry:
    """Return the geometry of a window generator of the library's bench."""
    return Geometry(
        *shape.image, shape.kernel, shape.stride, shape.dilation, shape.blocks, shape.words
    )
