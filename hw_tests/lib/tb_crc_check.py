"""Claims about bm_crc_check: right streams pass, each wrong bit and each cut is remembered."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from bitmason.coding.bits import checked
from hw_tests.bench.claims import IDLE, STALL, pause
from hw_tests.bench.packing import words
from hw_tests.bench.streams import Bench
from hw_tests.bench.wrapper import Bits, Cases
from hw_tests.lib.coded_streams import send

SEEDS = {"plain": 0, "seeded": 0x12345678}
CASES: Cases = {name: {"SEED": Bits(seed, 32)} for name, seed in SEEDS.items()}


def stream(rng: np.random.Generator, count: int, case: str) -> list[int]:
    return [int(word) for word in checked(np.array(words(rng, count, 16)), SEEDS[case])]


def error(dut: Any, case: str) -> int:
    return int(getattr(dut, f"{case}_check_error").value)


async def passes(bench: Bench, streams: list[list[int]]) -> None:
    """All words but the last two of each stream come, the last of them marked."""
    wanted = [word for each in streams for word in each[:-2]]
    assert await bench.collect(len(wanted)) == wanted
    last = [i == len(each) - 3 for each in streams for i in range(len(each) - 2)]
    assert bench.sink.last[: len(wanted)] == last
    await bench.cycles(4)
    assert len(bench.sink.beats) == len(wanted)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL)
async def passes_right_streams(dut: Any, case: str, idle: str, stall: str) -> None:
    rng = np.random.default_rng(0)
    bench = await Bench.start(dut, f"{case}_", pause(idle, 1), pause(stall, 2))
    streams = [stream(rng, count, case) for count in (1, 2, 3, 40, 1, 1, 9)]
    for each in streams:
        send(bench, each)
    await passes(bench, streams)
    assert error(dut, case) == 0


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def takes_a_word_each_cycle(dut: Any, case: str) -> None:
    """A word goes on in the very cycle in which the second one behind it is taken."""
    rng = np.random.default_rng(1)
    bench = await Bench.start(dut, f"{case}_")
    streams = [stream(rng, count, case) for count in (5, 1, 8)]
    for each in streams:
        send(bench, each)
    await passes(bench, streams)
    accepted = np.array(bench.source.accepted)
    np.testing.assert_array_equal(np.diff(accepted), 1)
    starts = np.cumsum([0, *map(len, streams)])[:-1]
    behind = [at + i + 2 for at, e in zip(starts, streams, strict=True) for i in range(len(e) - 2)]
    np.testing.assert_array_equal(accepted[behind], bench.sink.taken)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def remembers_each_wrong_bit(dut: Any, case: str) -> None:
    """In any place of a stream; the next one passes, and the error stays until reset."""
    rng = np.random.default_rng(2)
    bench = await Bench.start(dut, f"{case}_")
    right = stream(rng, 6, case)
    for place in range(16 * len(right)):
        await bench.restart()
        assert error(dut, case) == 0
        wrong = [word ^ (place // 16 == i) << place % 16 for i, word in enumerate(right)]
        send(bench, wrong)
        await bench.collect(len(wrong) - 2)
        assert error(dut, case) == 1, f"bit {place}"
        send(bench, right)
        await passes(bench, [wrong, right])
        assert error(dut, case) == 1


@cocotb.test()
@cocotb.parametrize(case=[*CASES], stall=STALL)
async def remembers_each_cut(dut: Any, case: str, stall: str) -> None:
    """However short what is left: a word goes on for it, and the next stream passes."""
    rng = np.random.default_rng(3)
    bench = await Bench.start(dut, f"{case}_")
    right = stream(rng, 6, case)
    for count in range(1, len(right)):
        await bench.restart(None, pause(stall, count))
        send(bench, right[:count])
        send(bench, right)
        passed = max(1, count - 2)
        beats = await bench.collect(passed + 6)
        assert beats[passed:] == right[:-2]
        assert bench.sink.last[: passed + 6] == [
            i in (passed - 1, passed + 5) for i in range(passed + 6)
        ]
        assert error(dut, case) == 1


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def recovers_from_reset(dut: Any, case: str) -> None:
    rng = np.random.default_rng(4)
    bench = await Bench.start(dut, f"{case}_")
    for cut in range(9):
        await bench.restart()
        send(bench, stream(rng, 5, case))
        await bench.cycles(cut)
        await bench.restart()
        right = stream(rng, 3, case)
        send(bench, right)
        await passes(bench, [right])
        assert error(dut, case) == 0
