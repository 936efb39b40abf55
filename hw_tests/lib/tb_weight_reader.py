"""Claims about bm_weight_reader: right streams become a matrix, wrong ones are flagged in time."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from hw_tests.bench.claims import IDLE, SEEDS, STALL, pause
from hw_tests.bench.streams import Bench, pattern
from hw_tests.bench.wrapper import Cases
from hw_tests.lib.coded_streams import Code, Matrix, entry_beats, matrix, meant, send

MATRICES = {
    "ternary": matrix((6, 20), 2, 0.63),
    "quinary": matrix((3, 100), 4, 0.9),
    "taps": matrix((12, 9), 2, 0.85),
    "plain": matrix((5, 12), 1, 0.5),
    "empty": matrix((9, 4), 0, 1),
    "full": matrix((4, 4), 7, 0.05),
    "septenary": matrix((3, 32), 6, 0.7),
}
CASES: Cases = {name: one.parameters for name, one in MATRICES.items()}
LATENCY = 4


def error(dut: Any, case: str) -> int:
    return int(getattr(dut, f"{case}_stream_error").value)


def wanted_of(one: Matrix) -> list[int]:
    return entry_beats(one.codes, max(1, one.head.code_bits))


def told(one: Matrix, beats: list[int]) -> list[int]:
    return [meant(beat, one.head.columns, max(1, one.head.code_bits)) for beat in beats]


def row_ends(one: Matrix, beats: list[int]) -> int:
    top = 1 + max(1, (one.head.columns - 1).bit_length()) + max(1, one.head.code_bits)
    return sum(beat >> top for beat in beats)


def symbols_before(one: Matrix) -> int:
    """How many symbols come before the one with which the first beat goes out."""
    code = Code(one.table, one.head.code_bits)
    symbols, _, _ = code.read(one.words[:-2])
    at, entries = 0, 0
    for index, (symbol, _) in enumerate(symbols):
        is_entry = symbol < code.end - 1
        if symbol == code.end or at + symbol >= one.head.columns or (is_entry and entries):
            return index
        at, entries = at + symbol + is_entry, entries + is_entry
    raise AssertionError("a stream without an end")


async def verdict(dut: Any, case: str, bench: Bench) -> int:
    """stream_error in the cycle of the first last beat, which must come."""
    valid, ready, last = (getattr(dut, f"{case}_m_axis_{n}") for n in ("tvalid", "tready", "tlast"))
    for _ in range(4000):
        await RisingEdge(dut.clk)
        if valid.value and ready.value and last.value:
            found = error(dut, case)
            await bench.cycles(1)
            return found
    raise TimeoutError("a stream never ended")


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def gives_the_matrix(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    one = MATRICES[case]
    bench = await Bench.start(dut, f"{case}_", pause(idle, seed), pause(stall, seed + 1))
    for _ in range(3):
        send(bench, one.words)
    wanted = wanted_of(one)
    assert told(one, await bench.collect(3 * len(wanted))) == 3 * wanted
    assert bench.sink.last[: 3 * len(wanted)] == 3 * ([False] * (len(wanted) - 1) + [True])
    assert error(dut, case) == 0


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def has_exact_latency(dut: Any, case: str) -> None:
    """The first entry goes out with the symbol that shows what follows it, a symbol each cycle."""
    one = MATRICES[case]
    bench = await Bench.start(dut, f"{case}_")
    send(bench, one.words)
    await bench.collect(1)
    first = bench.sink.offered[0] - bench.source.accepted[2]
    assert first == LATENCY + symbols_before(one)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def flags_each_single_wrong_bit(dut: Any, case: str) -> None:
    """At the last beat at the latest, which comes, behind exactly as many rows as there are."""
    one = MATRICES[case]
    words = one.words
    bench = await Bench.start(dut, f"{case}_")
    for place in range(16 * len(words)):
        await bench.restart()
        send(bench, [word ^ (place // 16 == i) << place % 16 for i, word in enumerate(words)])
        assert await verdict(dut, case, bench) == 1, f"bit {place}"
        assert row_ends(one, bench.sink.beats) == one.head.rows
        assert len(bench.source.accepted) <= len(words)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def flags_each_truncation(dut: Any, case: str) -> None:
    """And lets the stream behind it through as it is."""
    one = MATRICES[case]
    words = one.words
    bench = await Bench.start(dut, f"{case}_")
    for count in range(1, len(words)):
        await bench.restart(None, pause(STALL[count % 3], count))
        send(bench, words[:count])
        assert await verdict(dut, case, bench) == 1, f"{count} words"
        assert row_ends(one, bench.sink.beats) == one.head.rows
        before = len(bench.sink.beats)
        send(bench, words)
        wanted = wanted_of(one)
        found = await bench.collect(before + len(wanted))
        assert told(one, found[before:]) == wanted
        assert error(dut, case) == 1


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def ends_for_any_words(dut: Any, case: str) -> None:
    """Noise of any length: taken to its last word, flagged, and all rows come."""
    one = MATRICES[case]
    rng = np.random.default_rng(0)
    bench = await Bench.start(dut, f"{case}_")
    for trial in range(40):
        await bench.restart(pause("random", trial), pause("random", trial + 1))
        words = [int(word) for word in rng.integers(0, 1 << 16, rng.integers(1, 40))]
        send(bench, words)
        assert await verdict(dut, case, bench) == 1
        await bench.cycles(80)
        assert len(bench.source.accepted) == len(words)
        assert row_ends(one, bench.sink.beats) == one.head.rows


@cocotb.test()
@cocotb.parametrize(case=["ternary", "quinary", "taps", "plain", "empty"])
async def tells_crafted_streams_apart(dut: Any, case: str) -> None:
    """Under right checksums: the matrix where there is one, and the verdict of the golden model."""
    one = MATRICES[case]
    rng = np.random.default_rng(5)
    bench = await Bench.start(dut, f"{case}_")
    rights = 0
    for trial in range(80):
        await bench.restart(pause(STALL[trial % 3], trial), pause(IDLE[trial // 3 % 3], trial))
        words = one.crafted(rng)
        send(bench, words)
        wanted = one.told(words)
        assert await verdict(dut, case, bench) == (wanted is None)
        assert wanted is None or told(one, bench.sink.beats) == wanted
        rights += wanted is not None
    assert 5 < rights < 75


@cocotb.test()
@cocotb.parametrize(case=["ternary", "taps"])
async def recovers_from_reset(dut: Any, case: str) -> None:
    one = MATRICES[case]
    bench = await Bench.start(dut, f"{case}_")
    for cut in range(24):
        await bench.restart(None, pattern((cut % 2,)))
        send(bench, one.words)
        await bench.cycles(2 + cut)
        await bench.restart()
        send(bench, one.words)
        wanted = wanted_of(one)
        assert told(one, await bench.collect(len(wanted))) == wanted
        assert error(dut, case) == 0
