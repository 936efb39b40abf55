"""The claims that every streaming cell must meet, parametrised by what the cell computes."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from hw_tests.bench.streams import Bench, Pause, chance, never, pattern

IDLE = ("none", "burst", "random")
STALL = ("none", "burst", "random")
# Of the data and the pauses of each claim: one in CI, as many as `make test-all` says in long runs.
SEEDS = tuple(range(int(os.environ.get("BITMASON_SEEDS", "1"))))

Streams = list[list[int]]  # beats by stream
Beats = TypeVar("Beats", list[int], Streams)


@dataclass(frozen=True)
class Promise(ABC, Generic[Beats]):
    """What one case of a cell promises, whatever its number of streams."""

    # Draws a frame: the beats that go in, and those that must come out.
    frame: Callable[[np.random.Generator], tuple[Beats, Beats]]
    cycles: int  # per frame in steady state
    latency: int  # from the input beat that allows an output beat to the first cycle of its offer
    needs: int = 1  # input beats before the first output beat
    leads: int = 0  # output beats at the start of a frame that need no input, always the same
    inputs: Sequence[str] = ("s_axis",)
    outputs: Sequence[str] = ("m_axis",)

    @abstractmethod
    def streams(self, rng: np.random.Generator) -> tuple[Streams, Streams]:
        """Draw a frame, as one for each stream in and one for each stream out."""


class Contract(Promise[list[int]]):
    """What a cell with one stream in and one stream out promises."""

    def streams(self, rng: np.random.Generator) -> tuple[Streams, Streams]:
        sent, wanted = self.frame(rng)
        return [sent], [wanted]


class Junction(Promise[Streams]):
    """What a cell with several streams promises; `needs` counts the beats of the first one in."""

    def streams(self, rng: np.random.Generator) -> tuple[Streams, Streams]:
        return self.frame(rng)


def pause(kind: str, seed: int) -> Pause:
    """A pause generator by its name."""
    if kind == "none":
        return never()
    if kind == "burst":
        return pattern((*(0, 1, 1, 0, 0, 1)[seed % 3 :], 1, 0))
    return chance(0.4, seed)


def draw(contract: Contract, count: int, seed: int) -> tuple[list[list[int]], list[list[int]]]:
    """Some frames: inputs and expected outputs."""
    (sent,), (wanted,) = draw_streams(contract, count, seed)
    return sent, wanted


def draw_streams(
    promise: Promise[Any], count: int, seed: int
) -> tuple[list[Streams], list[Streams]]:
    """Some frames for each stream in, and those expected of each stream out."""
    rng = np.random.default_rng(seed)
    frames = [promise.streams(rng) for _ in range(count)]
    sent, wanted = zip(*frames, strict=True)
    return _by_stream(sent), _by_stream(wanted)


def _by_stream(frames: Sequence[Streams]) -> list[Streams]:
    return [list(stream) for stream in zip(*frames, strict=True)]


def flat(frames: Streams) -> list[int]:
    """All beats of some frames."""
    return [beat for frame in frames for beat in frame]


def frames_for(promise: Promise[Any], cycles: int) -> int:
    """How many frames fill about that many cycles."""
    return max(3, min(100, cycles // promise.cycles))


async def started(
    dut: Any,
    prefix: str,
    promise: Promise[Any],
    idle: str = "none",
    stall: str = "none",
    seed: int = 0,
) -> Bench:
    """A bench out of reset; every stream has pauses of its own."""
    bench = Bench(dut, prefix, promise.inputs, promise.outputs)
    bench.start_clock()
    await bench.restart(
        [pause(idle, seed + 2 * i) for i in range(len(promise.inputs))],
        [pause(stall, seed + 1 + 2 * i) for i in range(len(promise.outputs))],
    )
    return bench


def send(bench: Bench, sent: list[Streams]) -> None:
    """Queue frames on every stream in."""
    for source, frames in zip(bench.sources, sent, strict=True):
        source.send(flat(frames))


async def expect(bench: Bench, wanted: list[Streams]) -> None:
    """Wait for frames on every stream out, and compare."""
    for stream, frames in enumerate(wanted):
        beats = flat(frames)
        assert await bench.collect(len(beats), stream=stream) == beats, f"stream {stream} is wrong"


async def equals_golden(
    dut: Any, prefix: str, promise: Promise[Any], *, idle: str, stall: str, seed: int
) -> None:
    """The output equals the golden model whatever the pauses, and nothing more comes out."""
    bench = await started(dut, prefix, promise, idle, stall, seed)
    sent, wanted = draw_streams(promise, frames_for(promise, 150), seed)
    send(bench, sent)
    await expect(bench, wanted)
    await bench.cycles(promise.latency + promise.cycles + 3 + 4 * promise.leads)
    for sink, frames in zip(bench.sinks, wanted, strict=True):
        more = sink.beats[len(flat(frames)) :]
        assert more == frames[0][: promise.leads], "beats came out that nobody asked for"


async def runs_at_full_rate(dut: Any, prefix: str, promise: Promise[Any]) -> None:
    """Back-to-back frames take exactly the stated cycles each, once the pipeline is full."""
    bench = await started(dut, prefix, promise)
    sent, wanted = draw_streams(promise, frames_for(promise, 400) + 4, 1)
    send(bench, sent)
    await expect(bench, wanted)
    for sink, frames in zip(bench.sinks, wanted, strict=True):
        ends = np.array(sink.taken)[np.cumsum([len(frame) for frame in frames]) - 1]
        np.testing.assert_array_equal(np.diff(ends)[3:], promise.cycles)


async def has_exact_latency(dut: Any, prefix: str, promise: Promise[Any]) -> None:
    """The first output beat is offered the stated number of cycles after the beat it needs."""
    bench = await started(dut, prefix, promise)
    for seed in range(3):
        sent, wanted = draw_streams(promise, 1, seed)
        send(bench, sent)
        await expect(bench, wanted)
        for sink in bench.sinks:
            first = sink.offered[promise.leads] - bench.source.accepted[promise.needs - 1]
            assert first == promise.latency
        await bench.restart()


async def recovers_from_reset(dut: Any, prefix: str, promise: Promise[Any]) -> None:
    """After a reset at any beat of a frame, stalled or not, the next frames are right."""
    bench = await started(dut, prefix, promise)
    for seed in range(12):
        sent, _ = draw_streams(promise, 3, seed)
        await bench.restart(None, [pattern((seed % 2,)) for _ in promise.outputs])
        send(bench, sent)
        await bench.cycles(2 + seed * max(1, promise.cycles // 5) + seed // 4)
        await bench.restart()
        sent, wanted = draw_streams(promise, 3, seed + 100)
        send(bench, sent)
        await expect(bench, wanted)
