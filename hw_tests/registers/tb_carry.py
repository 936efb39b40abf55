"""Claims about counters that pass from one word to the next; they start just below 2**32."""

from __future__ import annotations

from typing import Any

import cocotb

from hw_tests.registers.bench import Bench

BELOW = 40  # cycles before the carry
START = (1 << 32) - BELOW


@cocotb.test(timeout_time=50, timeout_unit="us")
@cocotb.parametrize(between=[0, 1, 2, 3, 5, 8], stall=[0.0, 0.4])
async def both_words_are_of_one_moment(dut: Any, between: int, stall: float) -> None:
    bench = await Bench.start(dut, stall, between)
    address = bench.map["cycles"].address
    last = START
    for _ in range(20):
        low, _ = await bench.read(address)
        latest = START + bench.cycle
        await bench.cycles(between)
        other, _ = await bench.read(bench.map["input_stalls"].address)  # has a hold of its own
        assert other == START & 0xFFFFFFFF
        high, _ = await bench.read(address + 4)
        value = high << 32 | low
        assert last < value < latest, (hex(value), hex(latest))
        last = value
    assert last > 1 << 32


@cocotb.test(timeout_time=50, timeout_unit="us")
async def a_high_word_alone_stays_what_it_was(dut: Any) -> None:
    bench = await Bench.start(dut)
    address = bench.map["cycles"].address
    assert (await bench.read(address))[0] < 1 << 32
    await bench.cycles(2 * BELOW)
    assert (await bench.read(address + 4))[0] == 0
    assert (await bench.value("cycles")) >> 32 == 1
