"""The sweep over one tensor's formats, and the choice among what it explored (section 4.4.1).

Invariant: all other tensors keep full precision meanwhile; what a sweep explores follows from the
histogram and from its own scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from bitmason.formats.evaluation import Assignment, Score
from bitmason.formats.histogram import MIN_E_BITS, Histogram
from bitmason.formats.workers import Chain
from bitmason.ir.custom_float import CustomFloat


class Choice(StrEnum):
    """The three networks of SIEVE."""

    EXACT = "exact"
    ACCURATE = "accurate"
    APPROXIMATE = "approximate"


# Normalised accuracy that a tensor alone must keep.
_LEAST = {Choice.ACCURATE: Fraction(1), Choice.APPROXIMATE: Fraction(999, 1000)}


@dataclass(frozen=True)
class Rules:
    """Where sweeps begin and stop.

    `kept` is the share of the exponents that the widest format has, `coverage` the least share of
    a narrower one, `accuracy` the least normalised accuracy; mantissas begin with `m_bits`.
    """

    kept: Fraction = Fraction(995, 1000)
    coverage: Fraction = Fraction(1, 2)
    accuracy: Fraction = Fraction(998, 1000)
    m_bits: int = 6


@dataclass(frozen=True)
class Explored:
    """A format of one tensor, and how the network answers with it alone."""

    form: CustomFloat
    score: Score


def windows(histogram: Histogram, rules: Rules) -> Iterator[CustomFloat]:
    """Yield the formats to sweep mantissas of: from the widest to two bits of exponent."""
    form = histogram.widest(rules.kept)
    yield form
    for e_bits in range(form.e_bits - 1, MIN_E_BITS - 1, -1):
        form = histogram.window(e_bits)
        if histogram.coverage(form) < rules.coverage:
            return
        yield form


def mantissas(window: CustomFloat, rules: Rules) -> list[CustomFloat]:
    """Return a window's formats, the longest mantissa first."""
    return [
        CustomFloat(window.e_bits, m_bits, window.bias) for m_bits in range(rules.m_bits, -1, -1)
    ]


def sweep(
    site: int, forms: Sequence[CustomFloat], base: Assignment, right: int, rules: Rules
) -> Chain[list[Explored]]:
    """Ask for shorter and shorter mantissas until too few answers are right.

    Args:
        site: the tensor.
        forms: its formats, the longest mantissa first.
        base: the formats of the other tensors.
        right: how many answers the float network has right.
        rules: where to stop.
    """
    found: list[Explored] = []
    for tried in forms:
        score = yield changed(base, site, tried)
        found.append(Explored(tried, score))
        if score.right < rules.accuracy * right:
            break
    return found


def changed(assignment: Assignment, site: int, form: CustomFloat) -> Assignment:
    """Return the assignment with another format for one tensor."""
    return (*assignment[:site], form, *assignment[site + 1 :])


def pick(explored: Sequence[Explored], choice: Choice, right: int) -> Explored:
    """Return the format of one tensor in a network.

    Args:
        explored: what the sweeps of the tensor tried.
        choice: EXACT takes the most accurate; the others the fewest bits that keep enough
            accuracy, or the most accurate where none does.
        right: how many answers the float network has right.
    """
    least = _LEAST.get(choice)
    enough = [] if least is None else [e for e in explored if e.score.right >= least * right]
    if enough:
        return min(enough, key=lambda e: (e.form.bits, -e.score.right, -e.form.e_bits))
    return min(explored, key=lambda e: (-e.score.right, e.form.bits, -e.form.e_bits))
