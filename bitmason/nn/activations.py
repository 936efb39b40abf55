# mypy: allow-subclassing-any
"""Activations clipped at a constant (Schindler, equations 5.24 and 5.25).

Invariant: the scale is gamma / (2^k - 1) from the first step to the export.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from brevitas.quant import Uint8ActPerTensorFloat
from torch import nn


class _ClipAndRound(torch.autograd.Function):
    """Rounds to multiples of `scale` in [0, gamma]; outside of it, no gradient passes."""

    @staticmethod
    def forward(ctx: Any, x: Any, gamma: float, scale: float) -> Any:
        ctx.save_for_backward((x > 0) & (x < gamma))
        return x.clamp(0, gamma).div_(scale).round_().mul_(scale)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (inside,) = ctx.saved_tensors
        return grad * inside, None, None


class ClippedQuant(nn.Module):
    """The quantiser of activations, as Brevitas calls it.

    Brevitas' own computes the same in three times as many passes over the tensor.
    """

    def __init__(self, gamma: float, bit_width: int) -> None:
        super().__init__()
        if not (math.isfinite(gamma) and gamma > 0):
            raise ValueError(f"gamma is greater than 0, not {gamma}")
        if not 2 <= bit_width <= 16:
            raise ValueError(f"activations take from 2 to 16 bits, not {bit_width}")
        self.gamma = gamma
        scale = torch.tensor(gamma / (2**bit_width - 1))
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("zero_point", torch.zeros(()), persistent=False)
        self.register_buffer("bit_width", torch.tensor(float(bit_width)), persistent=False)

    def forward(self, x: Any) -> tuple[Any, Any, Any, Any]:
        """Return the quantised activations, their scale, zero point and bits."""
        y = _ClipAndRound.apply(x, self.gamma, self.scale.item())
        return y, self.scale, self.zero_point, self.bit_width


class _ClippedAct(Uint8ActPerTensorFloat):
    tensor_quant = ClippedQuant


def clipped(gamma: float = 3.0, bits: int = 8) -> Any:
    """Return a quantiser for `act_quant=`: `bits` unsigned bits over [0, gamma].

    It is a ReLU by itself, in a `QuantIdentity` too. Behind a batch norm, a gamma of 3 cuts off
    little: what exceeds the mean by three standard deviations.
    """
    return _ClippedAct.let(gamma=gamma, bit_width=bits)
