# SPDX-License-Identifier: Apache-2.0
"""Trains a small MobileNet with four-bit weights and activations and exports it as QONNX.

Depthwise convolutions with padding alternate with pointwise ones, as in MobileNetV1; the images are
those of Fashion-MNIST.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from layers import Average, block, byte_input, classifier
from torch import Tensor, nn
from training import (
    DEBIAN_DATA,
    EXAMPLES,
    Recipe,
    Task,
    accuracy,
    as_floats,
    as_labels,
    confusion,
    export,
    first_inputs,
    load_split,
    start,
    train,
)

RECIPE = Recipe(epochs=2, learning_rate=0.004, batch_size=100, weight_decay=0.01)
STEM = 16
# Channels and stride of each pair of a depthwise and a pointwise convolution.
PAIRS = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1))


def build() -> nn.Sequential:
    """The network; the names of its modules become the names of the exported nodes."""
    net = nn.Sequential()
    net.add_module("input", byte_input())
    net.add_module("stem", block(1, STEM, 3, stride=2))
    inputs = STEM
    for index, (outputs, stride) in enumerate(PAIRS, 1):
        net.add_module(f"dw{index}", block(inputs, inputs, 3, stride, groups=inputs))
        net.add_module(f"pw{index}", block(inputs, outputs, 1))
        inputs = outputs
    net.add_module("pool", Average(nn.AdaptiveAvgPool2d(1)))
    net.add_module("fc", classifier(inputs))
    return net.to(memory_format=torch.channels_last)


def main(
    images: Annotated[int | None, typer.Option(help="Training images; default: all.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all randomness.")] = 0,
    data: Annotated[Path, typer.Option(help="Folder of the IDX files.")] = DEBIAN_DATA,
    out: Annotated[Path, typer.Option(help="Folder of the exported models.")] = EXAMPLES / "models",
) -> None:
    """Trains the MobileNet on Fashion-MNIST and exports it as QONNX."""
    recipe = RECIPE.adapted(images, epochs)
    task = Task(as_floats, as_labels)
    training, test = load_split(data, "train"), load_split(data, "t10k")
    start(seed)
    net = build()
    train(net, task, training, recipe)
    share = accuracy(confusion(net, task, test))
    doc = (
        "mobilenet_w4a4: a small MobileNetV1 on Fashion-MNIST, input [1, 1, 28, 28] = pixel / 255; "
        f"test accuracy {share:.2%} on 10000 images; made by `python examples/train_mobilenet.py "
        f"--images {recipe.images} --epochs {recipe.epochs} --seed {seed}`"
    )
    export(net, first_inputs(test, task), out / "mobilenet_w4a4.onnx", doc)
    typer.echo(f"mobilenet_w4a4: test accuracy {share:.2%}")


if __name__ == "__main__":
    typer.run(main)
