"""Claims about bm_float_decompressor_var."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.packing import beats, unpack
from hw_tests.bench.wrapper import Cases
from hw_tests.lib import float_formats
from hw_tests.lib.float_formats import UNITS, Setting, Unit

CASES: Cases = {case: unit.parameters for case, unit in UNITS.items()}
BEATS = 6


def transform(unit: Unit, beat: int, setting: Setting) -> int:
    """The float32 patterns of a beat, whatever stands to the left of its codes."""
    slots = np.array(unpack(beat, unit.slot_bits, unit.lanes))
    numbers = setting.format.decode(slots % 2**setting.format.bits).astype(np.float32)
    return beats(numbers.view(np.uint32).astype(np.int64), unit.lanes, 32)[0]


def contract(case: str, setting: Setting) -> Contract:
    """Each code becomes a float32, a cycle later."""
    unit = UNITS[case]

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        slots = rng.integers(0, 2**unit.slot_bits, BEATS * unit.lanes)
        sent = beats(slots, unit.lanes, unit.slot_bits)
        return sent, [transform(unit, beat, setting) for beat in sent]

    return Contract(frame, cycles=BEATS, latency=1)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], setting=range(len(next(iter(UNITS.values())).formats())))
async def equals_golden(dut: Any, case: str, setting: int) -> None:
    chosen = UNITS[case].formats()[setting]
    chosen.apply(dut, f"{case}_")
    promise = contract(case, chosen)
    kinds = {"idle": IDLE[setting % 3], "stall": STALL[setting // 3 % 3]}
    await claims.equals_golden(dut, f"{case}_", promise, seed=setting, **kinds)


@cocotb.test()
@cocotb.parametrize(case=[*CASES], seed=SEEDS)
async def takes_formats_in_time(dut: Any, case: str, seed: int) -> None:
    unit = UNITS[case]
    chosen = unit.formats()[0]

    def wanted(beat: int, setting: Setting) -> int:
        return transform(unit, beat, setting)

    promise = contract(case, chosen)
    await float_formats.takes_formats_in_time(dut, f"{case}_", unit, promise, wanted, seed)


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def runs_at_full_rate(dut: Any, case: str) -> None:
    chosen = UNITS[case].formats()[-1]
    chosen.apply(dut, f"{case}_")
    await claims.runs_at_full_rate(dut, f"{case}_", contract(case, chosen))


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def has_exact_latency(dut: Any, case: str) -> None:
    chosen = UNITS[case].formats()[-2]
    chosen.apply(dut, f"{case}_")
    await claims.has_exact_latency(dut, f"{case}_", contract(case, chosen))


@cocotb.test()
@cocotb.parametrize(case=[*CASES])
async def recovers_from_reset(dut: Any, case: str) -> None:
    chosen = UNITS[case].formats()[-1]
    chosen.apply(dut, f"{case}_")
    await claims.recovers_from_reset(dut, f"{case}_", contract(case, chosen))
