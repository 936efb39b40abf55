"""Cells held to a model of their control, cycle by cycle: which beats move when, without data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hw_tests.bench.claims import Promise, draw_streams, frames_for, send, started

Flags = list[bool]  # by stream


class Control(ABC):
    """The handshake of a cell; a new one is that of a cell out of reset."""

    valid: Flags

    @abstractmethod
    def ready(self, sink_ready: Flags) -> Flags:
        """Whether each stream in is ready in this cycle."""

    @abstractmethod
    def step(self, push: Flags, sink_ready: Flags) -> None:
        """Go to the next cycle; `push` says which streams in gave a beat."""


@dataclass(frozen=True)
class Step:
    """One step of a pattern: the stream in that it takes a beat from, and whether it emits one."""

    takes: int | None = 0
    emits: bool = True


class Pattern(Control):
    """One output register, and steps that repeat for ever."""

    def __init__(self, steps: Sequence[Step], inputs: int = 1) -> None:
        self.valid = [False]
        self._steps = steps
        self._inputs = inputs
        self._at = 0

    def ready(self, sink_ready: Flags) -> Flags:
        en = sink_ready[0] or not self.valid[0]
        return [en and self._steps[self._at].takes == i for i in range(self._inputs)]

    def step(self, push: Flags, sink_ready: Flags) -> None:
        if self.valid[0] and not sink_ready[0]:
            return
        present = self._steps[self._at]
        fires = present.takes is None or push[present.takes]
        self.valid = [fires and present.emits]
        self._at = (self._at + fires) % len(self._steps)


async def moves_as_modelled(
    dut: Any,
    prefix: str,
    promise: Promise[Any],
    control: Callable[[], Control],
    *,
    idle: str,
    stall: str,
    seed: int,
) -> None:
    """In every cycle, each tvalid out and tready in is that of the model, whatever the pauses."""
    bench = await started(dut, prefix, promise, idle, stall, seed)
    sent, wanted = draw_streams(promise, frames_for(promise, 150), seed)
    send(bench, sent)
    model = control()
    moved = 0
    for cycle in range(400):
        await bench.cycles(1)
        offers = [source.handshake() for source in bench.sources]
        takes = [sink.handshake() for sink in bench.sinks]
        sink_ready = [ready for _, ready in takes]
        ready = model.ready(sink_ready)
        assert [valid for valid, _ in takes] == model.valid, f"tvalid in cycle {cycle}"
        assert [ready for _, ready in offers] == ready, f"tready in cycle {cycle}"
        moved += sum(valid and taken for valid, taken in takes)
        model.step([valid and go for (valid, _), go in zip(offers, ready, strict=True)], sink_ready)
    assert moved >= len(wanted[0][0]), "too few beats moved to tell"
