"""Waits for a bench that compares symbols by itself: none may be wrong, none may be late."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout

from hw_tests.bench.streams import PERIOD_NS

STREAMS = 10  # each of whose ends may take a cycle more


def symbols() -> int:
    """How many the bench compares."""
    return len(re.findall("\n", Path("symbols.mem").read_text()))


@cocotb.test()
async def all_symbols_are_right_and_in_time(dut: Any) -> None:
    count = symbols()
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    await with_timeout(RisingEdge(dut.done), 2 * count * PERIOD_NS, "ns")
    await ClockCycles(dut.clk, 1)
    assert dut.wrong.value == 0
    assert dut.code_error.value == 0
    assert count - 1 <= int(dut.cycles.value) <= count - 1 + STREAMS
