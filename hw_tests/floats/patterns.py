"""float32 patterns that are hard for a format, among ones that are drawn.

Invariant: every number at which a rounding changes what it gives is there with its neighbours, and
so is every kind of float32, each with both signs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat

Patterns = npt.NDArray[np.uint32]

_KINDS = [
    *(0, 1, 2, 0x3F_FFFF, 0x40_0000, 0x40_0001, 0x7F_FFFF, 0x80_0000, 0x80_0001),
    *(0x7F7F_FFFE, 0x7F7F_FFFF, 0x7F80_0000, 0x7F80_0001, 0x7FC0_0000, 0x7FFF_FFFF),
]


def boundaries(form: CustomFloat) -> Patterns:
    """Return the patterns around all turns of both roundings, and some of each kind."""
    turns = np.concatenate([form.turns(TRUNCATE), form.turns(NEAREST)]).astype(np.float32)
    near = turns.view(np.uint32)[:, None] + np.arange(-2, 3).astype(np.uint32)
    return _signed(np.concatenate([near.ravel(), np.array(_KINDS, np.uint32)]))


def drawn(form: CustomFloat, rng: np.random.Generator, count: int) -> Patterns:
    """Return `count` patterns: half of them anything, half around the format's exponents."""
    anything = rng.integers(0, 2**32, count - count // 2, np.uint32)
    lowest = max(127 - form.bias - 1, 0)
    highest = min(127 - form.bias + 2**form.e_bits + 1, 255)
    fields = [(lowest, highest + 1), (0, 2**23), (0, 2)]
    exponents, mantissas, signs = (
        rng.integers(*ends, count // 2, np.uint32) << np.uint32(place)
        for ends, place in zip(fields, (23, 0, 31), strict=True)
    )
    return np.concatenate([anything, signs | exponents | mantissas])


def _signed(patterns: Patterns) -> Patterns:
    sign = np.uint32(1 << 31)
    both = np.stack([patterns & ~sign, patterns | sign], axis=-1)
    return np.unique(both.ravel())
