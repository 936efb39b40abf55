# SPDX-License-Identifier: Apache-2.0
# Torch and Brevitas need not be installed where the types are checked.
"""Trains a CNN of floating-point numbers of few bits on Fashion-MNIST and exports it as QONNX.

Weights and activations have a format of the OCP, their scales are powers of two, and there are no
batch norms: so behind all layers but the first, which sees pixels in steps of 1/255, hardware may
round by a compressor in place of thresholds.
"""

from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import brevitas.nn as qnn
import typer
from brevitas.quant import Uint8ActPerTensorFloat
from brevitas.quant.float_base import Fp4e2m1Mixin, Fp6e3m2Mixin, Fp8e4m3Mixin
from brevitas.quant.float_quant_ocp import FpOCPActPerTensorFloat, FpOCPWeightPerTensorFloat
from torch import nn
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

# Channels and stride of the 3x3 convolutions: 28x28 pixels become 14x14, 7x7 and 7x7.
CONVOLUTIONS = ((16, 2), (32, 2), (32, 1))
LAST_SIDE = 7
RECIPE = Recipe(epochs=10, learning_rate=0.003, batch_size=100)


class Format(StrEnum):
    """Bits of the exponent and of the mantissa."""

    E4M3 = "e4m3"
    E3M2 = "e3m2"
    E2M1 = "e2m1"


class WeightE4M3(Fp8e4m3Mixin, FpOCPWeightPerTensorFloat):  # type: ignore[misc, unused-ignore]
    """FP8 weights."""

    restrict_scaling_type = "power_of_two"


class WeightE3M2(Fp6e3m2Mixin, FpOCPWeightPerTensorFloat):  # type: ignore[misc, unused-ignore]
    """FP6 weights."""

    restrict_scaling_type = "power_of_two"


class WeightE2M1(Fp4e2m1Mixin, FpOCPWeightPerTensorFloat):  # type: ignore[misc, unused-ignore]
    """FP4 weights."""

    restrict_scaling_type = "power_of_two"


class ActE4M3(Fp8e4m3Mixin, FpOCPActPerTensorFloat):  # type: ignore[misc, unused-ignore]
    """FP8 activations."""

    restrict_scaling_type = "power_of_two"


class ActE3M2(Fp6e3m2Mixin, FpOCPActPerTensorFloat):  # type: ignore[misc, unused-ignore]
    """FP6 activations."""

    restrict_scaling_type = "power_of_two"


class ActE2M1(Fp4e2m1Mixin, FpOCPActPerTensorFloat):  # type: ignore[misc, unused-ignore]
    """FP4 activations."""

    restrict_scaling_type = "power_of_two"


QUANTISERS: dict[Format, tuple[Any, Any]] = {
    Format.E4M3: (WeightE4M3, ActE4M3),
    Format.E3M2: (WeightE3M2, ActE3M2),
    Format.E2M1: (WeightE2M1, ActE2M1),
}


def build(format_: Format) -> nn.Sequential:
    """The network; the names of its modules become the names of the exported nodes."""
    weights, acts = QUANTISERS[format_]
    net = nn.Sequential()
    pixels = qnn.QuantIdentity(
        act_quant=Uint8ActPerTensorFloat, scaling_impl_type="const", scaling_init=1.0
    )
    net.add_module("input", pixels)
    inputs = 1
    for index, (outputs, stride) in enumerate(CONVOLUTIONS, 1):
        conv = qnn.QuantConv2d(inputs, outputs, 3, stride, padding=1, weight_quant=weights)
        net.add_module(f"conv{index}", conv)
        net.add_module(f"act{index}", qnn.QuantReLU(act_quant=acts))
        inputs = outputs
    net.add_module("flatten", nn.Flatten())
    last = qnn.QuantLinear(inputs * LAST_SIDE**2, CLASSES, bias=True, weight_quant=weights)
    net.add_module("fc", last)
    return net


def main(
    format_: Annotated[Format, typer.Option("--format", help="Of weights and activations.")],
    images: Images = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    data: Data = DEBIAN_DATA,
    out: Out = MODELS,
) -> None:
    """Trains a network of minifloats on Fashion-MNIST and exports it as QONNX."""
    example = Example(
        f"cnn_{format_}",
        f"CNN: 3x3 convolutions 16-32-32, dense 1568-10, in {format_.upper()}",
        f"train_minifloat.py --format {format_}",
        partial(build, format_),
        RECIPE,
        Task(as_floats, as_labels),
    )
    train_and_export(example, images, epochs, seed, data, out)


if __name__ == "__main__":
    typer.run(main)
