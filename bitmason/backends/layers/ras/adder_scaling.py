"""Multiplication of a few sums by constants with shifts and adders alone.

Invariant: a recipe is made from the constants, never from what they multiply, so all rows of a
layer with the same constants are scaled in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations


@dataclass(frozen=True, order=True)
class Digit:
    """A symbol times a power of two, subtracted or added."""

    symbol: int
    shift: int
    subtracts: bool


Places = list[tuple[Digit, Digit]]


@dataclass(frozen=True, order=True)
class Step:
    """What makes a symbol: `left` plus or minus `right`, one of them shifted."""

    left: int
    right: int
    left_shift: int
    right_shift: int
    subtracts: bool


@dataclass(frozen=True)
class Recipe:
    """The sum of some symbols times constants: symbols behind the given ones are `steps`."""

    steps: tuple[Step, ...]
    digits: tuple[Digit, ...]


@cache
def recipe_of(factors: tuple[int, ...]) -> Recipe:
    """Return how symbol i times `factors[i]`, over all i, is summed with few adders.

    Each factor is written with digits -1, 0 and 1, no two of which stand side by side but for
    zeros. What two digits make is made once where it comes more than once (Hartley, 1996).
    """
    digits = [
        Digit(symbol, shift, minus)
        for symbol, factor in enumerate(factors)
        for shift, minus in signed_digits(factor)
    ]
    steps: list[Step] = []
    while (found := _most_frequent(digits)) is not None:
        step, places = _turned(*found)
        symbol = len(factors) + len(steps)
        steps.append(step)
        made = [
            Digit(symbol, min(left.shift, right.shift), left.subtracts) for left, right in places
        ]
        gone = {digit for pair in places for digit in pair}
        digits = [digit for digit in digits if digit not in gone] + made
    return Recipe(tuple(steps), tuple(digits))


def _turned(step: Step, places: Places) -> tuple[Step, Places]:
    """Return a difference so that most places add it."""
    negated = sum(left.subtracts for left, _ in places)
    if not step.subtracts or 2 * negated <= len(places):
        return step, places
    turned = Step(step.right, step.left, step.right_shift, step.left_shift, step.subtracts)
    return turned, [(right, left) for left, right in places]


def signed_digits(number: int) -> Iterator[tuple[int, bool]]:
    """Yield the shift and the sign, true for -1, of each digit of `number` that is not zero."""
    shift = 0
    while number:
        if number & 1:
            minus = number & 3 == 3
            yield shift, minus
            number += 1 if minus else -1
        number >>= 1
        shift += 1


def _most_frequent(digits: list[Digit]) -> tuple[Step, Places] | None:
    """Return what two digits make most often, and where, or None if nothing comes twice."""
    places: dict[Step, Places] = {}
    for left, right in combinations(sorted(digits), 2):
        low = min(left.shift, right.shift)
        signs = left.subtracts != right.subtracts
        step = Step(left.symbol, right.symbol, left.shift - low, right.shift - low, signs)
        known = places.setdefault(step, [])
        if not any(digit in pair for pair in known for digit in (left, right)):
            known.append((left, right))
    most = max(places, key=lambda step: len(places[step]), default=None)
    return None if most is None or len(places[most]) < 2 else (most, places[most])
