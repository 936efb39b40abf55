"""Claims about bm_mvu_bitserial at every precision, fixed when it is built."""

from __future__ import annotations

from typing import Any

import cocotb

from hw_tests.bench import claims
from hw_tests.lib.serial_shapes import GRID, contract


@cocotb.test()
@cocotb.parametrize(case=[*GRID])
async def equals_golden(dut: Any, case: str) -> None:
    pauses = {"idle": "random", "stall": "random"}
    await claims.equals_golden(dut, f"{case}_", contract(GRID[case]), seed=len(case), **pauses)


@cocotb.test()
@cocotb.parametrize(case=[*GRID])
async def runs_at_full_rate(dut: Any, case: str) -> None:
    await claims.runs_at_full_rate(dut, f"{case}_", contract(GRID[case]))
