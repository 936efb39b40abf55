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

    def handshake(self) -> tuple[bool, bool]:
        """tvalid and tready in the present cycle."""
        return bool(self._valid.value), bool(self._ready.value)

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

    def handshake(self) -> tuple[bool, bool]:
        """tvalid and tready in the present cycle."""
        return bool(self._valid.value), bool(self._ready.value)

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
    """One design under test with a source on each stream in and a sink on each stream out."""

    def __init__(
        self,
        dut: Any,
        prefix: str,
        inputs: Sequence[str] = ("s_axis",),
        outputs: Sequence[str] = ("m_axis",),
    ) -> None:
        self.dut = dut
        self.sources: list[Source] = []
        self.sinks: list[Sink] = []
        self._inputs = [prefix + name for name in inputs]
        self._outputs = [prefix + name for name in outputs]
        self._tasks: list[Task[Never]] = []

    @classmethod
    async def start(
        cls, dut: Any, prefix: str = "", idle: Pause | None = None, stall: Pause | None = None
    ) -> Bench:
        """Start the clock, reset, and let both ends run."""
        bench = cls(dut, prefix)
        bench.start_clock()
        await bench.restart(idle, stall)
        return bench

    @property
    def source(self) -> Source:
        """The source of the first stream in."""
        return self.sources[0]

    @property
    def sink(self) -> Sink:
        """The sink of the first stream out."""
        return self.sinks[0]

    def start_clock(self) -> None:
        """Let the clock run; the design is not reset yet."""
        Clock(self.dut.clk, PERIOD_NS, unit="ns").start()

    async def restart(
        self,
        idle: Pause | Sequence[Pause] | None = None,
        stall: Pause | Sequence[Pause] | None = None,
    ) -> None:
        """Reset in whatever state the design is, with fresh ends; pauses by stream or for one."""
        for task in self._tasks:
            task.cancel()
        self.dut.rst.value = 1
        await self.cycles(2)
        # Only now, in reset, may a beat that was on offer go away.
        self.sources = [Source(self.dut, *end) for end in _paused(self._inputs, idle)]
        self.sinks = [Sink(self.dut, *end) for end in _paused(self._outputs, stall)]
        await self.cycles(1)
        self.dut.rst.value = 0
        ends: list[Source | Sink] = [*self.sources, *self.sinks]
        self._tasks = [cocotb.start_soon(end.run()) for end in ends]

    async def cycles(self, count: int) -> None:
        """Let clock cycles go by."""
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def collect(self, count: int, limit: int = 5_000, stream: int = 0) -> list[int]:
        """The first ``count`` beats of a stream out, once they all came."""
        sink = self.sinks[stream]
        for _ in range(limit):
            if len(sink.beats) >= count:
                return sink.beats[:count]
            await RisingEdge(self.dut.clk)
        raise TimeoutError(f"{len(sink.beats)} of {count} beats in {limit} cycles")


def _paused(
    streams: Sequence[str], pauses: Pause | Sequence[Pause] | None
) -> list[tuple[str, Pause]]:
    """Each stream with its pauses."""
    if pauses is None:
        return [(name, never()) for name in streams]
    by_stream = pauses if isinstance(pauses, Sequence) else [pauses]
    return list(zip(streams, by_stream, strict=True))
