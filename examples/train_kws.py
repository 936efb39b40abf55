# SPDX-License-Identifier: Apache-2.0
"""Trains a 1-D net, of the kind that spots keywords, and exports it as QONNX.

The sequences are the images of Fashion-MNIST, a column a step: 28 steps of 28 channels. Real speech
brings its features, such as MFCC, in the same form.
"""

from layers import Average, block_1d, byte_input, classifier
from torch import Tensor, nn
from training import Example, Recipe, Task, as_floats, as_labels, run

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


EXAMPLE = Example(
    name="kws_w4a4",
    about="1-D net on the columns of Fashion-MNIST, input [1, 28, 28] = pixel / 255",
    command="train_kws.py",
    build=build,
    recipe=RECIPE,
    task=Task(sequences, as_labels),
)


if __name__ == "__main__":
    run(EXAMPLE)
