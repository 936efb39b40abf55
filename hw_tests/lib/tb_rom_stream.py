"""Claims about bm_rom_stream."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from hw_tests.bench.claims import SEEDS, STALL, pause
from hw_tests.bench.packing import mem_text
from hw_tests.bench.streams import Bench, Sink, never, now, pattern
from hw_tests.bench.wrapper import Cases

LENGTHS = {"one": 1, "two": 2, "some": 13, "power": 32}
STYLES = {"one": "auto", "two": "logic", "some": "distributed", "power": "block"}
CASES: Cases = {
    f"{name}_{'loop' if loop else 'once'}": {
        "WORDS": words,
        "LOOP": loop,
        "INIT_FILE": f"tables/{name}.mem",
        "STYLE": STYLES[name],
    }
    for name, words in LENGTHS.items()
    for loop in (True, False)
}


def lines(name: str) -> list[int]:
    """{tlast, word} of each line."""
    rng = np.random.default_rng(len(name))
    return [int(line) for line in rng.integers(0, 1 << 17, LENGTHS[name])]


def files() -> dict[str, str]:
    """The memories."""
    return {f"tables/{name}.mem": mem_text(lines(name), 17) for name in LENGTHS}


def wanted(case: str, most: int) -> list[int]:
    """The first lines that come, at most that many."""
    own = lines(case.split("_")[0])
    return list(islice(cycle(own), most)) if case.endswith("loop") else own


class OutBench(Bench):
    """A bench of a design that takes nothing."""

    def __init__(self, dut: Any, prefix: str) -> None:
        super().__init__(dut, prefix, inputs=())


def found(sink: Sink) -> list[int]:
    """The lines that came."""
    return [last << 16 | word for word, last in zip(sink.beats, sink.last, strict=True)]


async def gives(bench: Bench, case: str) -> None:
    """What comes is what must come, and nothing behind it."""
    first = wanted(case, 100)
    await bench.collect(len(first))
    await bench.cycles(50)
    assert found(bench.sink)[: len(first)] == first
    assert case.endswith("loop") or len(bench.sink.beats) == len(first)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], stall=STALL, seed=SEEDS)
async def gives_the_words(dut: Any, case: str, stall: str, seed: int) -> None:
    bench = await OutBench.start(dut, f"{case}_", stall=pause(stall, seed))
    await gives(bench, case)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def gives_a_word_each_cycle(dut: Any, case: str) -> None:
    """From 1 cycle behind reset on, though nothing was ready before."""
    bench = await OutBench.start(dut, f"{case}_", stall=never())
    first = wanted(case, 70)
    await bench.collect(len(first))
    np.testing.assert_array_equal(np.diff(bench.sink.taken[: len(first)]), 1)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def recovers_from_a_short_reset(dut: Any, case: str) -> None:
    """A reset of one cycle, at any word, stalled or not: word 0 is there 1 cycle behind it."""
    bench = await OutBench.start(dut, f"{case}_")
    for cut in range(20):
        await bench.restart(None, pattern((cut % 2,)))
        await bench.cycles(cut)
        bench.sink.resume()
        dut.rst.value = 1
        await bench.cycles(1)
        ended = now()
        dut.rst.value = 0
        await RisingEdge(dut.clk)
        done, offers = len(bench.sink.beats), len(bench.sink.offered)
        first = wanted(case, 40)
        await bench.collect(done + len(first))
        assert found(bench.sink)[done:][: len(first)] == first
        assert bench.sink.offered[offers] == ended + 2
