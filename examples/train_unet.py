# SPDX-License-Identifier: Apache-2.0
# Torch and Brevitas need not be installed where the types are checked.
# mypy: allow-subclassing-any
"""Trains a small U-Net with four-bit weights and activations and exports it as QONNX.

It says for every pixel of an image of Fashion-MNIST whether it is background or which kind of
clothing it belongs to.
"""

import brevitas.nn as qnn
import torch
from layers import Unsigned, block, byte_input
from torch import Tensor, nn
from training import CLASSES, Example, Recipe, Task, as_floats, run

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


EXAMPLE = Example(
    name="unet_w4a4",
    about="small U-Net on Fashion-MNIST, input [1, 1, 28, 28] = pixel / 255",
    command="train_unet.py",
    build=build,
    recipe=RECIPE,
    task=Task(as_floats, masks, PIXEL_CLASSES),
)


if __name__ == "__main__":
    run(EXAMPLE)
