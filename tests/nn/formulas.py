"""The formulas of Schindler's chapter 5 in NumPy, as printed there.

Invariant: nothing here is shared with the package under test.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

# Negative and positive values beside zero (table 5.8).
COUNTS = {
    "ternary": (1, 1),
    "quaternary+": (1, 2),
    "quaternary-": (2, 1),
    "quinary": (2, 2),
    "septenary": (3, 3),
}
ALL_FORMS = ("binary", *COUNTS)


def ttq_codes(w: Floats, t: float) -> Codes:
    """Return -1, 0 or 1 for each weight: equations 5.1 and 5.2."""
    delta = t * np.abs(w).max()
    return np.where(w > delta, 1, np.where(w < -delta, -1, 0))


def nested_means(w: Floats, negatives: int, positives: int, t: float) -> tuple[Floats, Floats]:
    """Return delta_-1, delta_-2, ... and delta_+1, delta_+2, ...: equations 5.22 and 5.23.

    The mean of nothing is infinity.
    """
    inside, plus = w >= 0, []
    for i in range(positives):
        plus.append(w[inside].mean() * (t if i == 0 else 1) if inside.any() else np.inf)
        inside = w >= plus[-1]
    inside, minus = w < 0, []
    for i in range(negatives):
        minus.append(w[inside].mean() * (t if i == 0 else 1) if inside.any() else -np.inf)
        inside = w < minus[-1]
    return np.array(minus), np.array(plus)


def interval_codes(w: Floats, minus: Floats, plus: Floats) -> Codes:
    """Return i where a weight lies in interval i, negative ones below zero: 5.19 and 5.20."""
    above: Codes = np.sum(w[:, np.newaxis] >= plus, axis=1)
    below: Codes = np.sum(w[:, np.newaxis] < minus, axis=1)
    return above - below


def quantile_thresholds(w: Floats, shares: tuple[float, ...]) -> Floats:
    """Return mu + sigma * Phi^-1 of the sums of shares."""
    cumulated = np.cumsum(shares)[:-1]
    return np.array([w.mean() + w.std() * NormalDist().inv_cdf(share) for share in cumulated])


def clipped(x: Floats, gamma: float, bits: int) -> Floats:
    """Return equations 5.24 and 5.25."""
    steps = 2**bits - 1
    codes = np.rint(steps / gamma * np.clip(x, 0, gamma))
    return np.asarray(gamma / steps * codes)
