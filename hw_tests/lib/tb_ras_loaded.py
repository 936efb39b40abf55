"""Claims about bm_ras_loaded: nothing comes before the right lists came, then what bm_ras gives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge

from bitmason.backends.layers.ras.loaded import CodedLists, coded_lists
from bitmason.coding.gaps import gaps_of, runs_of, symbols_of
from bitmason.coding.streams import read, write
from hw_tests.bench.claims import IDLE, SEEDS, STALL, draw, flat, pause
from hw_tests.bench.packing import IntArray
from hw_tests.bench.streams import Bench, Pause, never, now, pattern
from hw_tests.bench.wrapper import Bits, Cases
from hw_tests.lib import tb_ras
from hw_tests.lib.tb_ras import SHAPES, contract, depth, lists

STYLES = {"in_luts": "distributed", "in_blocks": "block"}
NAMES = [
    *("one", "one_signed", "column", "row", "row_banks", "ternary", "alone", "banks"),
    *("scalers_banks", "scaler_each", "groups", "lanes_groups", "dense", "sparse", "empty"),
    *STYLES,
]
SMALL = ["one", "column", "empty"]
FRAMES = 3


@cache
def coded(case: str) -> CodedLists:
    return coded_lists(lists(case))


def stream(case: str) -> list[int]:
    """The right stream of a case."""
    return [int(word) for word in coded(case).words]


def cases() -> Cases:
    """The parameters of the cell."""
    found = {}
    plain = tb_ras.cases()
    for case in NAMES:
        code = coded(case).code
        packed = sum(length << 4 * symbol for symbol, length in enumerate(code.lengths))
        found[case] = {name: of for name, of in plain[case].items() if name != "LISTS_FILE"} | {
            "RUNS": code.runs,
            "SYMBOLS": len(code.lengths),
            "LENGTHS": Bits(packed, 128),
            "SEED": Bits(code.seed, 32),
            "LIST_STYLE": STYLES.get(case, "auto"),
        }
    return found


def files() -> dict[str, str]:
    """The memories of picks."""
    return {path: text for path, text in tb_ras.files().items() if path.endswith("picks.mem")}


class Loading:
    """A cell with its two streams in."""

    def __init__(self, dut: Any, case: str) -> None:
        self.bench = Bench(dut, f"{case}_", ("s_axis", "s_axis_lists"))
        self.case = case
        self._dut = dut
        self.bench.start_clock()

    async def restart(
        self, idle: Sequence[Pause] | None = None, stall: Pause | None = None
    ) -> None:
        await self.bench.restart(idle, stall)

    def load(self, words: Sequence[int]) -> None:
        self.bench.sources[1].send(words, [False] * (len(words) - 1) + [True])

    def feed(self, seed: int) -> list[int]:
        """Send some frames, and return what must come."""
        sent, wanted = draw(contract(self.case), FRAMES, seed)
        self.bench.source.send(flat(sent))
        return flat(wanted)

    async def gives(self, wanted: list[int]) -> None:
        assert await self.bench.collect(len(wanted)) == wanted
        assert self.state() == (1, 0)

    def state(self) -> tuple[int, int]:
        """`loaded` and `lists_error`."""
        names = ("loaded", "lists_error")
        loaded, error = (int(getattr(self._dut, f"{self.case}_{n}").value) for n in names)
        return loaded, error

    async def stays_quiet(self, words: int) -> None:
        """The lists were refused, all words were taken, and no vector was worked on."""
        most = 6 * coded(self.case).symbols + contract(self.case).latency + 40
        for _ in range(most):
            await self.bench.cycles(1)
            if self.state() == (0, 1):
                break
        await self.bench.cycles(contract(self.case).cycles + contract(self.case).latency + words)
        assert self.state() == (0, 1)
        assert self.bench.sink.offered == []
        assert len(self.bench.sources[1].accepted) == words
        assert len(self.bench.source.accepted) <= 2 * contract(self.case).needs


@cocotb.test()
@cocotb.parametrize(case=NAMES, idle=IDLE, stall=STALL, seed=SEEDS)
async def equals_golden(dut: Any, case: str, idle: str, stall: str, seed: int) -> None:
    """Whatever the pauses, those of the lists too, and nothing more comes out."""
    cell = Loading(dut, case)
    lists_idle = IDLE[(IDLE.index(idle) + seed) % 3]
    await cell.restart([pause(idle, seed), pause(lists_idle, seed + 2)], pause(stall, seed + 1))
    cell.load(stream(case))
    wanted = cell.feed(seed)
    await cell.gives(wanted)
    await cell.bench.cycles(contract(case).latency + contract(case).cycles + 3)
    assert len(cell.bench.sink.beats) == len(wanted)


@cocotb.test()
@cocotb.parametrize(case=NAMES)
async def starts_when_modelled(dut: Any, case: str) -> None:
    """The lists take a cycle a symbol, and the first of two waiting vectors its steps from then."""
    cell = Loading(dut, case)
    await cell.restart()
    cell.load(stream(case))
    wanted = cell.feed(1)
    while cell.state()[0] == 0:
        await RisingEdge(dut.clk)
    begin = cell.bench.sources[1].accepted[0]
    needs = contract(case).needs
    assert now() - begin == coded(case).symbols + 6
    await cell.gives(wanted)
    # In the design of a layer the memory offers the first word in cycle 1.
    first_step = begin - 1 + coded(case).code.start
    there = cell.bench.source.accepted[needs - 1] + 1
    emits = int(np.argmax(lists(case).beats[0]))
    assert cell.bench.sink.offered[0] == max(first_step, there) + emits + depth(SHAPES[case])


@cocotb.test()
@cocotb.parametrize(case=NAMES)
async def holds_two_vectors_without_lists(dut: Any, case: str) -> None:
    """And all that was held is worked on when they come."""
    cell = Loading(dut, case)
    await cell.restart()
    wanted = cell.feed(2)
    total, needs = len(wanted), contract(case).needs
    await cell.bench.cycles(3 * needs + contract(case).latency + contract(case).cycles)
    assert cell.bench.sink.offered == []
    assert cell.state() == (0, 0)
    assert len(cell.bench.source.accepted) == min(2 * needs, FRAMES * SHAPES[case].groups * needs)
    cell.load(stream(case))
    await cell.gives(wanted)
    assert len(cell.bench.sink.beats) == total


@cocotb.test()
@cocotb.parametrize(case=SMALL)
async def refuses_each_single_wrong_bit(dut: Any, case: str) -> None:
    """For good: the right lists behind it are taken and change nothing; reset asks for new ones."""
    cell = Loading(dut, case)
    right = stream(case)
    for place in range(16 * len(right)):
        await cell.restart()
        cell.feed(place)
        cell.load([word ^ (place // 16 == i) << place % 16 for i, word in enumerate(right)])
        cell.load(right)
        await cell.stays_quiet(2 * len(right))
    await cell.restart()
    cell.load(right)
    await cell.gives(cell.feed(0))


@cocotb.test()
@cocotb.parametrize(case=[*SMALL, "row_banks", "groups"])
async def refuses_each_truncation(dut: Any, case: str) -> None:
    cell = Loading(dut, case)
    right = stream(case)
    for count in range(1, len(right)):
        await cell.restart([never(), pause(IDLE[count % 3], count)], pause(STALL[count % 3], count))
        cell.feed(count)
        cell.load(right[:count])
        await cell.stays_quiet(count)
        await cell.restart()
        cell.load(right)
        await cell.gives(cell.feed(count))


@cocotb.test()
@cocotb.parametrize(case=["ternary", "row_banks", "banks", "lanes_groups", "sparse"])
async def refuses_other_lists_under_a_right_checksum(dut: Any, case: str) -> None:
    """One addition more or less, or a run without any: as many rows, but not those of this unit."""
    cell = Loading(dut, case)
    head = coded(case).head
    codes = read(head, coded(case).words)
    rng = np.random.default_rng(0)
    kinds: list[str] = []
    for _ in range(200):
        kind, changed = _changed(codes, rng)
        if kinds.count(kind) < 4 and _has_a_stream(case, changed):
            kinds.append(kind)
            words = [int(word) for word in write(head, changed)]
            await cell.restart()
            cell.feed(1)
            cell.load(words)
            await cell.stays_quiet(len(words))
    assert len(set(kinds)) > 1, "too few kinds of damage to tell"


def _changed(codes: IntArray, rng: np.random.Generator) -> tuple[str, IntArray]:
    """Return rows with an entry more, one less, or a row without entries; and which of these."""
    changed = codes.copy()
    row, slot = (int(rng.integers(size)) for size in codes.shape)
    changed[row, slot] = -1 - changed[row, slot]
    if changed[row, slot] == 0:
        return "more", changed
    return "less" if (changed[row] == 0).any() else "empty", changed


def _has_a_stream(case: str, codes: IntArray) -> bool:
    """Tell whether all symbols of some rows have a code."""
    lengths = coded(case).code.lengths
    symbols = symbols_of(runs_of(gaps_of(codes)[0]), len(lengths))
    return all(lengths[symbol] for symbol in np.unique(symbols))


@cocotb.test()
@cocotb.parametrize(case=["column", "ternary", "lanes_groups", "one"])
async def ignores_what_follows(dut: Any, case: str) -> None:
    """Streams behind the first one are taken, right or wrong, while vectors are worked on."""
    cell = Loading(dut, case)
    rng = np.random.default_rng(2)
    await cell.restart(None, pause("random", 3))
    right = stream(case)
    noise = [int(word) for word in rng.integers(0, 1 << 16, 30)]
    for words in (right, noise, right[:-1], right):
        cell.load(words)
    wanted = cell.feed(3)
    await cell.gives(wanted)
    await cell.bench.cycles(4 * coded(case).symbols + 90)
    assert len(cell.bench.sources[1].accepted) == 3 * len(right) + 29
    await cell.gives([*wanted, *cell.feed(4)])


@cocotb.test()
@cocotb.parametrize(case=["column", "row_banks", "scaler_each", "one", "in_blocks"])
async def loads_again_after_reset(dut: Any, case: str) -> None:
    """At any time: in the middle of right lists or wrong ones, or of a vector, stalled or not."""
    cell = Loading(dut, case)
    right = stream(case)
    last = coded(case).symbols + 2 * contract(case).cycles + 12
    for cut in range(1, last, max(1, last // 40)):
        await cell.restart(None, pattern((cut % 2,)))
        cell.load(right if cut % 3 else [*right[:-1], right[-1] ^ 1])
        cell.feed(cut)
        await cell.bench.cycles(cut)
        await cell.restart([never(), pause(IDLE[cut % 3], cut)])
        assert cell.state() == (0, 0)
        cell.load(right)
        await cell.gives(cell.feed(cut + 1))


@cocotb.test()
@cocotb.parametrize(case=["column", "row_banks", "one", "in_blocks"])
async def one_cycle_of_reset_is_enough(dut: Any, case: str) -> None:
    """However far lists came, with the first word of new ones on offer in the very next cycle."""
    cell = Loading(dut, case)
    right = stream(case)
    for cut in range(1, len(right) + 1):
        await cell.restart()
        cell.bench.sources[1].send(right[:cut], [False] * (len(right) - 1) + [True])
        while len(cell.bench.sources[1].accepted) < cut:
            await cell.bench.cycles(1)
        await cell.bench.cycles((5 * cut) % 23)
        dut.rst.value = 1
        await FallingEdge(dut.clk)  # queued now, a word is on offer when the reset is over
        cell.load(right)
        wanted = cell.feed(cut)
        await cell.bench.cycles(1)
        dut.rst.value = 0
        await cell.gives(wanted)
