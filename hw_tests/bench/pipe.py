"""A model of cells that move by one enable, and the claim that two streams join in step."""

from __future__ import annotations

from collections import deque
from typing import Any

from hw_tests.bench.claims import Promise, draw_streams, frames_for, send, started
from hw_tests.bench.control import Control, Flags


class Pipe(Control):
    """One enable for everything: the last of every `group` beats comes out `depth` later."""

    def __init__(self, depth: int, group: int = 1) -> None:
        self.valid = [False]
        self._group = group
        self._place = 0
        self._stages = deque([False] * depth, depth)

    def ready(self, sink_ready: Flags) -> Flags:
        return [sink_ready[0] or not self.valid[0]]

    def step(self, push: Flags, sink_ready: Flags) -> None:
        if not self.ready(sink_ready)[0]:
            return
        self._place += push[0]
        self._stages.appendleft(self._place == self._group)
        self._place %= self._group
        self.valid = [self._stages[-1]]


async def joins_in_step(
    dut: Any, prefix: str, promise: Promise[Any], depth: int, *, idle: str, stall: str, seed: int
) -> None:
    """In every cycle a pipe takes a beat from both streams or from none, whatever the pauses."""
    bench = await started(dut, prefix, promise, idle, stall, seed)
    sent, wanted = draw_streams(promise, frames_for(promise, 150), seed)
    send(bench, sent)
    model = Pipe(depth)
    moved = 0
    for cycle in range(400):
        await bench.cycles(1)
        (valid0, ready0), (valid1, ready1) = [source.handshake() for source in bench.sources]
        valid, taken = bench.sink.handshake()
        (en,) = model.ready([taken])
        assert valid == model.valid[0], f"tvalid in cycle {cycle}"
        assert ready0 == (en and valid1), f"tready of stream 0 in cycle {cycle}"
        assert ready1 == (en and valid0), f"tready of stream 1 in cycle {cycle}"
        moved += valid and taken
        model.step([en and valid0 and valid1], [taken])
    assert moved >= len(wanted[0][0]), "too few beats moved to tell"
