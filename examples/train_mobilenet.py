# SPDX-License-Identifier: Apache-2.0
"""Trains a small MobileNet with four-bit weights and activations and exports it as QONNX.

Depthwise convolutions with padding alternate with pointwise ones, as in MobileNetV1; the images are
those of Fashion-MNIST.
"""

import torch
from layers import Average, block, byte_input, classifier
from torch import nn
from training import Example, Recipe, Task, as_floats, as_labels, run

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


EXAMPLE = Example(
    name="mobilenet_w4a4",
    about="small MobileNetV1 on Fashion-MNIST, input [1, 1, 28, 28] = pixel / 255",
    command="train_mobilenet.py",
    build=build,
    recipe=RECIPE,
    task=Task(as_floats, as_labels),
)


if __name__ == "__main__":
    run(EXAMPLE)
