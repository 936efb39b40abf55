# SPDX-License-Identifier: Apache-2.0
# Torch and Brevitas need not be installed where the types are checked.
# mypy: allow-subclassing-any
"""Trains a ResNet-8 with four-bit weights and activations on Fashion-MNIST and exports it as QONNX.

It has the shapes of the image-classification net of MLPerf Tiny (16-16-32-64 channels) and both
kinds of residual addition: operands quantised at one scale, and at two.
"""

import brevitas.nn as qnn
import torch
from layers import Signed, block, byte_input, classifier, conv, relu, signed
from torch import Tensor, nn
from training import Example, Recipe, Task, as_floats, as_labels, run

RECIPE = Recipe(epochs=2, learning_rate=0.004, batch_size=100, weight_decay=0.01)
LAST_SIDE = 7


class EqualAdd(nn.Module):
    """Adds two tensors after one quantiser has put both on the same grid."""

    def __init__(self) -> None:
        super().__init__()
        self.add = qnn.QuantEltwiseAdd(input_quant=Signed, output_quant=None)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Quantises and adds."""
        total: Tensor = self.add(x, y)
        return total


class UnequalAdd(nn.Module):
    """Adds two tensors that are quantised each at a scale of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.left = signed()
        self.right = signed()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Quantises and adds."""
        total: Tensor = self.left(x) + self.right(y)
        return total


class Residual(nn.Module):
    """Two convolutions beside a shortcut; a 1x1 convolution adapts the shortcut to new shapes."""

    def __init__(self, inputs: int, outputs: int, stride: int, add: nn.Module) -> None:
        super().__init__()
        self.first = block(inputs, outputs, 3, stride)
        self.conv = conv(outputs, outputs, 3)
        self.bn = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut.add_module("conv", conv(inputs, outputs, 1, stride))
            self.shortcut.add_module("bn", nn.BatchNorm2d(outputs))
        self.add = add
        self.act = relu(keep_scale=True)

    def forward(self, x: Tensor) -> Tensor:
        """Adds both paths and applies the ReLU."""
        main = self.bn(self.conv(self.first(x)))
        y: Tensor = self.act(self.add(main, self.shortcut(x)))
        return y


def build() -> nn.Sequential:
    """The network; the names of its modules become the names of the exported nodes."""
    net = nn.Sequential()
    net.add_module("input", byte_input())
    net.add_module("stem", block(1, 16, 3))
    net.add_module("block1", Residual(16, 16, 1, EqualAdd()))
    net.add_module("block2", Residual(16, 32, 2, UnequalAdd()))
    net.add_module("block3", Residual(32, 64, 2, EqualAdd()))
    net.add_module("pool", qnn.TruncAvgPool2d(LAST_SIDE))
    net.add_module("flatten", nn.Flatten())
    net.add_module("fc", classifier(64))
    return net.to(memory_format=torch.channels_last)


EXAMPLE = Example(
    name="resnet8_w4a4",
    about="ResNet-8 on Fashion-MNIST, input [1, 1, 28, 28] = pixel / 255",
    command="train_resnet.py",
    build=build,
    recipe=RECIPE,
    task=Task(as_floats, as_labels),
)


if __name__ == "__main__":
    run(EXAMPLE)
