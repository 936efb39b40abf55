# SPDX-License-Identifier: Apache-2.0
# Torch and Brevitas need not be installed where the types are checked.
# mypy: allow-subclassing-any
"""Trains a small MLP or CNN of any precision from w1a1 to w4a4 on Fashion-MNIST; exports QONNX.

Every layer, the first too, multiplies w-bit weights by a-bit activations. A trained network is
measured at each precision that it contains: the top planes of its numbers, the others zeros.
"""

import json
import math
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import brevitas.nn as qnn
import torch
import typer
from brevitas.core.function_wrapper import TensorClamp
from brevitas.export.onnx.qonnx.function import BrevitasQuantOp
from brevitas.export.onnx.qonnx.handler import BrevitasActQuantProxyHandler
from brevitas.export.onnx.qonnx.manager import QONNXManager
from brevitas.inject.enum import StatsOp
from brevitas.quant import (
    Int8WeightPerChannelFloat,
    Int16Bias,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFloat,
)
from planes import ActPlanes, Norm, Precision, WeightPlanes, keep, train_any_precision
from torch import nn
from training import (
    CLASSES,
    DEBIAN_DATA,
    MODELS,
    SIDE,
    Data,
    Epochs,
    Example,
    Images,
    Out,
    Recipe,
    Seed,
    Split,
    Task,
    accuracy,
    as_floats,
    as_labels,
    confusion,
    load_split,
    train,
    train_and_export,
)

MAX_BITS = 4
PIXELS = SIDE * SIDE
HIDDEN = (64, 64, 64)
# Channels and stride of the 3x3 convolutions: 28x28 pixels become 14x14, 7x7 and 7x7.
CONVOLUTIONS = ((16, 2), (32, 2), (32, 1))
LAST_SIDE = 7
# An activation spans [0, 2]: the ReLU of a normalised sum seldom exceeds it.
SPAN = 2.0


class Kind(StrEnum):
    """The two topologies."""

    MLP = "mlp"
    CNN = "cnn"


RECIPES = {
    Kind.MLP: Recipe(epochs=12, learning_rate=0.01, batch_size=500),
    Kind.CNN: Recipe(epochs=3, learning_rate=0.01, batch_size=100),
}
ABOUT = {
    Kind.MLP: "784-64-64-64-10 on Fashion-MNIST, input [1, 1, 28, 28] = pixel / 255",
    Kind.CNN: "3x3 convolutions 16-32-32 and a dense layer on Fashion-MNIST, "
    "input [1, 1, 28, 28] = pixel / 255",
}


class ActHandler(BrevitasActQuantProxyHandler):
    """Exports unsigned bits as what they are; Brevitas takes every single bit for a sign."""

    def prepare_for_export(self, module: nn.Module) -> None:
        """Chooses the operator of the exported node."""
        super().prepare_for_export(module)
        if module.is_quant_enabled and not module.is_signed:
            self.quant_op = BrevitasQuantOp


QONNXManager.handlers.insert(0, ActHandler)


class Weight(Int8WeightPerChannelFloat):
    """Signed weights whose largest magnitude in an output channel sets the channel's scale."""

    narrow_range = False
    tensor_clamp_impl = WeightPlanes


class FixedWeight(Weight):
    """Signed weights of a constant scale, one for all channels."""

    scaling_impl_type = "const"
    scaling_per_output_channel = False


class BipolarWeight(SignedBinaryWeightPerTensorConst):
    """The values -1 and 1 times a scale that follows the largest weight of an output channel."""

    scaling_impl_type = "stats"
    scaling_stats_op = StatsOp.MAX
    scaling_per_output_channel = True
    # The inplace clamp of Brevitas would change weights that the scale is still derived from.
    tensor_clamp_impl = TensorClamp


class Act(Uint8ActPerTensorFloat):
    """Unsigned activations at a constant scale; the norm in front of them learns to fit it."""

    scaling_impl_type = "const"
    scaling_init = SPAN
    tensor_clamp_impl = ActPlanes


class Pixels(Act):
    """Pixels, rounded to as few bits as an activation has; their range is [0, 1]."""

    scaling_init = 1.0


def weighting(precision: Precision, *, fixed: bool, span: float = 1.0) -> dict[str, object]:
    """What a dense layer or a convolution is told of its weights; `span` is of fixed scales."""
    if fixed:
        quantiser = {"weight_quant": FixedWeight, "weight_scaling_init": span}
    else:
        quantiser = {"weight_quant": BipolarWeight if precision.weights == 1 else Weight}
    return quantiser | {"weight_bit_width": precision.weights}


def relu(precision: Precision) -> nn.Module:
    """An unsigned activation that tells the next layer its scale."""
    act: nn.Module = qnn.QuantReLU(
        act_quant=Act, bit_width=precision.acts, return_quant_tensor=True
    )
    return act


