"""The quantiser: values on the grid, gradients as in the paper, a start from the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nn.formulas import ALL_FORMS

BITS = (4, 6, 8, 12)


def _quant(torch: Any, nn: Any, clusters: Any, bits: int = 8, slopes: bool = False) -> Any:
    weights = torch.randn(40, 30, generator=torch.Generator().manual_seed(0)) * 0.07
    return nn.CodedQuant(clusters, bits, slopes, [weights]), weights.requires_grad_()


def _mean_products(torch: Any, y: Any) -> tuple[Any, Any]:
    """Return a loss whose gradients differ from weight to weight, and those gradients."""
    factors = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    return (y * factors).sum(), factors


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("form", ALL_FORMS)
def test_every_value_is_on_the_grid(torch: Any, nn: Any, form: str, bits: int) -> None:
    quant, weights = _quant(torch, nn, nn.NestedMeans(nn.FORMS[form]), bits)
    y, step, zero_point, bit_width = quant(weights)
    assert np.log2(step.item()) == np.round(np.log2(step.item()))
    assert (zero_point.item(), bit_width.item()) == (0, bits)
    integers = (y / step).detach().numpy()
    assert np.array_equal(integers, np.round(integers))
    assert np.abs(integers).max() < 2 ** (bits - 1)
    assert len(np.unique(integers)) == nn.FORMS[form].intervals
    values = quant.integers().detach().numpy()
    assert np.array_equal(integers, values[quant.clusters.codes(weights)])
    assert np.array_equal(np.sign(values), nn.FORMS[form].signs)


def test_a_weight_at_a_threshold_belongs_to_the_interval_above(torch: Any, nn: Any) -> None:
    x = torch.tensor([0.0, 2.0, 1.0, -1.0, -3.0, -2.0])  # means 1 and -2
    quant = nn.CodedQuant(nn.NestedMeans(nn.TERNARY), 8, False, [x])
    assert torch.sign(quant(x)[0]).tolist() == [0, 1, 1, 0, -1, 0]


@pytest.mark.parametrize("form", ALL_FORMS)
def test_values_start_at_the_means_of_their_intervals(torch: Any, nn: Any, form: str) -> None:
    quant, weights = _quant(torch, nn, nn.NestedMeans(nn.FORMS[form]), bits=12)
    codes = quant.clusters.codes(weights)
    values = (quant.integers() * quant.step).tolist()
    for code, sign in enumerate(nn.FORMS[form].signs):
        wanted = weights[codes == code].mean().item() if sign else 0.0
        assert abs(values[code] - wanted) <= quant.step.item() / 2
    # Room to grow: the largest takes a quarter to a half of the grid.
    assert 0.25 <= quant.scales.abs().max().item() < 0.5


@pytest.mark.parametrize("form", ALL_FORMS)
def test_gradients_are_equation_5_21_and_straight_through(torch: Any, nn: Any, form: str) -> None:
    quant, weights = _quant(torch, nn, nn.NestedMeans(nn.FORMS[form]))
    loss, factors = _mean_products(torch, quant(weights)[0])
    torch.autograd.backward(loss)
    assert torch.equal(weights.grad, factors)
    codes = quant.clusters.codes(weights)
    places = [code for code, sign in enumerate(nn.FORMS[form].signs) if sign]
    sums = [factors[codes == code].sum().item() for code in places]
    # `scales` are in units of `reach`, so the sums of (5.21) come times `reach`.
    np.testing.assert_allclose(quant.scales.grad / quant.reach, sums, rtol=1e-4, atol=1e-4)


def test_ttq_scales_the_gradients_of_its_weights(torch: Any, nn: Any) -> None:
    quant, weights = _quant(torch, nn, nn.MaxThreshold(0.2), slopes=True)
    loss, factors = _mean_products(torch, quant(weights)[0])
    torch.autograd.backward(loss)
    negative, _, positive = (quant.integers() * quant.step).tolist()
    codes = quant.clusters.codes(weights)
    slope = torch.tensor([-negative, 1.0, positive])
    torch.testing.assert_close(weights.grad, factors * slope[codes])
    # Its two scales: d/dW^p is the sum over the positive, d/dW^n minus that over the negative.
    by_scale = [-factors[codes == 0].sum().item(), factors[codes == 2].sum().item()]
    found = quant.scales.grad / quant.reach * torch.tensor([-1.0, 1.0])
    np.testing.assert_allclose(found, by_scale, rtol=1e-4, atol=1e-4)


def test_rounding_to_the_grid_passes_gradients(torch: Any, nn: Any) -> None:
    quant, _ = _quant(torch, nn, nn.NestedMeans(nn.TERNARY), bits=4)
    before = quant.integers().tolist()
    torch.autograd.backward(quant.integers().sum())
    assert quant.scales.grad.tolist() == [8.0, 8.0]
    with torch.no_grad():
        quant.scales.add_(1 / 8)
    assert np.array_equal(np.array(quant.integers().tolist()) - before, [1, 0, 1])


@pytest.mark.parametrize(("scale", "wanted"), [(0.0, 1), (-0.7, 1), (5.0, 127), (0.5, 64)])
def test_a_value_keeps_its_sign_and_stays_on_the_grid(
    torch: Any, nn: Any, scale: float, wanted: int
) -> None:
    quant, _ = _quant(torch, nn, nn.NestedMeans(nn.TERNARY))
    with torch.no_grad():
        quant.scales.copy_(torch.tensor([-scale, scale]))
    assert quant.integers().tolist() == [-wanted, 0, wanted]


@pytest.mark.parametrize("form", ALL_FORMS)
@pytest.mark.parametrize("weights", [[0.0] * 4, [1.0, 2.0, 3.0], [-5.0]], ids=str)
def test_empty_intervals_have_values_too(
    torch: Any, nn: Any, form: str, weights: list[float]
) -> None:
    x = torch.tensor(weights)
    quant = nn.CodedQuant(nn.NestedMeans(nn.FORMS[form]), 8, False, [x])
    assert np.array_equal(np.sign(quant.integers().tolist()), nn.FORMS[form].signs)
    y, step, *_ = quant(x)
    assert torch.isfinite(y).all()
    assert step > 0


def test_bits_that_hold_no_values_are_refused(torch: Any, nn: Any) -> None:
    for bits in (3, 17):
        with pytest.raises(ValueError, match=f"scales take from 4 to 16 bits, not {bits}"):
            _quant(torch, nn, nn.NestedMeans(nn.TERNARY), bits)


def _layer(nn: Any, **options: Any) -> Any:
    import brevitas.nn as qnn

    return qnn.QuantLinear(20, 10, bias=False, **options)


def test_float_weights_set_grid_and_values(torch: Any, nn: Any) -> None:
    torch.manual_seed(3)
    trained = _layer(nn, weight_quant=None)
    with torch.no_grad():
        trained.weight.mul_(37)
    coded = _layer(nn, weight_quant=nn.nary(nn.FORMS["quinary"]))
    coded.load_state_dict(trained.state_dict(), strict=False)
    (layer,) = nn.coded_layers(torch.nn.Sequential(coded))
    fresh = nn.CodedQuant(nn.NestedMeans(nn.FORMS["quinary"]), 8, False, [trained.weight])
    assert layer.step == fresh.step.item()
    assert layer.values == tuple(v for v in fresh.integers().int().tolist() if v)


def test_a_saved_layer_comes_back_with_its_values(torch: Any, nn: Any) -> None:
    coded, other = (_layer(nn, weight_quant=nn.nary(nn.TERNARY)) for _ in range(2))
    with torch.no_grad():
        quant = coded.weight_quant.tensor_quant
        quant.scales.copy_(torch.tensor([-0.9, 0.2]))
        quant.reach.mul_(4)
    other.load_state_dict(coded.state_dict())
    assert torch.equal(other.quant_weight().value, coded.quant_weight().value)
    assert torch.equal(other.quant_weight().scale, coded.quant_weight().scale)


def test_training_moves_values_and_weights(torch: Any, nn: Any) -> None:
    torch.manual_seed(4)
    coded = _layer(nn, weight_quant=nn.nary(nn.TERNARY))
    wanted = torch.zeros(10, 20)
    wanted[:5, ::3] = 0.3
    wanted[5:, ::3] = -0.1
    optimiser = torch.optim.Adam(coded.parameters(), lr=0.01)
    for _ in range(300):
        x = torch.randn(64, 20)
        loss = ((coded(x) - x @ wanted.T) ** 2).mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    found = coded.quant_weight().value.detach()
    step = coded.quant_weight().scale.item()
    assert torch.equal(found == 0, wanted == 0)
    assert (found - wanted).abs().max().item() <= 2 * step
