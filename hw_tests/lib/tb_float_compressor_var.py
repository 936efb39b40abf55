"""Claims about bm_float_compressor_var."""

from __future__ import annotations

from functools import cache

import numpy as np

from bitmason.ir.custom_float import CustomFloat
from hw_tests.bench.claims import Contract
from hw_tests.bench.packing import beats, unpack
from hw_tests.bench.wrapper import Cases
from hw_tests.floats.patterns import Patterns, boundaries, drawn
from hw_tests.lib.float_formats import UNITS, Setting, Unit, unit_claims

CASES: Cases = {case: unit.parameters for case, unit in UNITS.items()}
BEATS = 6
MANY_BITS = 13  # of formats whose boundaries are too many


def transform(unit: Unit, beat: int, setting: Setting) -> int:
    """The codes of a beat."""
    x = np.array(unpack(beat, 32, unit.lanes), np.uint32)
    codes = setting.format.encode_bits(x, setting.rounding)
    return beats(codes, unit.lanes, unit.slot_bits)[0]


def contract(case: str, setting: Setting) -> Contract:
    """Each float32 becomes a code, a cycle later."""
    unit = UNITS[case]
    hard = _hard(setting.format)

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        x = rng.choice(hard, BEATS * unit.lanes)
        sent = beats(x.astype(np.int64), unit.lanes, 32)
        return sent, [transform(unit, beat, setting) for beat in sent]

    return Contract(frame, cycles=BEATS, latency=1)


@cache
def _hard(form: CustomFloat) -> Patterns:
    rng = np.random.default_rng(0)
    return boundaries(form) if form.bits <= MANY_BITS else drawn(form, rng, 1_000)


(
    equals_golden,
    takes_formats_in_time,
    runs_at_full_rate,
    has_exact_latency,
    recovers_from_reset,
) = unit_claims(contract, transform)
