"""A model of the control of bm_mvu_bitserial, and the claim that the cell moves as it does."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from hw_tests.bench.claims import Promise, draw_streams, flat, frames_for, send, started
from hw_tests.bench.packing import unpack

Setting = tuple[int, int]  # bits of the weights, bits of the activations

CYCLES = 400  # that are compared


@dataclass(frozen=True)
class Loops:
    """How often a bit-serial unit does what."""

    beats: int  # per word, each for as many cycles as it has planes
    words: int  # per vector
    rows: int  # of weights for each vector
    vectors: int  # per frame
    depth: int  # registers behind that of the planes
    full: Setting
    knob_bits: int  # of one knob; 0: all frames have the full setting

    def setting(self, word: int) -> Setting:
        """What a beat of knobs says."""
        wbits, abits = unpack(word, self.knob_bits, 2)
        return wbits, abits


class Serial:
    """The handshake of a unit out of reset; `settings` are those of the frames, where they vary."""

    def __init__(self, loops: Loops, settings: Iterable[Setting] = ()) -> None:
        self.valid = False
        self._loops = loops
        self._settings = chain(settings, repeat(loops.full))
        self._setting = (0, 0)  # of the frame whose beat is at hand
        self._taken = 0  # beats of the frame
        self._left = 0  # planes of the beat at hand
        self._written = 0  # beats of the vector
        self._vectors: deque[Setting] = deque()  # those whose first plane was written
        self._level = 0
        self._index = 0
        self._passes = 0
        self._fetched = False
        self._row_ends = False  # with the word that was fetched last
        self._stages = deque([False] * loops.depth, loops.depth)

    def ready(self, offered: list[bool]) -> list[bool]:
        """Whether each stream in is ready, given what they offer."""
        is_open = self._left == 0 or (self._left == 1 and self._has_space)
        if not self._loops.knob_bits:
            return [is_open]
        starts = self._taken == 0
        return [is_open and (offered[1] or not starts), is_open and starts and offered[0]]

    def step(self, push: bool, sink_ready: bool) -> None:
        """Go to the next cycle; `push` says whether a beat is taken in this one."""
        stored = self._write()
        freed = self._read(sink_ready or not self.valid)
        self._level += stored - freed
        if push:
            if self._taken == 0:
                self._setting = next(self._settings)
            loops = self._loops
            self._taken = (self._taken + 1) % (loops.beats * loops.words * loops.vectors)
            self._left = self._setting[1]

    @property
    def _has_space(self) -> bool:
        return self._level < 2 * self._loops.words

    def _write(self) -> int:
        """Write a plane of the beat at hand; return the number of words that this completes."""
        if self._left == 0 or not self._has_space:
            return 0
        if self._written == 0 and self._left == self._setting[1]:
            self._vectors.append(self._setting)
        self._left -= 1
        if self._left > 0:
            return 0
        self._written = (self._written + 1) % (self._loops.beats * self._loops.words)
        return int(self._written % self._loops.beats == 0)

    def _read(self, enabled: bool) -> int:
        """Move what was fetched, and fetch; return the number of words that this frees."""
        fetch = self._index < self._level and (enabled or not self._fetched)
        if enabled:
            self._stages.appendleft(self._fetched and self._row_ends)
            self.valid = self._stages[-1]
            self._fetched = False
        if not fetch:
            return 0
        self._fetched = True
        self._index = (self._index + 1) % self._loops.words
        self._passes += self._index == 0
        wbits, abits = self._vectors[0]
        self._row_ends = self._index == 0 and self._passes % (wbits * abits) == 0
        if self._index > 0 or self._passes < wbits * abits * self._loops.rows:
            return 0
        self._passes = 0
        self._vectors.popleft()
        return self._loops.words


async def moves_as_specified(
    dut: Any, prefix: str, promise: Promise[Any], loops: Loops, *, idle: str, stall: str
) -> None:
    """In every cycle each tvalid out and tready in is that of the model, and all data is right."""
    bench = await started(dut, prefix, promise, idle, stall, seed=len(prefix))
    sent, wanted = draw_streams(promise, frames_for(promise, 300), seed=len(prefix))
    send(bench, sent)
    knobs = flat(sent[1]) if loops.knob_bits else []
    model = Serial(loops, map(loops.setting, knobs))
    for cycle in range(CYCLES):
        await bench.cycles(1)
        offers = [source.handshake() for source in bench.sources]
        valid, taken = bench.sink.handshake()
        ready = model.ready([offered for offered, _ in offers])
        assert valid == model.valid, f"tvalid in cycle {cycle}"
        assert [ready for _, ready in offers] == ready, f"tready in cycle {cycle}"
        model.step(offers[0][0] and ready[0], taken)
    beats = bench.sink.beats
    assert beats, "too few beats moved to tell"
    assert beats == flat(wanted[0])[: len(beats)]
