"""Formats chosen at run time: their ports, and what every engine of them promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.rounding import Rounding
from hw_tests.bench import claims
from hw_tests.bench.claims import IDLE, SEEDS, STALL, Contract
from hw_tests.bench.streams import now

DELAY = 1  # cycles from a change to the first beat that it holds for


@dataclass(frozen=True)
class Unit:
    """Lanes and the widest format."""

    lanes: int
    e_max: int
    m_max: int

    @property
    def slot_bits(self) -> int:
        """Bits of the place of a code."""
        return 1 + self.e_max + self.m_max

    @property
    def parameters(self) -> dict[str, int]:
        """What the cells are asked for."""
        return {"LANES": self.lanes, "E_MAX": self.e_max, "M_MAX": self.m_max}

    def formats(self) -> list[Setting]:
        """The widest and the narrowest format, with the extremes of the bias, and some between."""
        shapes = [
            (self.e_max, self.m_max, 127, False),
            (self.e_max, self.m_max, 2**self.e_max - 128, True),
            (1, self.m_max, -126, True),
            (self.e_max, 0, 2 ** (self.e_max - 1), False),
            (self.e_max, self.m_max // 2, 2 ** (self.e_max - 1) - 1, False),
            (-(-self.e_max // 2), self.m_max // 2, 127, True),
            (-(-self.e_max // 2), self.m_max, 14, True),
        ]
        return [
            Setting(CustomFloat(e, m, bias, full or e == 1), rounding)
            for e, m, bias, full in shapes
            for rounding in (TRUNCATE, NEAREST)
        ]


@dataclass(frozen=True)
class Setting:
    """What is chosen at run time."""

    format: CustomFloat
    rounding: Rounding

    def apply(self, dut: Any, prefix: str) -> None:
        """Drive those of the ports that the cell has."""
        format_ = self.format
        ports = {
            "e_bits": format_.e_bits,
            "m_bits": format_.m_bits,
            "bias": format_.bias % 256,
            "full": format_.largest is not None,
            "nearest": self.rounding == NEAREST,
        }
        for name, value in ports.items():
            port = getattr(dut, prefix + name, None)
            if port is not None:
                port.value = value


UNITS: Mapping[str, Unit] = {
    "six_six": Unit(2, 6, 6),
    "seven_ten": Unit(1, 7, 10),
    "whole": Unit(1, 7, 23),
    "no_mantissa": Unit(3, 5, 0),
    "least": Unit(2, 1, 1),
}


async def _takes_formats_in_time(
    dut: Any,
    prefix: str,
    unit: Unit,
    contract: Contract,
    wanted: Callable[[int, Setting], int],
    seed: int,
) -> None:
    """With another format in each cycle, a beat gets the one that stood the cycle before."""
    rng = np.random.default_rng(seed)
    formats = unit.formats()
    formats[0].apply(dut, prefix)
    bench = await claims.started(dut, prefix, contract, "random", "random", seed)
    sent = [beat for _ in range(20) for beat in contract.frame(rng)[0]]
    bench.source.send(sent)
    standing: dict[int, Setting] = {}
    while len(bench.sink.beats) < len(sent):
        await bench.cycles(1)
        setting = formats[rng.integers(len(formats))]
        setting.apply(dut, prefix)
        standing[now() + 1] = setting  # the cycle that ends with the next edge
    taken: Sequence[int] = bench.source.accepted
    expected = [
        wanted(beat, standing.get(cycle - DELAY, formats[0]))
        for beat, cycle in zip(sent, taken, strict=True)
    ]
    assert bench.sink.beats == expected


def unit_claims(
    contract: Callable[[str, Setting], Contract], wanted: Callable[[Unit, int, Setting], int]
) -> tuple[Any, ...]:
    """Return the cocotb tests of an engine; the caller binds them in its own module.

    Args:
        contract: of a unit by name, in a format.
        wanted: what a unit makes of a beat in a format.
    """

    def begun(dut: Any, case: str, setting: int) -> Contract:
        chosen = UNITS[case].formats()[setting]
        chosen.apply(dut, f"{case}_")
        return contract(case, chosen)

    @cocotb.test()
    @cocotb.parametrize(case=[*UNITS], setting=range(len(next(iter(UNITS.values())).formats())))
    async def equals_golden(dut: Any, case: str, setting: int) -> None:
        kinds = {"idle": IDLE[setting % 3], "stall": STALL[setting // 3 % 3]}
        promise = begun(dut, case, setting)
        await claims.equals_golden(dut, f"{case}_", promise, seed=setting, **kinds)

    @cocotb.test()
    @cocotb.parametrize(case=[*UNITS], seed=SEEDS)
    async def takes_formats_in_time(dut: Any, case: str, seed: int) -> None:
        unit, promise = UNITS[case], begun(dut, case, 0)

        def of_beat(beat: int, setting: Setting) -> int:
            return wanted(unit, beat, setting)

        await _takes_formats_in_time(dut, f"{case}_", unit, promise, of_beat, seed)

    @cocotb.test()
    @cocotb.parametrize(case=[*UNITS])
    async def runs_at_full_rate(dut: Any, case: str) -> None:
        await claims.runs_at_full_rate(dut, f"{case}_", begun(dut, case, -1))

    @cocotb.test()
    @cocotb.parametrize(case=[*UNITS])
    async def has_exact_latency(dut: Any, case: str) -> None:
        await claims.has_exact_latency(dut, f"{case}_", begun(dut, case, -2))

    @cocotb.test()
    @cocotb.parametrize(case=[*UNITS])
    async def recovers_from_reset(dut: Any, case: str) -> None:
        await claims.recovers_from_reset(dut, f"{case}_", begun(dut, case, -1))

    return (
        equals_golden,
        takes_formats_in_time,
        runs_at_full_rate,
        has_exact_latency,
        recovers_from_reset,
    )
