# SPDX-License-Identifier: Apache-2.0
# Torch and Brevitas need not be installed where the types are checked.
# mypy: allow-subclassing-any
"""Trains the CNV example networks of FINN on Fashion-MNIST and exports them as QONNX.

The images are padded to 32x32 and repeated over three channels, so that every shape is that of the
published CNV for CIFAR-10.
"""

from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Annotated

import brevitas.nn as qnn
import torch
import typer
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerTensorFloat,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
)
from layers import Clamp
from torch import Tensor, nn
from training import (
    CLASSES,
    DEBIAN_DATA,
    MODELS,
    Data,
    Epochs,
    Example,
    Images,
    Out,
    Recipe,
    Seed,
    Task,
    as_floats,
    as_labels,
    train_and_export,
)

# Channels of the convolutions; a pool follows where the second entry says so.
CONVOLUTIONS = ((64, False), (64, True), (128, False), (128, True), (256, False), (256, False))
DENSE = (512, 512)
BORDER = 2
EPSILON = 1e-4


class Bits(StrEnum):
    """Width of the weights and of the activations of a network."""

    W1A1 = "w1a1"
    W1A2 = "w1a2"
    W2A2 = "w2a2"


_RECIPE = Recipe(
    epochs=1, learning_rate=0.004, batch_size=50, half_precision=True, clip_weights=True
)
RECIPES = {
    Bits.W1A1: _RECIPE,
    Bits.W1A2: _RECIPE,
    Bits.W2A2: replace(_RECIPE, learning_rate=0.01),
}


class BinaryActivation(SignedBinaryActPerTensorConst):
    """The values -1 and 1."""

    scaling_init = 1.0
    min_val = -1.0
    max_val = 1.0
    tensor_clamp_impl = Clamp


class ConstantActivation(Int8ActPerTensorFloat):
    """Signed integers times a constant scale that spans [-1, 1]."""

    scaling_impl_type = "const"
    scaling_init = 1.0
    tensor_clamp_impl = Clamp


class BinaryWeight(SignedBinaryWeightPerTensorConst):
    """The values -1 and 1."""

    scaling_init = 1.0


class TernaryWeight(Int8WeightPerTensorFloat):
    """The values -1, 0 and 1: two bits, narrow."""

    bit_width = 2
    narrow_range = True
    scaling_impl_type = "const"
    scaling_init = 1.0


class TensorNorm(nn.Module):
    """A batch norm over a whole tensor: one positive factor and one term for all classes."""

    def __init__(self, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1))
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("variance", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalises by the statistics of the batch, or by the running ones in evaluation."""
        if self.training:
            mean, variance = x.mean(), x.var()
            self.mean.lerp_(mean.detach().to(self.mean), self.momentum)
            self.variance.lerp_(variance.detach().to(self.mean), self.momentum)
        else:
            mean, variance = self.mean, self.variance
        return (x - mean) / (variance + EPSILON).sqrt() * self.weight + self.bias


class SignedPixels(nn.Module):
    """Eight bits a pixel: 2 x - 1 in steps of 1/128."""

    def __init__(self) -> None:
        super().__init__()
        self.quantise = qnn.QuantIdentity(
            act_quant=ConstantActivation, bit_width=8, restrict_scaling_type="power_of_two"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Moves [0, 1] to [-1, 1] and quantises."""
        pixels: Tensor = self.quantise(2.0 * x - 1.0)
        return pixels


def activation(bits: Bits) -> nn.Module:
    """The activation behind a layer: bipolar, or the ternary form of two bits."""
    act: nn.Module
    if bits is Bits.W1A1:
        act = qnn.QuantIdentity(act_quant=BinaryActivation)
    else:
        act = qnn.QuantIdentity(act_quant=ConstantActivation, bit_width=2, narrow_range=True)
    return act


def spread_weights(net: nn.Module) -> None:
    """Draws ternary weights from all three values; the usual start would round to zeros."""
    for module in net.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.uniform_(module.weight, -1.0, 1.0)


def build(bits: Bits) -> nn.Sequential:
    """The CNV network; the names of its modules become the names of the exported nodes."""
    weight = TernaryWeight if bits is Bits.W2A2 else BinaryWeight
    net = nn.Sequential()
    net.add_module("input", SignedPixels())
    inputs = 3
    for index, (outputs, pooled) in enumerate(CONVOLUTIONS, 1):
        conv = qnn.QuantConv2d(inputs, outputs, 3, bias=False, weight_quant=weight)
        net.add_module(f"conv{index}", conv)
        net.add_module(f"bn{index}", nn.BatchNorm2d(outputs, eps=EPSILON))
        net.add_module(f"act{index}", activation(bits))
        if pooled:
            net.add_module(f"pool{index}", nn.MaxPool2d(2))
        inputs = outputs
    net.add_module("flatten", nn.Flatten())
    for index, outputs in enumerate(DENSE, 1):
        dense = qnn.QuantLinear(inputs, outputs, bias=False, weight_quant=weight)
        net.add_module(f"fc{index}", dense)
        net.add_module(f"fc_bn{index}", nn.BatchNorm1d(outputs, eps=EPSILON))
        net.add_module(f"fc_act{index}", activation(bits))
        inputs = outputs
    net.add_module("fc3", qnn.QuantLinear(inputs, CLASSES, bias=False, weight_quant=weight))
    net.add_module("norm", TensorNorm())
    if bits is Bits.W2A2:
        spread_weights(net)
    return net.to(memory_format=torch.channels_last)


def padded(images: Tensor) -> Tensor:
    """Pixel / 255 with a black border, three times: [n, 3, 32, 32]."""
    return nn.functional.pad(as_floats(images), [BORDER] * 4).repeat(1, 3, 1, 1)


def main(
    bits: Annotated[Bits, typer.Option(help="Network to train and export.")],
    images: Images = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    data: Data = DEBIAN_DATA,
    out: Out = MODELS,
) -> None:
    """Trains a CNV network on Fashion-MNIST and exports it as QONNX."""
    example = Example(
        name=f"cnv_{bits}",
        about="CNV on Fashion-MNIST, input [1, 3, 32, 32] = pixel / 255, padded and repeated",
        command=f"train_cnv.py --bits {bits}",
        build=partial(build, bits),
        recipe=RECIPES[bits],
        task=Task(padded, as_labels),
    )
    train_and_export(example, images, epochs, seed, data, out)


if __name__ == "__main__":
    typer.run(main)
