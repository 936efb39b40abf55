"""The claims that every streaming cell must meet, parametrised by what the cell computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_tests.bench.streams import Bench, Pause, chance, never, pattern

IDLE = ("none", "burst", "random")
STALL = ("none", "burst", "random")
SEEDS = (0, 1)


@dataclass(frozen=True)
class Contract:
    """What one case of a cell promises."""

    # Draws a frame: the beats that go in, and those that must come out.
    frame: Callable[[np.random.Generator], tuple[list[int], list[int]]]
    cycles: int  # per frame in steady state
    latency: int  # from the input beat that allows an output beat to the first cycle of its offer
    needs: int = 1  # input beats before the first output beat


def pause(kind: str, seed: int) -> Pause:
    """A pause generator by its name."""
    if kind == "none":
        return never()
    if kind == "burst":
        return pattern((*(0, 1, 1, 0, 0, 1)[seed % 3 :], 1, 0))
    return chance(0.4, seed)


def draw(contract: Contract, count: int, seed: int) -> tuple[list[list[int]], list[list[int]]]:
    """Some frames: inputs and expected outputs."""
    rng = np.random.default_rng(seed)
    frames = [contract.frame(rng) for _ in range(count)]
    return [sent for sent, _ in frames], [wanted for _, wanted in frames]


def flat(frames: list[list[int]]) -> list[int]:
    """All beats of some frames."""
    return [beat for frame in frames for beat in frame]


def frames_for(contract: Contract, cycles: int) -> int:
    """How many frames fill about that many cycles."""
    return max(3, min(100, cycles // contract.cycles))


async def equals_golden(
    dut: Any, prefix: str, contract: Contract, *, idle: str, stall: str, seed: int
) -> None:
    """The output equals the golden model whatever the pauses, and nothing more comes out."""
    bench = await Bench.start(dut, prefix, pause(idle, seed), pause(stall, seed + 1))
    sent, wanted = draw(contract, frames_for(contract, 150), seed)
    bench.source.send(flat(sent))
    assert await bench.collect(len(flat(wanted))) == flat(wanted)
    await bench.cycles(contract.latency + contract.cycles + 3)
    assert len(bench.sink.beats) == len(flat(wanted)), "beats came out that nobody asked for"


async def runs_at_full_rate(dut: Any, prefix: str, contract: Contract) -> None:
    """Back-to-back frames take exactly the stated cycles each, once the pipeline is full."""
    bench = await Bench.start(dut, prefix)
    sent, wanted = draw(contract, frames_for(contract, 400) + 4, 1)
    bench.source.send(flat(sent))
    await bench.collect(len(flat(wanted)))
    ends = np.array(bench.sink.taken)[np.cumsum([len(frame) for frame in wanted]) - 1]
    np.testing.assert_array_equal(np.diff(ends)[3:], contract.cycles)


async def has_exact_latency(dut: Any, prefix: str, contract: Contract) -> None:
    """The first output beat is offered the stated number of cycles after the beat it needs."""
    bench = await Bench.start(dut, prefix)
    for seed in range(3):
        sent, wanted = draw(contract, 1, seed)
        bench.source.send(sent[0])
        await bench.collect(len(wanted[0]))
        first = bench.sink.offered[0] - bench.source.accepted[contract.needs - 1]
        assert first == contract.latency
        await bench.restart()


async def recovers_from_reset(dut: Any, prefix: str, contract: Contract) -> None:
    """After a reset at any beat of a frame, stalled or not, the next frames are right."""
    bench = await Bench.start(dut, prefix)
    for seed in range(12):
        sent, _ = draw(contract, 3, seed)
        stuck = pattern((1,)) if seed % 2 else never()
        await bench.restart(None, stuck)
        bench.source.send(flat(sent))
        await bench.cycles(2 + seed * max(1, contract.cycles // 5) + seed // 4)
        await bench.restart()
        sent, wanted = draw(contract, 3, seed + 100)
        bench.source.send(flat(sent))
        assert await bench.collect(len(flat(wanted))) == flat(wanted)
