"""Claims about bm_huffman_decoder."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from bitmason.coding import CodeTable
from hw_tests.bench.claims import IDLE, SEEDS, STALL, pause
from hw_tests.bench.streams import Bench, pattern
from hw_tests.bench.wrapper import Cases
from hw_tests.lib.coded_streams import Code, Symbols, matrix, send

CODES = {
    "short": Code(CodeTable((1, 2, 4, 3, 4)), 1),
    "ternary": Code(matrix((100, 600), 2, 0.63).table, 1),
    "sparse": Code(matrix((100, 600), 4, 0.97).table, 2),
    "plain": Code(matrix((100, 600), 1, 0.89).table, 0),
    "steps": Code(CodeTable((*range(1, 12), 0, 0, 12, 12)), 3),
    "long": Code(CodeTable((12,) * 32), 4),
    "holes": Code(CodeTable((2, 0, 5, 3, 0, 5, 4)), 1),
    "empty": Code(CodeTable((0, 0, 1)), 1),
}
CASES: Cases = {name: code.parameters for name, code in CODES.items()}
LATENCY = 3


async def started(
    dut: Any, case: str, idle: str = "none", stall: str = "none", seed: int = 0
) -> Bench:
    return await Bench.start(dut, f"{case}_", pause(idle, seed), pause(stall, seed + 1))


def error(dut: Any, case: str) -> int:
    return int(getattr(dut, f"{case}_code_error").value)


async def gives(bench: Bench, code: Code, wanted: Symbols) -> None:
    """The next symbols are those, with tlast at each end, and no more come."""
    beats = await bench.collect(len(wanted), limit=50 * len(wanted) + 100)
    assert [code.symbol_of(beat) for beat in beats] == wanted
    assert bench.sink.last[: len(wanted)] == [symbol == code.end for symbol, _ in wanted]
    await bench.cycles(8)
    assert len(bench.sink.beats) == len(wanted), "symbols came that nobody sent"


@cocotb.test()
@cocotb.parametrize(case=[*CASES], idle=IDLE, stall=STALL, seed=SEEDS)
async def gives_the_symbols(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    code = CODES[case]
    rng = np.random.default_rng(seed)
    bench = await started(dut, case, idle, stall, seed)
    wanted: Symbols = []
    for count in (0, 1, 2, 150, 7, 0, 0, 40):
        symbols = code.draw(rng, count)
        send(bench, code.words_of(symbols))
        wanted += symbols
    await gives(bench, code, wanted)
    assert error(dut, case) == 0


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def gives_a_symbol_each_cycle(dut: Any, case: str) -> None:
    """Of any length, and across streams; only an end in two words takes a cycle more."""
    code = CODES[case]
    rng = np.random.default_rng(2)
    bench = await started(dut, case)
    count, gaps = 0, []
    for _ in range(12):
        symbols = code.draw(rng, 60 + int(rng.integers(16)))
        send(bench, code.words_of(symbols))
        count += len(symbols)
        _, _, in_two = code.read(code.words_of(symbols))
        gaps += [1] * (len(symbols) - 1) + [1 + in_two]
    await bench.collect(count)
    np.testing.assert_array_equal(np.diff(bench.sink.taken), gaps[:-1])


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def has_exact_latency(dut: Any, case: str) -> None:
    """From the word in which a symbol starts, or, a cycle less, from the one in which it ends."""
    code = CODES[case]
    bench = await started(dut, case)
    symbols = code.draw(np.random.default_rng(0), 40)
    words = code.words_of(symbols)
    send(bench, words)
    await bench.collect(len(symbols))
    assert bench.sink.offered[0] - bench.source.accepted[0] == LATENCY
    if words[1:]:
        # The first symbol that ends in the second word waits for it and no longer.
        ends = np.cumsum([len(code.text_of(*pair)) for pair in symbols])
        second = int(np.argmax(ends > 16))
        await bench.restart(pattern((0, *[1] * 30)))
        send(bench, words)
        await bench.collect(second + 1)
        starts_there = ends[second] - len(code.text_of(*symbols[second])) == 16
        waited = bench.sink.offered[second] - bench.source.accepted[1]
        assert waited == (LATENCY if starts_there else LATENCY - 1)


@cocotb.test()
@cocotb.parametrize(case=["short", "ternary", "sparse", "steps", "holes"])
async def ends_whatever_a_stream_holds(dut: Any, case: str) -> None:
    """Wrong bits, lost words, noise: as the model says; flagged; and the next one is right."""
    code = CODES[case]
    rng = np.random.default_rng(3)
    bench = await started(dut, case)
    wrong_ones = 0
    for trial in range(120):
        await bench.restart(pause("random", trial), pause("random", trial + 1))
        words = code.words_of(code.draw(rng, int(rng.integers(1, 30))))
        if trial % 3 == 0:
            words = [int(w) for w in rng.integers(0, 1 << 16, rng.integers(1, 6))]
        elif trial % 3 == 1:
            words = words[: int(rng.integers(1, len(words) + 1))]
        else:
            place = int(rng.integers(16 * len(words)))
            words[place // 16] ^= 1 << place % 16
        wanted, wrong, _ = code.read(words)
        after = code.draw(rng, 9)
        send(bench, words)
        send(bench, code.words_of(after))
        await gives(bench, code, [*wanted, *after])
        assert error(dut, case) == wrong
        wrong_ones += wrong
    assert wrong_ones > 30


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def ends_for_each_wrong_bit_and_each_truncation(dut: Any, case: str) -> None:
    """Of a small stream, by words and by bits: it ends, as the model says, and is flagged."""
    code = CODES[case]
    bench = await started(dut, case)
    words = code.words_of(code.draw(np.random.default_rng(6), 24))
    damaged = [
        [word ^ (place // 16 == i) << 15 - place % 16 for i, word in enumerate(words)]
        for place in range(16 * len(words))
    ]
    damaged += [words[:count] for count in range(1, len(words))]
    for count in range(16 * len(words)):  # only that many bits arrive
        kept = [max(0, min(16, count - 16 * i)) for i in range(len(words))]
        damaged.append([w >> 16 - bits << 16 - bits for w, bits in zip(words, kept, strict=True)])
    for trial, wrong_words in enumerate(damaged):
        await bench.restart(None, pause(STALL[trial % 3], trial))
        wanted, wrong, _ = code.read(wrong_words)
        send(bench, wrong_words)
        await gives(bench, code, wanted)
        assert error(dut, case) == wrong


@cocotb.test()
@cocotb.parametrize(case=["short", "ternary", "long"])
async def recovers_from_reset(dut: Any, case: str) -> None:
    """In the middle of a right stream or a wrong one, stalled or not."""
    code = CODES[case]
    rng = np.random.default_rng(4)
    bench = await started(dut, case)
    for cut in range(24):
        await bench.restart(None, pattern((cut % 2,)))
        words = code.words_of(code.draw(rng, 30))
        send(bench, [*words, *words] if cut % 3 == 0 else words)
        await bench.cycles(2 + cut)
        await bench.restart()
        symbols = code.draw(rng, 20)
        send(bench, code.words_of(symbols))
        await gives(bench, code, symbols)
        assert error(dut, case) == 0


@cocotb.test()
@cocotb.parametrize(case=["short", "ternary", "sparse"])
async def one_cycle_of_reset_is_enough(dut: Any, case: str) -> None:
    """With words held, and the first one of a new stream on offer in the very next cycle."""
    code = CODES[case]
    rng = np.random.default_rng(6)
    bench = await started(dut, case)
    for cut in range(12):
        await bench.restart()
        bench.source.send(code.words_of(code.draw(rng, 40))[:2])
        await bench.cycles(3 + cut)
        dut.rst.value = 1
        await FallingEdge(dut.clk)  # queued now, a word is on offer when the reset is over
        symbols = code.draw(rng, 20)
        send(bench, code.words_of(symbols))
        await bench.cycles(1)
        before = len(bench.sink.beats)
        dut.rst.value = 0
        beats = await bench.collect(before + len(symbols))
        assert [code.symbol_of(beat) for beat in beats[before:]] == symbols
        assert error(dut, case) == 0
