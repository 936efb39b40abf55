# SPDX-License-Identifier: Apache-2.0
"""Trains a small U-Net with four-bit weights and activations and exports it as QONNX.

It says for every pixel of an image of Fashion-MNIST whether it is background or which kind of
clothing it belongs to.
"""

from pathlib import Path
from typing import Annotated

import brevitas.nn as qnn
import torch
import typer
from layers import Unsigned, block, byte_input
from torch import Tensor, nn
from training import (
    CLASSES,
    DEBIAN_DATA,
    EXAMPLES,
    Recipe,
    Task,
    accuracy,
    as_floats,
    confusion,
    export,
    first_inputs,
    load_split,
    mean_iou,
    start,
    train,
)

RECIPE = Recipe(epochs=2, learning_rate=0.004, batch_size=50, weight_decay=0.01)
PIXEL_CLASSES = 1 + CLASSES
WIDTHS = (8, 16, 48)


class UNet(nn.Module):
    """Two levels down and up again, with a skip connection at each."""

    def __init__(self) -> None:
        super().__init__()
        fine, coarse, bottom = WIDTHS
        self.input = byte_input()
        self.down1 = nn.Sequential(block(1, fine, 3), block(fine, fine, 3))
        self.down2 = nn.Sequential(block(fine, coarse, 3), block(coarse, coarse, 3))
        self.bottom = nn.Sequential(block(coarse, bottom, 3), block(bottom, bottom, 3))
        self.pool = nn.MaxPool2d(2)
        self.grow = nn.Upsample(scale_factor=2, mode="nearest")
        self.join2 = quantiser()
        self.up2 = block(bottom + coarse, coarse, 3)
        self.join1 = quantiser()
        self.up1 = block(coarse + fine, coarse, 3)
        self.pixels = pixel_classifier(coarse)

    def forward(self, x: Tensor) -> Tensor:
        """One score a class for each pixel."""
        fine = self.down1(self.input(x))
        coarse = self.down2(self.pool(fine))
        bottom = self.bottom(self.pool(coarse))
        # The scales of the two halves differ here, so the whole is quantised anew ...
        coarse = self.up2(self.join2(torch.cat([self.grow(bottom), coarse], dim=1)))
        # ... and here each half is, by one quantiser, so that both have the same scale.
        both = [self.join1(self.grow(coarse)), self.join1(fine)]
        scores: Tensor = self.pixels(self.up1(torch.cat(both, dim=1)))
        return scores


def quantiser() -> nn.Module:
    """An unsigned quantiser."""
    act: nn.Module = qnn.QuantIdentity(act_quant=Unsigned)
    return act


def pixel_classifier(inputs: int) -> nn.Module:
    """A 1x1 convolution with a float bias."""
    layer: nn.Module = qnn.QuantConv2d(inputs, PIXEL_CLASSES, 1, weight_bit_width=4)
    return layer


def build() -> nn.Module:
    """The network; the names of its modules become the names of the exported nodes."""
    return UNet().to(memory_format=torch.channels_last)


def masks(images: Tensor, labels: Tensor) -> Tensor:
    """Class 0 where the pixel is black, else one more than the label of the image."""
    return (images > 0) * (labels.to(torch.int64)[:, None, None] + 1)


def main(
    images: Annotated[int | None, typer.Option(help="Training images; default: all.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all randomness.")] = 0,
    data: Annotated[Path, typer.Option(help="Folder of the IDX files.")] = DEBIAN_DATA,
    out: Annotated[Path, typer.Option(help="Folder of the exported models.")] = EXAMPLES / "models",
) -> None:
    """Trains the U-Net on Fashion-MNIST and exports it as QONNX."""
    recipe = RECIPE.adapted(images, epochs)
    task = Task(as_floats, masks, PIXEL_CLASSES)
    training, test = load_split(data, "train"), load_split(data, "t10k")
    start(seed)
    net = build()
    train(net, task, training, recipe)
    counts = confusion(net, task, test)
    share, overlap = accuracy(counts), mean_iou(counts)
    doc = (
        "unet_w4a4: a small U-Net on Fashion-MNIST, input [1, 1, 28, 28] = pixel / 255; "
        f"{share:.2%} of the pixels of 10000 images right, mean IoU {overlap:.4f} over 11 classes; made by `python examples/train_unet.py "
        f"--images {recipe.images} --epochs {recipe.epochs} --seed {seed}`"
    )
    export(net, first_inputs(test, task), out / "unet_w4a4.onnx", doc)
    typer.echo(f"unet_w4a4: pixel accuracy {share:.2%}, mean IoU {overlap:.4f}")


if __name__ == "__main__":
    typer.run(main)
