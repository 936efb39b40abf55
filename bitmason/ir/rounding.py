"""The ways to round a number to a whole one, for floating-point arrays and for fractions.

Invariant: both tables have the same names, and the same meaning behind each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from bitmason.ir.types import Array

Rounding = str


def _away(x: Array) -> Array:
    return np.sign(x) * np.ceil(np.abs(x))


def _half_up(x: Array) -> Array:
    return np.sign(x) * np.floor(np.abs(x) + 0.5)


def _half_down(x: Array) -> Array:
    return np.sign(x) * np.ceil(np.abs(x) - 0.5)


# Names and meanings of QONNX (Quant and Trunc, attribute rounding_mode); UP and HALF_UP round
# magnitudes, so they mirror at zero.
ROUNDINGS: dict[Rounding, Callable[[Array], Array]] = {
    "ROUND": np.round,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": _away,
    "DOWN": np.trunc,
    "HALF_UP": _half_up,
    "HALF_DOWN": _half_down,
}


def _sign(x: Fraction) -> int:
    return (x > 0) - (x < 0)


_HALF = Fraction(1, 2)
EXACT_ROUNDINGS: dict[Rounding, Callable[[Fraction], int]] = {
    "ROUND": round,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
    "UP": lambda x: _sign(x) * math.ceil(abs(x)),
    "DOWN": math.trunc,
    "HALF_UP": lambda x: _sign(x) * math.floor(abs(x) + _HALF),
    "HALF_DOWN": lambda x: _sign(x) * math.ceil(abs(x) - _HALF),
}
# Those that change in the middle between two whole numbers; the others change at these.
HALVES = frozenset({"ROUND", "HALF_UP", "HALF_DOWN"})


def rounding_named(text: str) -> Rounding | None:
    """Return the rounding that files call `text`, in any case and by QONNX's other name too."""
    name = "ROUND" if text.upper() == "HALF_EVEN" else text.upper()
    return name if name in ROUNDINGS else None
