# SPDX-License-Identifier: Apache-2.0
"""Trains the TFC example networks (784-64-64-64-10) on Fashion-MNIST and exports them as QONNX.

The same seed, versions and number of epochs give the same file on the same machine.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
import typer
from brevitas.export import export_qonnx
from brevitas.quant import (
    Int16Bias,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFloat,
)
from torch import Tensor, nn
from training import (
    CLASSES,
    DEBIAN_DATA,
    EXAMPLES,
    MODELS,
    OPSET,
    SIDE,
    Data,
    Epochs,
    Out,
    Seed,
    Split,
    as_floats,
    as_labels,
    clip_weights,
    learning_rate_factor,
    load_split,
    start,
)

PIXELS = SIDE * SIDE
HIDDEN = 64
DUMPED_IMAGES = 1000


class Bits(StrEnum):
    """Width of the weights and of the activations of a network."""

    W1A1 = "w1a1"
    W2A2 = "w2a2"
    W4A4 = "w4a4"


@dataclass(frozen=True)
class Recipe:
    """How one network is trained: AdamW with a cosine learning rate that starts with a warm-up."""

    epochs: int
    learning_rate: float
    batch_size: int
    input_dropout: float
    weight_decay: float = 0.01
    warmup_fraction: float = 0.1


RECIPES = {
    Bits.W1A1: Recipe(epochs=30, learning_rate=0.01, batch_size=200, input_dropout=0.05),
    Bits.W2A2: Recipe(epochs=30, learning_rate=0.004, batch_size=500, input_dropout=0.1),
    Bits.W4A4: Recipe(epochs=30, learning_rate=0.004, batch_size=500, input_dropout=0.2),
}


def tensors(split: Split) -> tuple[Tensor, Tensor]:
    """The images as [n, 1, 28, 28] float pixel / 255, and the labels as integers."""
    images, labels = torch.from_numpy(split.images.copy()), torch.from_numpy(split.labels.copy())
    return as_floats(images), as_labels(images, labels)


class BinaryInput(nn.Module):  # type: ignore[misc, unused-ignore] # Any without torch
    """One bit a pixel, as FINN's TFC takes it: the sign of 2 x - 1."""

    def __init__(self) -> None:
        super().__init__()
        self.sign = sign_activation()

    def forward(self, x: Tensor) -> Tensor:
        """Moves [0, 1] to [-1, 1] and keeps the sign."""
        bits: Tensor = self.sign(2.0 * x - 1.0)
        return bits


def sign_activation() -> nn.Module:
    """A bipolar activation of scale 1."""
    act: nn.Module = qnn.QuantIdentity(
        act_quant=SignedBinaryActPerTensorConst, min_val=-1.0, max_val=1.0, scaling_init=1.0
    )
    return act


def byte_input() -> nn.Module:
    """Eight unsigned bits a pixel at the constant scale 1/255, which loses nothing."""
    act: nn.Module = qnn.QuantIdentity(
        act_quant=Uint8ActPerTensorFloat,
        scaling_impl_type="const",
        scaling_init=1.0,
        return_quant_tensor=True,
    )
    return act


def dense(bits: Bits, inputs: int, outputs: int) -> nn.Module:
    """A fully connected layer with quantised weights; only the last may have a bias."""
    last = outputs == CLASSES
    layer: nn.Module
    if bits is Bits.W1A1:
        layer = qnn.QuantLinear(
            inputs,
            outputs,
            bias=False,
            weight_quant=SignedBinaryWeightPerTensorConst,
            weight_scaling_init=1.0,
        )
    elif bits is Bits.W2A2:
        layer = qnn.QuantLinear(
            inputs,
            outputs,
            bias=last,
            weight_bit_width=2,
            weight_scaling_impl_type="parameter_from_stats",
            weight_scaling_stats_op="ave",
        )
    else:
        layer = qnn.QuantLinear(
            inputs,
            outputs,
            bias=last,
            weight_bit_width=4,
            weight_scaling_per_output_channel=True,
            bias_quant=Int16Bias if last else None,
        )
    return layer


def activation(bits: Bits) -> nn.Module:
    """The activation behind a hidden layer."""
    if bits is Bits.W1A1:
        return sign_activation()
    width = 2 if bits is Bits.W2A2 else 4
    act: nn.Module = qnn.QuantReLU(bit_width=width, return_quant_tensor=True)
    return act


