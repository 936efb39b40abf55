"""Where the weights of a layer are cut into intervals: TTQ, nested means, quantiles.

Invariant: thresholds come from the weights of one layer as they are now, in every step anew. A
weight belongs to the interval of as many thresholds as do not exceed it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import torch

from bitmason.nn.forms import TERNARY, Form

_ROUNDING = 1e-6


class Clusters(ABC):
    """A rule that cuts the real numbers into one interval for each value of `form`."""

    form: Form

    @abstractmethod
    def thresholds(self, weights: Any) -> Any:
        """Return the lower ends of all intervals but the lowest, ascending."""

    def codes(self, weights: Any) -> Any:
        """Return the interval of each weight, counted from the lowest."""
        return torch.bucketize(weights, self.thresholds(weights), right=True)


@dataclass(frozen=True)
class MaxThreshold(Clusters):
    """The ternary intervals of TTQ: weights up to `t` times the largest are zero (5.1, 5.2)."""

    t: float = 0.05
    form: Form = TERNARY

    def __post_init__(self) -> None:
        _check_factor(self.t)
        if self.form != TERNARY:
            raise ValueError("TTQ is ternary")

    def thresholds(self, weights: Any) -> Any:
        """Return -delta and, as a weight of just delta is zero, the next number above delta."""
        delta = self.t * weights.abs().max()
        return torch.stack([-delta, torch.nextafter(delta, torch.full_like(delta, math.inf))])


@dataclass(frozen=True)
class NestedMeans(Clusters):
    """Each side of zero is cut at its mean, what lies outside at its own, and so on (5.22, 5.23).

    `t` moves the innermost pair of thresholds, and thereby the number of zeros; those outside
    follow, being means of what is left.
    """

    form: Form
    t: float = 1.0

    def __post_init__(self) -> None:
        _check_factor(self.t)

    def thresholds(self, weights: Any) -> Any:
        """Return the means of both sides; around nothing, infinity."""
        if not self.form.zero:
            return weights.new_zeros(1)
        high, low = [], []
        inside = weights >= 0
        for index in range(self.form.positives):
            high.append(self._cut(weights, inside, math.inf, index))
            inside = weights >= high[-1]
        inside = weights < 0
        for index in range(self.form.negatives):
            low.append(self._cut(weights, inside, -math.inf, index))
            inside = weights < low[-1]
        return torch.stack([*reversed(low), *high])

    def _cut(self, weights: Any, inside: Any, beyond: float, index: int) -> Any:
        # Sums under a mask: picking weights would cost more than all else here.
        count = inside.sum()
        total = torch.where(inside, weights, 0).sum()
        mean = total / count if count else weights.new_tensor(beyond)
        return mean if index else mean * self.t


@dataclass(frozen=True)
class Quantiles(Clusters):
    """Intervals that would hold given `shares` of normally distributed weights."""

    form: Form
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.shares) != self.form.intervals:
            wanted = f"{self.form.intervals} intervals need as many shares"
            raise ValueError(f"{wanted}, not {len(self.shares)}")
        if min(self.shares) <= 0 or abs(sum(self.shares) - 1) > _ROUNDING:
            raise ValueError(f"shares are positive and add up to 1, not {self.shares}")

    def thresholds(self, weights: Any) -> Any:
        """Return the quantiles of the normal distribution with the weights' mean and spread."""
        mean, spread = weights.mean(), weights.std(correction=0)
        shares = [sum(self.shares[: count + 1]) for count in range(len(self.shares) - 1)]
        quantiles = weights.new_tensor([NormalDist().inv_cdf(share) for share in shares])
        return mean + spread * quantiles


def _check_factor(t: float) -> None:
    if not (math.isfinite(t) and t >= 0):
        raise ValueError(f"t is a factor of at least 0, not {t}")
