"""Clipped activations are equations 5.24 and 5.25."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nn import formulas


@pytest.mark.parametrize("gamma", [1.0, 3.0])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_clipped_is_equations_5_24_and_5_25(torch: Any, nn: Any, gamma: float, bits: int) -> None:
    import brevitas.nn as qnn

    act = qnn.QuantReLU(act_quant=nn.clipped(gamma, bits), return_quant_tensor=True)
    x = np.random.default_rng(0).normal(0.5, 2, 2000).astype(np.float32)
    y = act(torch.from_numpy(x))
    wanted = formulas.clipped(x.astype(np.float64), gamma, bits)
    np.testing.assert_allclose(y.value.numpy(), wanted, atol=1e-6)
    np.testing.assert_allclose(y.scale.item(), gamma / (2**bits - 1), rtol=1e-6)
    assert (y.value == gamma).any()
    assert (y.value == 0).any()


@pytest.mark.parametrize("kind", ["QuantReLU", "QuantIdentity"])
def test_clipped_is_a_relu_in_itself(torch: Any, nn: Any, kind: str) -> None:
    import brevitas.nn as qnn

    x = torch.linspace(-4, 4, 1001)
    wanted = formulas.clipped(x.numpy().astype(np.float64), 3.0, 8)
    found = getattr(qnn, kind)(act_quant=nn.clipped())(x).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_activations_that_make_no_sense_are_refused(nn: Any) -> None:
    import brevitas.nn as qnn

    for gamma in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="gamma is greater than 0"):
            qnn.QuantReLU(act_quant=nn.clipped(gamma))
    for bits in (1, 17):
        with pytest.raises(ValueError, match=f"activations take from 2 to 16 bits, not {bits}"):
            qnn.QuantReLU(act_quant=nn.clipped(3.0, bits))


def test_no_gradient_passes_beyond_the_clip(torch: Any, nn: Any) -> None:
    import brevitas.nn as qnn

    x = torch.tensor([-1.0, 0.5, 2.0, 3.5], requires_grad=True)
    torch.autograd.backward(qnn.QuantReLU(act_quant=nn.clipped(3.0))(x).sum())
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 0.0]
