# SPDX-License-Identifier: Apache-2.0
# Torch and Brevitas need not be installed where the types are checked.
# mypy: allow-subclassing-any
"""The four-bit layers that the small example networks are built from.

Weights have one learned scale an output channel, activations one a tensor; no convolution has a
bias, as each is followed by a batch norm.
"""

import brevitas.nn as qnn
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int16Bias,
    Uint8ActPerTensorFloat,
)
from torch import Tensor, nn
from training import CLASSES

BITS = 4
CALIBRATION_STEPS = 30


class Clamp(nn.Module):
    """Clamps between constants; several times as fast as Brevitas' clamp between tensors."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor, min_val: Tensor, max_val: Tensor) -> Tensor:
        """Keeps `x` within the bounds, with no gradient outside of them."""
        return nn.functional.hardtanh(x, min_val.item(), max_val.item())


class Signed(Int8ActPerTensorFloat):
    """A signed activation whose scale is learned after a start from a few batches."""

    bit_width = BITS
    collect_stats_steps = CALIBRATION_STEPS
    tensor_clamp_impl = Clamp


class Unsigned(Uint8ActPerTensorFloat):
    """An unsigned activation whose scale is learned after a start from a few batches."""

    bit_width = BITS
    collect_stats_steps = CALIBRATION_STEPS
    tensor_clamp_impl = Clamp


def byte_input() -> nn.Module:
    """Eight unsigned bits a pixel at the constant scale 1/255, which loses nothing."""
    act: nn.Module = qnn.QuantIdentity(
        act_quant=Uint8ActPerTensorFloat, scaling_impl_type="const", scaling_init=1.0
    )
    return act


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Module:
    """A convolution of images that only its stride makes smaller."""
    return _conv(qnn.QuantConv2d, inputs, outputs, kernel, stride, groups)


def conv_1d(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Module:
    """A convolution of sequences that only its stride makes shorter."""
    return _conv(qnn.QuantConv1d, inputs, outputs, kernel, stride, groups)


def _conv(kind: type[nn.Module], *sizes: int) -> nn.Module:
    inputs, outputs, kernel, stride, groups = sizes
    return kind(
        inputs,
        outputs,
        kernel,
        stride=stride,
        padding=kernel // 2,
        groups=groups,
        bias=False,
        weight_bit_width=BITS,
        weight_scaling_per_output_channel=True,
    )


def relu(*, keep_scale: bool = False) -> nn.Module:
    """An unsigned activation; with `keep_scale` it tells the next layer its scale."""
    act: nn.Module = qnn.QuantReLU(act_quant=Unsigned, return_quant_tensor=keep_scale)
    return act


def signed() -> nn.Module:
    """A signed quantiser, for what has not passed a ReLU."""
    act: nn.Module = qnn.QuantIdentity(act_quant=Signed)
    return act


class Block(nn.Module):
    """Convolution, batch norm and ReLU."""

    def __init__(self, conv: nn.Module, bn: nn.Module) -> None:
        super().__init__()
        self.conv = conv
        self.bn = bn
        self.act = relu()

    def forward(self, x: Tensor) -> Tensor:
        """Applies the three."""
        y: Tensor = self.act(self.bn(self.conv(x)))
        return y


def block(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> Block:
    """A block for images."""
    return Block(conv(inputs, outputs, kernel, stride, groups), nn.BatchNorm2d(outputs))


def block_1d(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> Block:
    """A block for sequences."""
    return Block(conv_1d(inputs, outputs, kernel, stride, groups), nn.BatchNorm1d(outputs))


class Average(nn.Module):
    """Mean over all positions of a channel, in eight unsigned bits."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool
        self.flatten = nn.Flatten()
        self.quantise = qnn.QuantIdentity(act_quant=Unsigned, bit_width=8, return_quant_tensor=True)

    def forward(self, x: Tensor) -> Tensor:
        """Averages, flattens and quantises."""
        mean: Tensor = self.quantise(self.flatten(self.pool(x)))
        return mean


def classifier(inputs: int) -> nn.Module:
    """The last, fully connected layer; it has a bias of 16 bits."""
    layer: nn.Module = qnn.QuantLinear(
        inputs,
        CLASSES,
        bias=True,
        weight_bit_width=BITS,
        weight_scaling_per_output_channel=True,
        bias_quant=Int16Bias,
    )
    return layer