def build(bits: Bits) -> nn.Sequential:
    """The TFC network; the names of its modules become the names of the exported nodes."""
    net = nn.Sequential()
    net.add_module("flatten", nn.Flatten())
    net.add_module("dropout", nn.Dropout(RECIPES[bits].input_dropout))
    net.add_module("input", BinaryInput() if bits is Bits.W1A1 else byte_input())
    inputs = PIXELS
    for index in range(1, 4):
        net.add_module(f"fc{index}", dense(bits, inputs, HIDDEN))
        net.add_module(f"bn{index}", nn.BatchNorm1d(HIDDEN))
        net.add_module(f"act{index}", activation(bits))
        inputs = HIDDEN
    net.add_module("fc4", dense(bits, HIDDEN, CLASSES))
    if bits is Bits.W1A1:
        net.add_module("bn4", nn.BatchNorm1d(CLASSES))
    return net


def batches(count: int, size: int) -> Iterator[Tensor]:
    """The indices of one epoch, shuffled."""
    order = torch.randperm(count)
    for first in range(0, count, size):
        yield order[first : first + size]


def train(net: nn.Module, bits: Bits, split: Split, recipe: Recipe) -> None:
    """Trains in place, one line of progress per epoch on stderr."""
    images, labels = tensors(split)
    steps = recipe.epochs * math.ceil(len(labels) / recipe.batch_size)
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: learning_rate_factor(step, steps, recipe.warmup_fraction)
    )
    for epoch in range(1, recipe.epochs + 1):
        net.train()
        total = 0.0
        for chosen in batches(len(labels), recipe.batch_size):
            loss = nn.functional.cross_entropy(net(images[chosen]), labels[chosen])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            if bits is Bits.W1A1:
                clip_weights(net)
            total += loss.item() * len(chosen)
        typer.echo(f"epoch {epoch}/{recipe.epochs}: loss {total / len(labels):.4f}", err=True)


def accuracy(net: nn.Module, split: Split) -> float:
    """Share of the images that the network labels rightly."""
    images, labels = tensors(split)
    net.eval()
    with torch.no_grad():
        right = net(images).argmax(dim=1) == labels
    return float(right.double().mean().item())


def describe(bits: Bits, epochs: int, seed: int, test_accuracy: float) -> str:
    """What the doc string of the exported file says."""
    return (
        f"tfc_{bits}: 784-64-64-64-10 on Fashion-MNIST, input [1, 1, 28, 28] = pixel / 255; "
        f"test accuracy {test_accuracy:.2%} on 10000 images, seed {seed}; made by "
        f"`python examples/train_mlp.py --bits {bits} --epochs {epochs} --seed {seed}`"
    )


def export(net: nn.Module, path: Path, doc: str) -> None:
    """Writes the network as QONNX with a fixed batch of one."""
    net.eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    # The TorchScript exporter keeps the module names and the opset; the dynamo one changes both.
    export_qonnx(
        net,
        args=torch.zeros(1, 1, SIDE, SIDE),
        export_path=str(path),
        input_names=["image"],
        output_names=["logits"],
        opset_version=OPSET,
        dynamo=False,
        keep_initializers_as_inputs=False,
    )
    model = onnx.load(path)
    model.graph.name = path.stem
    model.doc_string = doc
    onnx.checker.check_model(model, skip_opset_compatibility_check=True)
    onnx.save(model, path)


def write_test_images(data: Path, folder: Path) -> Path:
    """Writes the first thousand test images and labels, which the example commands run on."""
    test = load_split(data, "t10k")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "fashion_mnist_1k.npz"
    np.savez_compressed(
        path, images=test.images[:DUMPED_IMAGES], labels=test.labels[:DUMPED_IMAGES]
    )
    return path


def train_and_export(bits: Bits, epochs: int | None, seed: int, data: Path, out: Path) -> Path:
    """Trains one network from the seed, measures it on the test set and writes the file."""
    recipe = RECIPES[bits] if epochs is None else replace(RECIPES[bits], epochs=epochs)
    training, test = load_split(data, "train"), load_split(data, "t10k")
    start(seed)
    net = build(bits)
    train(net, bits, training, recipe)
    share = accuracy(net, test)
    path = out / f"tfc_{bits}.onnx"
    export(net, path, describe(bits, recipe.epochs, seed, share))
    typer.echo(f"{path}: test accuracy {share:.2%}")
    return path


def main(
    bits: Annotated[Bits | None, typer.Option(help="Network to train and export.")] = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    data: Data = DEBIAN_DATA,
    out: Out = MODELS,
    dump_test_images: Annotated[
        bool, typer.Option("--dump-test-images", help="Write data/fashion_mnist_1k.npz.")
    ] = False,
) -> None:
    """Trains a TFC network on Fashion-MNIST and exports it as QONNX."""
    if bits is None and not dump_test_images:
        raise typer.BadParameter("nothing to do; give --bits, --dump-test-images or both")
    if dump_test_images:
        path = write_test_images(data, EXAMPLES / "data")
        typer.echo(f"{path}: {DUMPED_IMAGES} images")
    if bits is not None:
        train_and_export(bits, epochs, seed, data, out)


if __name__ == "__main__":
    typer.run(main)
