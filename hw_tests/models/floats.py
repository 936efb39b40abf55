"""Networks whose weights and activations are floating-point numbers of few bits, as QONNX files.

Invariant: scales keep the numbers that flow inside the range of the format, so that most of its
numbers occur.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from bitmason.onnx_ops import DOMAIN as OWN
from bitmason.onnx_ops import VERSION
from hw_tests.bench.networks.writer import DOMAIN, Array, Writer

CLASSES = 5


@dataclass(frozen=True)
class Floats:
    """A quantiser: FloatQuant, or CustomFloat where no `largest` number is given.

    `scale` is that of activations; weights are scaled by a quarter of it, `per_channel` by a
    number of its own for each output; none of them is negative if `positive`.
    """

    e_bits: int
    m_bits: int
    bias: int
    largest: float | None = None
    scale: float = 1.0
    rounding: str = "ROUND"
    full: int = 0
    per_channel: bool = False
    positive: bool = False


class _Net:
    def __init__(self, floats: Floats, seed: int) -> None:
        self.writer = Writer(seed)
        self._floats = floats

    def _name(self) -> str:
        return f"t{len(self.writer.nodes)}"

    def constant(self, value: Array) -> str:
        return self.writer.constant(f"c{len(self.writer.constants)}", value)

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        return self.writer.node(op, inputs, self._name(), **attributes)

    def quantise(self, x: str, scale: Array | None = None) -> str:
        f = self._floats
        if f.largest is None:
            widths = {"e_bits": f.e_bits, "m_bits": f.m_bits, "bias": f.bias}
            return self.writer.node(
                "CustomFloat", [x], self._name(), OWN, **widths, full=f.full, rounding=f.rounding
            )
        numbers = (f.e_bits, f.m_bits, f.bias, f.largest)
        given = [f.scale if scale is None else scale, *numbers]
        parameters = [self.constant(np.asarray(number)) for number in given]
        return self.writer.node(
            "FloatQuant", [x, *parameters], self._name(), DOMAIN,
            has_inf=0, has_nan=1, has_subnormal=1, saturation=1, rounding_mode=f.rounding,
        )  # fmt: skip

    def weights(self, *shape: int, outputs: int) -> str:
        """Return quantised weights; axis `outputs` is that of their channels."""
        values = self.writer.rng.normal(0, 0.4, shape).astype(np.float32)
        values = np.abs(values) if self._floats.positive else values
        scale: Array = np.asarray(self._floats.scale / 4)
        if self._floats.per_channel:
            rows = [1] * len(shape)
            rows[outputs] = shape[outputs]
            scale = scale * self.writer.rng.uniform(0.3, 1.7, rows)
        return self.quantise(self.constant(values), scale)

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        return self.node("MatMul", x, self.weights(inputs, outputs, outputs=1))

    def conv(self, x: str, shape: tuple[int, int], kernel: int, **attributes: Any) -> str:
        outputs, inputs = shape
        weights = self.weights(outputs, inputs, kernel, kernel, outputs=0)
        bias = self.constant(self.writer.rng.normal(0, 0.1, outputs))
        return self.node("Conv", x, weights, bias, **attributes)

    def model(self, *shape: int) -> bytes:
        outputs = [(self.writer.nodes[-1].output[0], TensorProto.FLOAT, [1, CLASSES])]
        model = onnx.load_from_string(self.writer.model("floats", [1, *shape], outputs))
        model.opset_import.append(helper.make_opsetid(OWN, VERSION))
        return bytes(model.SerializeToString())


def perceptron(floats: Floats, seed: int = 0) -> bytes:
    """Return two dense layers."""
    net = _Net(floats, seed)
    x = net.dense(net.quantise("x"), 12, 8)
    x = net.node("Add", x, net.constant(net.writer.rng.normal(0, 0.1, 8)))
    x = net.quantise(net.node("Relu", x))
    net.dense(x, 8, CLASSES)
    return net.model(12)


def pooled(floats: Floats, seed: int = 0) -> bytes:
    """Return convolutions with a max pool between them, and a dense layer."""
    net = _Net(floats, seed)
    x = net.conv(net.quantise("x"), (4, 2), 3, pads=[1, 1, 1, 1])
    x = net.node("MaxPool", net.node("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    x = net.conv(net.quantise(x), (4, 4), 3)
    x = net.quantise(net.node("Relu", x))
    net.dense(net.node("Flatten", x), 4, CLASSES)
    return net.model(2, 6, 6)


def averaged(floats: Floats, seed: int = 0) -> bytes:
    """Return a network whose average pool and depthwise layer need numbers, not ranks."""
    net = _Net(floats, seed)
    x = net.quantise(net.conv(net.quantise("x"), (4, 2), 3, pads=[1, 1, 1, 1]))
    x = net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.conv(net.quantise(x), (4, 1), 3, group=4, pads=[1, 1, 1, 1])
    x = net.quantise(net.node("Relu", x))
    net.dense(net.node("Flatten", x), 36, CLASSES)
    return net.model(2, 6, 6)


NETWORKS: dict[str, Callable[[Floats, int], bytes]] = {
    "perceptron": perceptron,
    "pooled": pooled,
    "averaged": averaged,
}
