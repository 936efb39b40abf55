"""Thresholds of confidence, and what replays of unsure answers gain."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitmason.formats.replay import Answers, confidence, replay, threshold

ALL = Fraction(1)


def answers(*rows: tuple[float, int, int]) -> Answers:
    columns = list(zip(*rows, strict=True))
    return Answers(np.array(columns[0]), *(np.array(c, bool) for c in columns[1:]))


def test_confidence_is_the_largest_softmax() -> None:
    logits = np.array([[0, 0], [np.log(3), 0], [1e4, -1e4]], np.float32)
    np.testing.assert_allclose(confidence(logits), [0.5, 0.75, 1.0], rtol=1e-6)


def test_replays_no_more_than_needed() -> None:
    found = answers((0.3, 0, 1), (0.4, 0, 1), (0.5, 1, 1), (0.9, 1, 1))
    assert threshold(found, ALL) == 0.5
    assert threshold(found, Fraction(3, 4)) == 0.4
    assert threshold(found, Fraction(1, 2)) == 0.0
    result = replay(found, 0.4)
    assert (result.replayed, result.right, result.right_alone, result.right_float) == (1, 3, 2, 4)


def test_equal_confidences_are_replayed_together() -> None:
    found = answers((0.4, 0, 1), (0.4, 1, 0), (0.4, 0, 1), (0.6, 1, 1))
    assert threshold(found, ALL) == 0.6
    assert replay(found, 0.6).replayed == 3


def test_all_are_replayed_where_nothing_less_does() -> None:
    found = answers((0.4, 1, 1), (0.8, 0, 1))
    tau = threshold(found, ALL)
    assert tau > 0.8
    assert replay(found, tau).replayed == 2


ROWS = st.tuples(st.sampled_from([0.25, 0.5, 0.75, 1.0]), st.integers(0, 1), st.integers(0, 1))


@given(st.lists(ROWS, min_size=1, max_size=12))
def test_the_threshold_is_enough_and_the_least(rows: list[tuple[float, int, int]]) -> None:
    found = answers(*rows)
    tau = threshold(found, ALL)
    wanted = int(found.float_right.sum())
    assert replay(found, tau).right >= wanted
    lower = [0.0, *(c for c in found.confidence if c < tau)] if tau else []
    assert all(replay(found, c).right < wanted for c in lower)
