"""Random networks of images and signals as QONNX files.

Invariant: everything that a description asks for becomes part of the file, or is cut to what fits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from onnx import TensorProto

from hw_tests.bench.networks import arranging, convolving
from hw_tests.bench.networks.quantiser import Quantiser
from hw_tests.bench.networks.steps import Images, Step
from hw_tests.bench.networks.values import Value, Values
from hw_tests.bench.networks.writer import Array

_WEIGHTS = Quantiser(4, narrow=True)
_MAX_INPUTS = 512


@dataclass(frozen=True)
class Made:
    """A file; `exact` where float32 has every digit of every number in it."""

    model: bytes
    exact: bool


def make_images(network: Images) -> Made:
    """Return the network as a QONNX file."""
    return _Grower(network).made()


class _Grower:
    """Grows one network step by step."""

    def __init__(self, network: Images) -> None:
        self._network = network
        self._net = Values(network.seed, network.version, dyadic=network.dyadic)
        self._last = network.channels_last and len(network.shape) == 3
        x = Value("x", network.shape, 1.0, (0.0, 0.0), 1.0, "real", self._last)
        self._input = self._net.file_shape(x)
        self._values = [self._net.quantised(x, network.input)]
        self._read: set[str] = set()
        for step in network.steps:
            made = self._step(step)
            self._values += [self._net.finished(each, step.after) for each in made]

    def _take(self, back: int) -> Value:
        found = self._values[-1 - back % len(self._values)]
        self._read.add(found.name)
        return found

    def _step(self, step: Step) -> list[Value]:
        net, x = self._net, self._take(step.source)
        if step.op == "Split":
            return arranging.split(net, step, x)
        if step.op in {"Add", "Sub", "Mul"}:
            return [arranging.join(net, step, x, self._take(step.other))]
        if step.op == "Concat":
            return [arranging.concat(net, step, x, self._take(step.other))]
        if step.op == "Conv":
            return [convolving.conv(net, step, x, last=self._last)]
        if step.op in {"MaxPool", "AveragePool"}:
            return [convolving.pool(net, step, x, last=self._last)]
        return [_OPS[step.op](net, step, x)]

    def made(self) -> Made:
        """Return the file with its outputs."""
        leaves = [v for v in self._values if v.name not in self._read] or self._values[-1:]
        *others, final = leaves[-self._network.outputs:]
        outputs = [(v.name, TensorProto.FLOAT, self._net.file_shape(v)) for v in others]
        outputs.append(self._tail(final))
        model = self._net.model("images", self._input, outputs)
        return Made(model, self._net.exact)

    def _tail(self, x: Value) -> tuple[str, int, list[int]]:
        tail, net = self._network.tail, self._net
        if not tail or prod(x.shape) > _MAX_INPUTS:
            return x.name, TensorProto.FLOAT, self._net.file_shape(x)
        x = net.placed(net.operand(x, even=True), last=x.last)
        flat = net.emit("Flatten", x)
        outputs, inputs = 3, prod(x.shape)
        codes: Array = net.rng.integers(-7, 8, (inputs, outputs))
        scale = net.scale_for(_WEIGHTS, 0.4)
        weights = net.quantise(
            net.constant(net.fresh("weights"), codes * scale), net.fresh("w"), _WEIGHTS, scale
        )
        made = replace(net.emit("MatMul", flat, weights), shape=(outputs,))
        reach = x.reach * float(np.abs(codes).sum(axis=0).max()) * float(scale)
        net.known(replace(made, steps=(x.steps[0] * float(scale), 0.0), reach=reach))
        if tail == "Softmax":
            net.exact = False
            return net.emit("Softmax", made, axis=-1).name, TensorProto.FLOAT, [1, outputs]
        if tail == "ArgMax":
            label = net.emit("ArgMax", made, axis=-1, keepdims=0)
            return label.name, TensorProto.INT64, [1]
        return made.name, TensorProto.FLOAT, [1, outputs]


_OPS: dict[str, Callable[[Values, Step, Value], Value]] = {
    "ConvTranspose": convolving.conv_transpose,
    "GlobalAveragePool": convolving.over_image,
    "GlobalMaxPool": convolving.over_image,
    "Trunc": convolving.truncated,
    "Slice": arranging.slice_of,
    "Resize": arranging.resize,
    "DepthToSpace": arranging.blocks,
    "SpaceToDepth": arranging.blocks,
    "Pad": arranging.pad,
    "Shuffle": arranging.shuffle,
    "Swap": arranging.swap,
}
