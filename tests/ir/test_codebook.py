"""Codebooks: any tensor of few values is recognised, and its sums make the product."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir.codebook import MOST_VALUES, ZERO, codebook_of


@st.composite
def few_values(draw: st.DrawFn) -> np.ndarray:
    """Return a matrix of at most eight values, zero among them."""
    value = st.integers(-(2**20), 2**20).filter(bool)
    values = draw(st.lists(value, min_size=1, max_size=MOST_VALUES - 1, unique=True))
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 9))
    weight = st.sampled_from([0, *values])
    drawn = draw(st.lists(weight, min_size=rows * columns, max_size=rows * columns))
    return np.array(drawn, dtype=np.int64).reshape(rows, columns)


@given(few_values())
def test_a_codebook_holds_the_weights(weights: np.ndarray) -> None:
    found = codebook_of(weights)
    assert found is not None
    assert np.array_equal(found.weights, weights)
    assert list(found.values) == sorted(set(weights.ravel().tolist()) - {0})
    assert found.non_zeros == np.count_nonzero(weights)
    assert found.sparsity == 1 - np.count_nonzero(weights) / weights.size


@given(few_values(), st.integers(0, 2**32 - 1))
def test_sums_times_values_are_the_product(weights: np.ndarray, seed: int) -> None:
    x = np.random.default_rng(seed).integers(-128, 128, (3, weights.shape[1]))
    found = codebook_of(weights)
    assert found is not None
    sums = found.sums(x)
    assert sums.shape == (3, len(weights), len(found.values))
    assert np.array_equal(sums @ np.array(found.values, dtype=np.int64), x @ weights.T)


def test_zeros_alone_have_an_empty_codebook() -> None:
    found = codebook_of(np.zeros((2, 3), np.int64))
    assert found is not None
    assert found.values == ()
    assert (found.codes == ZERO).all()
    assert found.sparsity == 1


@pytest.mark.parametrize(("zeros", "most"), [(0, 8), (1, 7)])
def test_eight_values_are_the_most(zeros: int, most: int) -> None:
    """Zero counts where it is one of them."""
    weights = np.append(np.arange(1, most + 1), [0] * zeros)
    assert codebook_of(weights) is not None
    assert codebook_of(np.append(weights, -1)) is None
