"""Claims about bm_float_decompressor_var."""

from __future__ import annotations

import numpy as np

from hw_tests.bench.claims import Contract
from hw_tests.bench.packing import beats, unpack
from hw_tests.bench.wrapper import Cases
from hw_tests.lib.float_formats import UNITS, Setting, Unit, unit_claims

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


(
    equals_golden,
    takes_formats_in_time,
    runs_at_full_rate,
    has_exact_latency,
    recovers_from_reset,
) = unit_claims(contract, transform)
