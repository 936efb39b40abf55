"""Thresholds are those of the paper's formulas, and no weights break them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nn import formulas
from tests.nn.formulas import COUNTS

SEEDS = range(5)
FACTORS = (0.0, 0.4, 1.0, 1.4, 2.0, 4.0)


def _weights(seed: int, count: int = 500) -> np.ndarray:
    """Return weights that are not symmetric, as float32 holds them."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.02, 0.1, count).astype(np.float32).astype(np.float64)


def _signed_codes(torch: Any, clusters: Any, w: np.ndarray) -> np.ndarray:
    """Return the codes of `clusters`, counted from zero."""
    codes: np.ndarray = clusters.codes(torch.from_numpy(w)).numpy()
    return codes - int(clusters.form.negatives)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("t", [0.0, 0.05, 0.3, 0.9])
def test_ttq_is_equations_5_1_and_5_2(torch: Any, nn: Any, t: float, seed: int) -> None:
    w = _weights(seed)
    assert np.array_equal(_signed_codes(torch, nn.MaxThreshold(t), w), formulas.ttq_codes(w, t))


def test_a_weight_at_the_threshold_of_ttq_is_zero(torch: Any, nn: Any) -> None:
    w = np.array([1.0, 0.25, -0.25, 0.250001, -0.250001, 0.0])
    assert _signed_codes(torch, nn.MaxThreshold(0.25), w).tolist() == [1, 0, 0, 1, -1, 0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("t", FACTORS)
@pytest.mark.parametrize("form", COUNTS)
def test_nested_means_are_equations_5_22_and_5_23(
    torch: Any, nn: Any, form: str, t: float, seed: int
) -> None:
    w = _weights(seed)
    minus, plus = formulas.nested_means(w, *COUNTS[form], t)
    clusters = nn.NestedMeans(nn.FORMS[form], t)
    found = clusters.thresholds(torch.from_numpy(w)).numpy()
    np.testing.assert_allclose(found, [*minus[::-1], *plus], rtol=1e-12)
    wanted = formulas.interval_codes(w, minus, plus)
    assert np.array_equal(_signed_codes(torch, clusters, w), wanted)


def test_t_moves_the_outer_means_by_the_set_they_are_of(torch: Any, nn: Any) -> None:
    w = torch.tensor([1.0, 2.0, 3.0, 6.0, -1.0], dtype=torch.float64)
    low, first, second = nn.NestedMeans(nn.FORMS["quaternary+"], 0.5).thresholds(w).tolist()
    assert (low, first, second) == (-0.5, 1.5, 11 / 3)


def test_weights_at_a_mean_are_outside_of_it_only_above_zero(torch: Any, nn: Any) -> None:
    below = nn.NestedMeans(nn.FORMS["quaternary-"]).thresholds(torch.tensor([-1.0, -1.0, 2.0]))
    assert below.tolist() == [-np.inf, -1.0, 2.0]
    above = nn.NestedMeans(nn.FORMS["quaternary+"]).thresholds(torch.tensor([1.0, 1.0, -2.0]))
    assert above.tolist() == [-2.0, 1.0, 1.0]


def test_intervals_include_their_lower_end(torch: Any, nn: Any) -> None:
    w = np.array([0.0, 2.0, 1.0, -1.0, -3.0, -2.0])
    assert _signed_codes(torch, nn.NestedMeans(nn.TERNARY), w).tolist() == [0, 1, 1, 0, -1, 0]


def test_binary_weights_are_their_signs(torch: Any, nn: Any) -> None:
    clusters = nn.NestedMeans(nn.FORMS["binary"])
    codes = clusters.codes(torch.tensor([-1.0, -1e-30, 0.0, 1e-30, 5.0]))
    assert codes.tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("t", "zeros"), [(1.0, 0.575), (1.4, 0.736), (1.6, 0.798), (1.8, 0.849), (2.0, 0.889)]
)
def test_t_makes_as_many_zeros_as_a_normal_distribution_says(
    torch: Any, nn: Any, t: float, zeros: float
) -> None:
    w = np.random.default_rng(0).normal(size=200_000)
    codes = _signed_codes(torch, nn.NestedMeans(nn.TERNARY, t), w)
    assert abs(np.mean(codes == 0) - zeros) < 0.005


@pytest.mark.parametrize("form", COUNTS)
@pytest.mark.parametrize("w", [[0.0, 0.0], [1.0, 2.0, 3.0], [-1.0, -2.0], [-4.0], [7.0]], ids=str)
def test_one_sided_weights_leave_intervals_empty(
    torch: Any, nn: Any, form: str, w: list[float]
) -> None:
    clusters = nn.NestedMeans(nn.FORMS[form])
    thresholds = clusters.thresholds(torch.tensor(w)).tolist()
    assert thresholds == sorted(thresholds)
    codes = _signed_codes(torch, clusters, np.array(w))
    assert ((codes >= 0) | (np.array(w) < 0)).all()
    assert ((codes <= 0) | (np.array(w) >= 0)).all()


SHARES = ((0.2,) * 5, (0.08, 0.17, 0.5, 0.17, 0.08), (0.3, 0.1, 0.2, 0.15, 0.25))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shares", SHARES)
def test_quantiles_are_the_formula(
    torch: Any, nn: Any, shares: tuple[float, ...], seed: int
) -> None:
    w = _weights(seed)
    clusters = nn.Quantiles(nn.FORMS["quinary"], shares)
    found = clusters.thresholds(torch.from_numpy(w)).numpy()
    np.testing.assert_allclose(found, formulas.quantile_thresholds(w, shares), rtol=1e-10)


@pytest.mark.parametrize("shares", SHARES)
def test_quantiles_give_normal_weights_their_shares(
    torch: Any, nn: Any, shares: tuple[float, ...]
) -> None:
    w = torch.from_numpy(np.random.default_rng(1).normal(3, 2, 200_000))
    codes = nn.Quantiles(nn.FORMS["quinary"], shares).codes(w).numpy()
    np.testing.assert_allclose(np.bincount(codes) / len(w), shares, atol=0.005)


def test_rules_that_make_no_sense_are_refused(nn: Any) -> None:
    quinary = nn.FORMS["quinary"]
    with pytest.raises(ValueError, match="5 intervals need as many shares, not 4"):
        nn.Quantiles(quinary, (0.25,) * 4)
    for shares in ((0.3,) * 5, (0.5, -0.1, 0.2, 0.2, 0.2)):
        with pytest.raises(ValueError, match="shares are positive and add up to 1"):
            nn.Quantiles(quinary, shares)
    for t in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="t is a factor of at least 0"):
            nn.NestedMeans(quinary, t)
    with pytest.raises(ValueError, match="TTQ is ternary"):
        nn.MaxThreshold(0.1, quinary)
    with pytest.raises(ValueError, match="both sides of zero"):
        nn.Form(0, 2)
    with pytest.raises(ValueError, match="only the binary form"):
        nn.Form(2, 1, zero=False)


def test_forms_are_those_of_table_5_8(nn: Any) -> None:
    assert set(nn.FORMS) == set(formulas.ALL_FORMS)
    assert nn.FORMS["binary"].signs == (-1, 1)
    for name, (negatives, positives) in COUNTS.items():
        assert nn.FORMS[name].signs == (-1,) * negatives + (0,) + (1,) * positives
