"""AXI4-Stream source and sink that keep the cycle of every beat.

The source never takes an offered beat back, and the sink fails the test when the design does.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Never

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import Task
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time

PERIOD_NS = 10

Pause = Iterator[bool]


def never() -> Pause:
    """No pause: a beat whenever one is there."""
    return itertools.repeat(False)


def pattern(pauses: Sequence[int]) -> Pause:
    """A cycle of pauses, 1 = pause."""
    return itertools.cycle([bool(pause) for pause in pauses])


def chance(probability: float, seed: int) -> Pause:
    """Pauses at random."""
    rng = np.random.default_rng(seed)
    while True:
        yield bool(rng.random() < probability)


def now() -> int:
    """The number of the present clock cycle."""
    return round(get_sim_time("ns") / PERIOD_NS)


class Source:
    """Sends beats; ``accepted`` holds the cycle in which each was taken."""

    def __init__(self, dut: Any, prefix: str, pause: Pause) -> None:
        self.accepted: list[int] = []
        self._dut = dut
        self._valid = getattr(dut, f"{prefix}_tvalid")
        self._ready = getattr(dut, f"{prefix}_tready")
        self._data = getattr(dut, f"{prefix}_tdata")
        self._last = getattr(dut, f"{prefix}_tlast", None)
        self._pause = pause
        self._queue: deque[tuple[int, bool]] = deque()
        self._valid.value = 0

    def send(self, words: Iterable[int], last: Iterable[bool] = itertools.repeat(False)) -> None:
        """Queue beats, with their tlast where the stream has one."""
        self._queue.extend(zip(words, last, strict=False))

    async def run(self) -> Never:
        """Drive the stream until cancelled."""
        offered = False
        while True:
            await RisingEdge(self._dut.clk)
            if offered and self._ready.value:
                self.accepted.append(now())
                offered = False
            if not offered and not next(self._pause) and self._queue:
                word, last = self._queue.popleft()
                self._data.value = word
                if self._last is not None:
                    self._last.value = last
                self._valid.value = 1
                offered = True
            elif not offered:
                self._valid.value = 0


class Sink:
    """Takes beats; keeps their words, and the cycles of first offer and of transfer."""

    def __init__(self, dut: Any, prefix: str, pause: Pause) -> None:
        self.beats: list[int] = []
        self.last: list[bool] = []
        self.offered: list[int] = []
        self.taken: list[int] = []
        self._dut = dut
        self._valid = getattr(dut, f"{prefix}_tvalid")
        self._ready = getattr(dut, f"{prefix}_tready")
        self._data = getattr(dut, f"{prefix}_tdata")
        self._last = getattr(dut, f"{prefix}_tlast", None)
        self._pause = pause
        self._ready.value = 0

    def resume(self) -> None:
        """Take beats without a pause from now on."""
        self._pause = never()

    async def run(self) -> Never:
        """Drive tready until cancelled."""
        ready = False
        held: int | None = None
        while True:
            await RisingEdge(self._dut.clk)
            valid = bool(self._valid.value)
            word = int(self._data.value) if valid else 0
            if held is not None:
                assert valid, "tvalid fell before the beat was taken"
                assert word == held, f"tdata changed from {held:x} to {word:x} while stalled"
            elif valid:
                self.offered.append(now())
            if valid and ready:
                self.beats.append(word)
                self.taken.append(now())
                if self._last is not None:
                    self.last.append(bool(self._last.value))
            held = word if valid and not ready else None
            ready = not next(self._pause)
            self._ready.value = ready


class Bench:
    """One design under test with a source on ``s_axis`` and a sink on ``m_axis``."""

    def __init__(self, dut: Any, prefix: str) -> None:
        self.dut = dut
        self.source: Source
        self.sink: Sink
        self._prefix = prefix
        self._tasks: list[Task[Never]] = []

    @classmethod
    async def start(
        cls, dut: Any, prefix: str = "", idle: Pause | None = None, stall: Pause | None = None
    ) -> Bench:
        """Start the clock, reset, and let both ends run."""
        Clock(dut.clk, PERIOD_NS, unit="ns").start()
        bench = cls(dut, prefix)
        await bench.restart(idle, stall)
        return bench

    async def restart(self, idle: Pause | None = None, stall: Pause | None = None) -> None:
        """Reset in whatever state the design is, with fresh ends."""
        for task in self._tasks:
            task.cancel()
        self.dut.rst.value = 1
        await self.cycles(2)
        # Only now, in reset, may a beat that was on offer go away.
        self.source = Source(self.dut, f"{self._prefix}s_axis", idle or never())
        self.sink = Sink(self.dut, f"{self._prefix}m_axis", stall or never())
        await self.cycles(1)
        self.dut.rst.value = 0
        self._tasks = [cocotb.start_soon(end.run()) for end in (self.source, self.sink)]

    async def cycles(self, count: int) -> None:
        """Let clock cycles go by."""
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def collect(self, count: int, limit: int = 5_000) -> list[int]:
        """The first ``count`` output beats, once they all came."""
        for _ in range(limit):
            if len(self.sink.beats) >= count:
                return self.sink.beats[:count]
            await RisingEdge(self.dut.clk)
        raise TimeoutError(f"{len(self.sink.beats)} of {count} beats in {limit} cycles")
