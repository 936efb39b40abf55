"""What the benches of both threshold cells share: sizes, tables, and what is expected."""

from __future__ import annotations

import numpy as np

from hw_tests.bench import golden
from hw_tests.bench.claims import Contract
from hw_tests.bench.packing import IntArray, beats, integers, limits
from hw_tests.bench.wrapper import Cases

_PARAMETERS = ("CHANNELS", "PE", "IN_W", "IN_SIGNED", "STEPS", "THR_W", "BASE", "OUT_W")
SHAPES = {
    "sign": (4, 4, 7, True, 1, 8, 0, 1),
    "two": (6, 2, 5, True, 2, 6, -1, 2),
    "three": (4, 2, 8, False, 3, 9, 0, 2),
    "four": (5, 1, 6, True, 4, 6, -2, 3),
    "seven": (3, 1, 6, False, 7, 8, -4, 3),
    "eight": (2, 2, 9, True, 8, 10, 0, 4),
    "many": (6, 3, 10, True, 100, 11, 3, 7),
}


def cases(**memory: str) -> Cases:
    """Return the parameters of every case; `{}` in the names of its tables stands for the case."""
    return {
        case: dict(zip(_PARAMETERS, shape, strict=True))
        | {name: text.format(case) for name, text in memory.items()}
        for case, shape in SHAPES.items()
    }


def table(case: str) -> tuple[IntArray, IntArray]:
    """Ascending steps per channel, the ends of the range included, and the descending bits."""
    channels, _, bits, signed, steps, step_bits, _, _ = SHAPES[case]
    low, high = limits(bits, signed=signed)
    top = min(high + 1, limits(step_bits, signed=True)[1])
    rng = np.random.default_rng(7)
    rows = np.sort(rng.integers(low, top + 1, size=(channels, steps)), axis=1)
    rows[0, 0], rows[-1, -1] = low, top
    return rows, rng.integers(0, 2, size=channels)


def contract(case: str, latency: int) -> Contract:
    """Steps reached, counted up or down per channel."""
    channels, lanes, bits, signed, steps, _, base, out_bits = SHAPES[case]
    rows, descending = table(case)

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        x = integers(rng, channels, bits, signed=signed)
        near = np.clip(rows[:, rng.integers(steps)] - rng.integers(2), *limits(bits, signed=signed))
        x = np.where(rng.random(channels) < 0.5, near, x)
        y = golden.thresholds(x, rows, descending, base)
        return beats(x, lanes, bits), beats(y, lanes, out_bits)

    return Contract(frame, cycles=channels // lanes, latency=latency)