def build_mlp(precision: Precision, fixed: bool) -> nn.Sequential:
    """The dense network; the names of its modules become the names of the exported nodes."""
    net = nn.Sequential()
    net.add_module("flatten", nn.Flatten())
    net.add_module("input", qnn.QuantIdentity(act_quant=Pixels, bit_width=precision.acts))
    inputs = PIXELS
    for index, outputs in enumerate(HIDDEN, 1):
        weights = weighting(precision, fixed=fixed)
        net.add_module(f"fc{index}", qnn.QuantLinear(inputs, outputs, bias=False, **weights))
        net.add_module(f"bn{index}", Norm(outputs))
        net.add_module(f"act{index}", relu(precision))
        inputs = outputs
    net.add_module("classifier", classifier(precision, inputs, fixed=fixed))
    return net


def build_cnn(precision: Precision, fixed: bool) -> nn.Sequential:
    """The convolutional network, named likewise."""
    net = nn.Sequential()
    net.add_module("input", qnn.QuantIdentity(act_quant=Pixels, bit_width=precision.acts))
    inputs = 1
    for index, (outputs, stride) in enumerate(CONVOLUTIONS, 1):
        weights = weighting(precision, fixed=fixed)
        conv = qnn.QuantConv2d(inputs, outputs, 3, stride, padding=1, bias=False, **weights)
        net.add_module(f"conv{index}", conv)
        net.add_module(f"bn{index}", Norm(outputs))
        net.add_module(f"act{index}", relu(precision))
        inputs = outputs
    net.add_module("flatten", nn.Flatten())
    net.add_module("classifier", classifier(precision, inputs * LAST_SIDE**2, fixed=fixed))
    return net.to(memory_format=torch.channels_last)


def classifier(precision: Precision, inputs: int, *, fixed: bool) -> nn.Module:
    """The last, fully connected layer; its bias of 16 bits is in units of its products."""
    # No norm follows that would make the sums of many inputs smaller.
    span = 2.0 ** round(math.log2(HIDDEN[-1] / inputs) / 2)
    weights = weighting(precision, fixed=fixed, span=span)
    layer: nn.Module = qnn.QuantLinear(inputs, CLASSES, bias=True, bias_quant=Int16Bias, **weights)
    return layer


BUILDERS = {Kind.MLP: build_mlp, Kind.CNN: build_cnn}


def sweep(net: nn.Module, trained: Precision, task: Task, test: Split) -> dict[str, float]:
    """Per cent of right answers on the test set at each run-time precision."""
    shares = {}
    for kept in trained.contained():
        keep(net, trained, kept)
        shares[str(kept)] = round(100 * accuracy(confusion(net, task, test)), 2)
    keep(net, trained, trained)
    return shares


def store(path: Path, keys: tuple[str, ...], shares: dict[str, float]) -> None:
    """Puts the figures of one network among the others of a JSON file."""
    found = json.loads(path.read_text()) if path.is_file() else {}
    place = found
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = shares
    path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


WeightBits = Annotated[int, typer.Option(min=1, max=MAX_BITS, help="Bits of a weight.")]
ActBits = Annotated[int, typer.Option(min=1, max=MAX_BITS, help="Bits of an activation.")]


def main(  # noqa: PLR0913, PLR0917 # each is an option of the command line
    kind: Annotated[Kind, typer.Option(help="Topology.")],
    weight_bits: WeightBits = MAX_BITS,
    act_bits: ActBits = MAX_BITS,
    any_precision: Annotated[
        bool, typer.Option("--any-precision", help="Train for lower run-time precisions too.")
    ] = False,
    images: Images = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    data: Data = DEBIAN_DATA,
    out: Out = MODELS,
    figures: Annotated[
        Path | None, typer.Option(help="JSON file that takes the accuracies.")
    ] = None,
) -> None:
    """Trains a network of any precision on Fashion-MNIST and exports it as QONNX."""
    if any_precision and weight_bits == 1:
        raise typer.BadParameter("--any-precision needs weights of several bits")
    precision = Precision(weight_bits, act_bits)
    example = Example(
        name=f"{kind}_{precision}",
        about=ABOUT[kind],
        command=f"train_precision.py --kind {kind} --weight-bits {weight_bits} "
        f"--act-bits {act_bits}" + any_precision * " --any-precision",
        build=partial(BUILDERS[kind], precision, any_precision),
        recipe=RECIPES[kind],
        task=Task(as_floats, as_labels),
        fit=partial(train_any_precision, stored=precision) if any_precision else train,
    )
    net = train_and_export(example, images, epochs, seed, data, out)
    shares = sweep(net, precision, example.task, load_split(data, "t10k"))
    typer.echo(json.dumps(shares))
    if figures is not None:
        way = "any_precision" if any_precision else "plain"
        store(figures, (kind, way, str(precision)), shares)


if __name__ == "__main__":
    typer.run(main)
