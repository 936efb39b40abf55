# SPDX-License-Identifier: Apache-2.0
"""Trains a 1-D net, of the kind that spots keywords, and exports it as QONNX.

The sequences are the images of Fashion-MNIST, a column a step: 28 steps of 28 channels. Real speech
brings its features, such as MFCC, in the same form.
"""

from pathlib import Path
from typing import Annotated

import typer
from layers import Average, block_1d, byte_input, classifier
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

RECIPE = Recipe(epochs=4, learning_rate=0.004, batch_size=100, weight_decay=0.01)
FEATURES = 28
STEM = 64
# Channels, kernel and stride of each pair of a depthwise and a pointwise convolution.
PAIRS = ((64, 5, 1), (96, 5, 2), (96, 3, 1), (128, 3, 1))


def build() -> nn.Sequential:
    """The network; the names of its modules become the names of the exported nodes."""
    net = nn.Sequential()
    net.add_module("input", byte_input())
    net.add_module("stem", block_1d(FEATURES, STEM, 5))
    net.add_module("pool", nn.MaxPool1d(2))
    inputs = STEM
    for index, (outputs, kernel, stride) in enumerate(PAIRS, 1):
        net.add_module(f"dw{index}", block_1d(inputs, inputs, kernel, stride, groups=inputs))
        net.add_module(f"pw{index}", block_1d(inputs, outputs, 1))
        inputs = outputs
    net.add_module("mean", Average(nn.AdaptiveAvgPool1d(1)))
    net.add_module("fc", classifier(inputs))
    return net


def sequences(images: Tensor) -> Tensor:
    """Pixel / 255 as [n, 28 channels, 28 steps]: the rows are the channels."""
    return as_floats(images)[:, 0]


def main(
    images: Annotated[int | None, typer.Option(help="Training images; default: all.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all randomness.")] = 0,
    data: Annotated[Path, typer.Option(help="Folder of the IDX files.")] = DEBIAN_DATA,
    out: Annotated[Path, typer.Option(help="Folder of the exported models.")] = EXAMPLES / "models",
) -> None:
    """Trains the 1-D net on Fashion-MNIST and exports it as QONNX."""
    recipe = RECIPE.adapted(images, epochs)
    task = Task(sequences, as_labels)
    training, test = load_split(data, "train"), load_split(data, "t10k")
    start(seed)
    net = build()
    train(net, task, training, recipe)
    share = accuracy(confusion(net, task, test))
    doc = (
        "kws_w4a4: 1-D separable convolutions on the columns of Fashion-MNIST, input [1, 28, 28]; "
        f"test accuracy {share:.2%} on 10000 images; made by `python examples/train_kws.py "
        f"--images {recipe.images} --epochs {recipe.epochs} --seed {seed}`"
    )
    export(net, first_inputs(test, task), out / "kws_w4a4.onnx", doc)
    typer.echo(f"kws_w4a4: test accuracy {share:.2%}")


if __name__ == "__main__":
    typer.run(main)
