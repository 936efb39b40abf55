"""Misspeculation: which answers of a compressed network the float network gives again (4.3.3).

An answer is replayed where its confidence, the largest softmax, is below a threshold.
Invariant: a threshold is found on other frames than those it is measured on.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bitmason.formats.evaluation import is_right
from bitmason.ir.types import Array


@dataclass(frozen=True)
class Answers:
    """What both networks answer to the same frames."""

    confidence: Array
    right: Array
    float_right: Array

    @classmethod
    def of(cls, logits: Array, float_logits: Array, labels: Array) -> Answers:
        """Compare the outputs of the compressed and of the float network with the labels."""
        return cls(
            confidence(logits),
            is_right(logits, labels),
            is_right(float_logits, labels),
        )

    @property
    def rights(self) -> tuple[int, int, int]:
        """The frames, and how many the compressed and the float network have right."""
        return len(self.right), int(self.right.sum()), int(self.float_right.sum())

    def part(self, frames: slice) -> Answers:
        """Return the answers to some of the frames."""
        return Answers(self.confidence[frames], self.right[frames], self.float_right[frames])


@dataclass(frozen=True)
class Replay:
    """What a threshold does on some frames: all are counts of frames, but the threshold."""

    threshold: float
    frames: int
    replayed: int
    right: int
    right_alone: int
    right_float: int


def confidence(logits: Array) -> Array:
    """Return the largest softmax of each frame, 0 where there is none."""
    wide = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):
        found = np.asarray(1 / np.exp(wide - wide.max(axis=1, keepdims=True)).sum(axis=1))
    return np.where(np.isfinite(found), found, 0.0)


def threshold(answers: Answers, share: Fraction) -> float:
    """Return the least threshold with which `share` of the float network's accuracy is reached."""
    order = np.argsort(answers.confidence, kind="stable")
    sorted_ = answers.confidence[order]
    gains = answers.float_right[order].astype(np.int64) - answers.right[order]
    right = int(answers.right.sum()) + np.concatenate([[0], np.cumsum(gains)])
    wanted = share * int(answers.float_right.sum())
    # Frames of the same confidence are replayed together.
    ends = [0, *(np.flatnonzero(np.diff(sorted_)) + 1), len(sorted_)]
    first = next(end for end in ends if int(right[end]) >= wanted)
    if first == 0:
        return 0.0
    if first == len(sorted_):
        return float(np.nextafter(sorted_[-1], np.inf))
    return float(sorted_[first])


def replay(answers: Answers, tau: float) -> Replay:
    """Return what the threshold `tau` does."""
    again = answers.confidence < tau
    right = np.where(again, answers.float_right, answers.right)
    return Replay(
        tau,
        len(again),
        int(again.sum()),
        int(right.sum()),
        int(answers.right.sum()),
        int(answers.float_right.sum()),
    )
