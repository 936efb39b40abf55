# mypy: allow-subclassing-any
"""The quantiser of weights with few values, as Brevitas calls it, and its gradients.

Invariant: each value is a whole multiple of the grid's step, a power of two, so a float32 holds it
exactly, and a Quant node of that step gives the same integers.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from bitmason.nn.clusters import Clusters

_SMALLEST = 2.0**-24  # the largest magnitude of a layer of zeros


class _Assign(torch.autograd.Function):
    """Gives every weight the value of its interval."""

    @staticmethod
    def forward(ctx: Any, weights: Any, thresholds: Any, values: Any, slopes: Any) -> Any:
        # A few comparisons are faster than codes that look up values.
        above = [weights >= threshold for threshold in thresholds]
        ctx.save_for_backward(*above, None if slopes is None else _choose(above, slopes))
        return _choose(above, values)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        """Return the gradients of the weights, and those of the values: the sums of (5.21)."""
        *above, slopes = ctx.saved_tensors
        sums = torch.stack([grad.sum(), *(torch.where(mask, grad, 0).sum() for mask in above)])
        through = grad if slopes is None else grad * slopes
        return through, None, sums - torch.cat([sums[1:], sums.new_zeros(1)]), None


def _choose(above: list[Any], values: Any) -> Any:
    """Return the value of the interval that each element is in."""
    chosen = values[0]
    for mask, value in zip(above, values[1:], strict=True):
        chosen = torch.where(mask, value, chosen)
    return chosen


class CodedQuant(nn.Module):
    """Assigns the weights of a layer to the intervals of `clusters`, and each interval a value.

    The values are trained. `scales` holds them, but for zero, in units of `reach`, the end of a
    grid of `scale_bits` signed bits; they start as the mean weights of their intervals, where the
    largest takes between a quarter and half of the grid. The gradient of a value is the sum of
    those of its weights. A weight takes the gradient of its value as it is or, with
    `scaled_slopes`, times the magnitude of the value where that is not zero (TTQ).
    """

    def __init__(
        self,
        clusters: Clusters,
        scale_bits: int,
        scaled_slopes: bool,
        tracked_parameter_list: list[Any],
    ) -> None:
        super().__init__()
        if not 4 <= scale_bits <= 16:
            raise ValueError(f"scales take from 4 to 16 bits, not {scale_bits}")
        self.clusters = clusters
        self.scale_bits = scale_bits
        self.scaled_slopes = scaled_slopes
        signs = torch.tensor(clusters.form.signs)
        self.register_buffer("places", torch.nonzero(signs).flatten(), persistent=False)
        self.register_buffer("signs", signs[self.places], persistent=False)
        self.register_buffer("reach", torch.ones(()))
        self.register_buffer("zero_point", torch.zeros(()), persistent=False)
        self.register_buffer("bit_width", torch.tensor(float(scale_bits)), persistent=False)
        self.scales = nn.Parameter(torch.zeros(len(self.places)))
        weights = [parameter.detach() for parameter in tracked_parameter_list]
        self.start(torch.cat([part.flatten() for part in weights]))

    @property
    def step(self) -> Any:
        """The distance between two numbers of the grid."""
        return self.reach / 2 ** (self.scale_bits - 1)

    def start(self, weights: Any) -> None:
        """Choose the grid and the values for `weights`."""
        magnitudes = _means(weights, self.clusters)[self.places].abs()
        largest = magnitudes.max().clamp(min=_SMALLEST)
        magnitudes = torch.where(magnitudes > 0, magnitudes, largest)
        exponent = math.floor(math.log2(largest.item()))
        with torch.no_grad():
            self.reach.fill_(2.0 ** (exponent + 2))
            self.scales.copy_(self.signs * magnitudes / self.reach)

    def integers(self) -> Any:
        """Return the values in steps of the grid, ascending in intervals, zero included."""
        top = 2 ** (self.scale_bits - 1)
        exact = self.scales * top
        # An interval keeps its sign: its weights would otherwise change their meaning at once.
        rounded = self.signs * (self.signs * exact).round().clamp(1, top - 1)
        through = exact + (rounded - exact).detach()
        zeros = through.new_zeros(self.clusters.form.intervals)
        return zeros.index_put((self.places,), through)

    def forward(self, x: Any) -> tuple[Any, Any, Any, Any]:
        """Return the quantised weights, their step, zero point and bits."""
        values = self.integers() * self.step
        slopes = None
        if self.scaled_slopes:
            magnitudes = values.detach().abs()
            slopes = torch.where(magnitudes > 0, magnitudes, torch.ones_like(magnitudes))
        quantised = _Assign.apply(x, self.clusters.thresholds(x.detach()), values, slopes)
        return quantised, self.step, self.zero_point, self.bit_width


def _means(weights: Any, clusters: Clusters) -> Any:
    """Return the mean weight of each interval; of an empty one, zero."""
    codes = clusters.codes(weights)
    counts = torch.bincount(codes, minlength=clusters.form.intervals)
    sums = torch.bincount(codes, weights=weights, minlength=clusters.form.intervals)
    return (sums / counts.clamp(min=1)).to(weights.dtype)
