"""Wider formats for a network whose tensors lose too much together.

A network is accurate enough if it keeps a share of the float network's right answers, and the same
share of the mean likelihood of the labels, the exponential of minus the cross-entropy. A handful of
answers that turn right by luck on these frames must not make a network that is unsure look exact.
Each tensor was chosen while the others kept full precision; together they lose more. As long as the
network misses its accuracy, every tensor is tried with one bit more, of mantissa or of exponent.
What counts is the fall of the mean cross-entropy: right answers, of which a bit changes a handful
either way, would choose what happens to suit these frames. Of the tensors that gain at least a
quarter of the most that any gains, those that gain most per stored bit are widened, as many as a
quarter of all and no more than needed; then all are tried again.

Invariant: the same scores lead to the same network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from bitmason.formats.evaluation import Assignment, Score
from bitmason.formats.histogram import Histogram
from bitmason.formats.network import Kind, Site
from bitmason.formats.sweep import changed
from bitmason.formats.workers import Progress, Workers
from bitmason.frontend.float_format import MOST_E_BITS
from bitmason.ir.custom_float import CustomFloat

MAX_M_BITS = 10
_QUARTER = 4


@dataclass(frozen=True)
class Repair:
    """One step: the tensor, its formats before and after, and what the network then answers."""

    site: int
    before: CustomFloat
    after: CustomFloat
    score: Score


@dataclass(frozen=True)
class Wanted:
    """A share of what the float network has."""

    share: Fraction
    floats: Score

    def met_by(self, score: Score) -> bool:
        """Whether right answers and mean likelihood are enough."""
        if score.right < self.share * self.floats.right:
            return False
        return self.share <= 0 or score.gain >= self.floats.gain + math.log(self.share)


def wider(form: CustomFloat, histogram: Histogram) -> Iterator[CustomFloat]:
    """Yield the formats of one bit more."""
    if form.m_bits < MAX_M_BITS:
        yield CustomFloat(form.e_bits, form.m_bits + 1, form.bias)
    if form.e_bits < MOST_E_BITS:
        window = histogram.window(form.e_bits + 1)
        yield CustomFloat(window.e_bits, form.m_bits, window.bias)


def repair(
    workers: Workers,
    assignment: Assignment,
    histograms: Sequence[Histogram],
    shares: Sequence[Fraction],
    wanted: Wanted,
    progress: Progress | None = None,
) -> tuple[Assignment, list[Repair]]:
    """Widen formats until the network is as accurate as is `wanted`.

    Returns:
        The formats, and the steps that led there; where no format that hardware is
        built for has a bit more, what has been reached.
    """
    steps: list[Repair] = []
    (score,) = workers.scores([assignment], progress)
    while not wanted.met_by(score):
        workers.base_on(assignment)
        tried = [
            (site, form)
            for site, form in _tried(assignment, histograms)
            if workers.are_built(site, form)
        ]
        scores = workers.scores([changed(assignment, *one) for one in tried], progress)
        gains = [one.gain - score.gain for one in scores]
        best = most_per_bit(tried, gains, shares, max(1, len(assignment) // _QUARTER))
        if not best:
            break
        for site, form in best:
            before = assignment[site]
            assert before is not None
            assignment = changed(assignment, site, form)
            (score,) = workers.scores([assignment], progress)
            steps.append(Repair(site, before, form, score))
            if wanted.met_by(score):
                break
    return assignment, steps


def _tried(
    assignment: Assignment, histograms: Sequence[Histogram]
) -> list[tuple[int, CustomFloat]]:
    """Return every tensor with every format of one bit more."""
    return [
        (site, form)
        for site, now in enumerate(assignment)
        if now is not None
        for form in wider(now, histograms[site])
    ]


def most_per_bit(
    tried: Sequence[tuple[int, CustomFloat]],
    gains: Sequence[float],
    shares: Sequence[Fraction],
    count: int,
) -> list[tuple[int, CustomFloat]]:
    """Return what to widen, the best first.

    Args:
        tried: tensors with formats of one bit more.
        gains: what each gains.
        shares: how much of the network's weights or activations each tensor is.
        count: how many tensors at most.
    """
    forms: dict[int, tuple[float, CustomFloat]] = {}
    for (site, form), gain in sorted(zip(tried, gains, strict=True), key=lambda one: -one[1]):
        forms.setdefault(site, (gain, form))
    most = max(gains, default=0.0)
    if most <= 0:  # one bit alone helps nowhere: the one that harms least
        count = 1
    enough = [site for site, (gain, _) in forms.items() if gain >= most / _QUARTER or most <= 0]
    if most > 0:
        enough.sort(key=lambda site: (-forms[site][0] / shares[site], site))
    return [(site, forms[site][1]) for site in enough[:count]]


def shares_of(sites: Sequence[Site]) -> list[Fraction]:
    """Return how much of all weights, or of all activations, each tensor is."""
    totals = {kind: sum(site.values for site in sites if site.kind is kind) for kind in Kind}
    return [Fraction(site.values, totals[site.kind]) for site in sites]
