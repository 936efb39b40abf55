# SPDX-License-Identifier: Apache-2.0
# Torch and Brevitas need not be installed where the types are checked.
# mypy: allow-subclassing-any
"""Networks that keep only the top bit planes of their numbers, and how one is trained for that.

Planes that are not kept count as zeros, so that the scale stays: in two's complement that is a
floor. A network trained as usual does not survive it, as the floor moves every weight in the same
direction while the thresholds behind the sums stay. One trained here computes each batch at full
and at a random lower precision, and every plane of its weights has a latent of its own: the planes
that are kept learn to do without the others, and the others to add something.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from training import Recipe, Split, Task, cross_entropy, train

# Latents of this range take as many steps from one bit to the other as suits the learning rate
# of the other parameters: one optimiser serves both.
LATENT_MAX = 0.1
START_SPREAD = 3 / 8  # standard deviation of the first weights over the largest magnitude


@dataclass(frozen=True)
class Precision:
    """Bits of the weights and of the activations."""

    weights: int
    acts: int

    def __str__(self) -> str:
        return f"w{self.weights}a{self.acts}"

    def contained(self) -> Iterator["Precision"]:
        """Every precision up to this one, itself last."""
        for weights in range(1, self.weights + 1):
            for acts in range(1, self.acts + 1):
                yield Precision(weights, acts)

    def drawn(self) -> "Precision":
        """A random one of those."""
        weights, acts = (int(torch.randint(1, most + 1, ())) for most in (self.weights, self.acts))
        return Precision(weights, acts)


class Planes(nn.Module):
    """Clamps integers and clears the lowest bit planes of them, with a straight-through gradient.

    Brevitas' clamp stands behind the rounding and before the scale, where numbers are integers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cleared = 0

    def forward(self, x: Tensor, min_val: Tensor, max_val: Tensor) -> Tensor:
        """The planes of `x` that are kept."""
        # Unlike hardtanh, clamp passes the gradient at the bounds: half of all two-bit numbers.
        y = x.clamp(min_val.item(), max_val.item())
        if self.cleared == 0:
            return y
        step = 2**self.cleared
        return y + (torch.floor(y / step) * step - y).detach()


class WeightPlanes(Planes):
    """The planes of weights."""


class ActPlanes(Planes):
    """The planes of activations."""


class Norm(nn.BatchNorm1d):
    """A batch norm of vectors or images that holds lower precisions to the full one's statistics.

    In training it meets a batch at full precision first. Hardware has one set of thresholds.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.lower = False
        self.full = torch.empty(0)

    def _check_input_dim(self, x: Tensor) -> None:
        del x

    def forward(self, x: Tensor) -> Tensor:
        """Normalises by the full-precision batch, or by the running statistics in evaluation."""
        if self.lower:
            others = [0, *range(2, x.dim())]
            variance, mean = torch.var_mean(self.full, others, correction=0, keepdim=True)
            weight, bias = (p.view_as(mean) for p in (self.weight, self.bias))
            return (x - mean) / (variance + self.eps).sqrt() * weight + bias
        if self.training:
            self.full = x
        y: Tensor = super().forward(x)
        return y


class BitLatents(nn.Module):
    """Weights of a constant scale whose bits are the signs of trained latents, top plane first.

    A plane that is cleared gets no gradient. With one latent a weight, the gradients at two
    precisions would undo each other: one finds the floored weight too low, one the full too high.
    """

    def __init__(self, bits: int, scale: float) -> None:
        super().__init__()
        self.cleared = 0
        self.top = 2 ** (bits - 1)
        self.scale = scale
        self.register_buffer("places", torch.tensor([-self.top, *self.lower_places()]) * scale)

    def lower_places(self) -> list[int]:
        """What the bits below the sign are worth."""
        return [self.top >> place for place in range(1, self.top.bit_length())]

    def forward(self, latents: Tensor) -> Tensor:
        """The weights."""
        kept = latents[: len(latents) - self.cleared]
        soft = kept / (2 * LATENT_MAX) + 0.5
        bits = soft + ((kept > 0).float() - soft).detach()
        return torch.tensordot(self.places[: len(kept)], bits, 1)

    def right_inverse(self, weights: Tensor) -> Tensor:
        """New latents for weights of the shape of `weights`, at random distances from zero."""
        codes = (torch.randn_like(weights) * START_SPREAD * self.top).round()
        codes = codes.clamp(-self.top, self.top - 1).to(torch.int64)
        bits = [codes < 0, *((codes & place) != 0 for place in self.lower_places())]
        signs = 2 * torch.stack(bits).to(weights.dtype) - 1
        return signs * torch.rand_like(signs) * LATENT_MAX


def keep(net: nn.Module, stored: Precision, kept: Precision) -> None:
    """Lets `net` compute with the top planes `kept` of those that are `stored`."""
    for module in net.modules():
        if isinstance(module, (WeightPlanes, BitLatents)):
            module.cleared = stored.weights - kept.weights
        elif isinstance(module, ActPlanes):
            module.cleared = stored.acts - kept.acts
        elif isinstance(module, Norm):
            module.lower = kept != stored and net.training


@dataclass(frozen=True)
class AnyPrecisionLoss:
    """The loss at full precision plus the loss at a random lower one."""

    stored: Precision

    def __call__(self, net: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Computes the batch twice."""
        clip_latents(net)
        loss = cross_entropy(net, inputs, targets)
        keep(net, self.stored, self.stored.drawn())
        loss = loss + cross_entropy(net, inputs, targets)
        keep(net, self.stored, self.stored)
        return loss


def clip_latents(net: nn.Module) -> None:
    """Keeps a latent near zero, where it can still change its bit."""
    with torch.no_grad():
        for layer in layers_of(net):
            layer.parametrizations.weight.original.clamp_(-LATENT_MAX, LATENT_MAX)


def layers_of(net: nn.Module) -> Iterator[nn.Module]:
    """The dense layers and convolutions."""
    return (layer for layer in net.modules() if isinstance(layer, (nn.Linear, nn.Conv2d)))


def train_any_precision(
    net: nn.Module, task: Task, split: Split, recipe: Recipe, stored: Precision
) -> None:
    """Trains in place for every precision up to `stored`; scales of weights must be constant."""
    for layer in layers_of(net):
        scale = float(layer.quant_weight().scale)
        parametrize.register_parametrization(layer, "weight", BitLatents(stored.weights, scale))
    train(net, task, split, recipe, AnyPrecisionLoss(stored))
    for layer in layers_of(net):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
