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
from hw_tests.bench.networks.steps import JOINS, After, Images, Step
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
            after = _per_tensor(step.after) if _moves_channels(step) else step.after
            self._values += [self._net.finished(each, after) for each in made]

    def _take(self, back: int) -> Value:
        found = self._values[-1 - back % len(self._values)]
        self._read.add(found.name)
        return found

    def _step(self, step: Step) -> list[Value]:
        net, x = self._net, self._take(step.source)
        if step.op == "Split":
            return arranging.split(net, step, x)
        if step.op in JOINS:
            join = arranging.concat if step.op == "Concat" else arranging.join
            return [join(net, step, x, self._take(step.other))]
        if step.op in {"Conv", "MaxPool", "AveragePool"}:
            slide = convolving.conv if step.op == "Conv" else convolving.pool
            return [slide(net, step, x, last=self._last)]
        if step.op == "Pad":  # what the padding reaches becomes part of windows, as elsewhere
            padded, kernel = arranging.pad(net, step, x), (1 + step.pads[0], 1 + step.pads[1])
            plain = replace(step, kernel=kernel, dilation=(1, 1), pads=(0, 0, 0, 0))
            return [convolving.conv(net, plain, padded, last=self._last)]
        return [_OPS[step.op](net, step, x)]

    def made(self) -> Made:
        """Return the file with its outputs."""
        leaves = [v for v in self._values if v.name not in self._read] or self._values[-1:]
        *others, final = leaves[-self._network.outputs :]
        outputs = [self._output(v) for v in others]
        outputs.append(self._tail(final))
        model = self._net.model("images", self._input, outputs)
        return Made(model, self._net.exact)

    def _output(self, x: Value) -> tuple[str, int, list[int]]:
        return x.name, TensorProto.FLOAT, self._net.file_shape(x)

    def _tail(self, x: Value) -> tuple[str, int, list[int]]:
        tail, net = self._network.tail, self._net
        if not tail or prod(x.shape) > _MAX_INPUTS:
            return self._output(x)
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


def _moves_channels(step: Step) -> bool:
    """Return whether the channels of the result are no axis of their own in the graph."""
    return step.op == "SpaceToDepth" or (step.op == "Concat" and step.variant > 3)


def _per_tensor(after: After) -> After:
    """Return `after` without what differs by channel, of which there is no axis in the graph."""
    quantiser = after.quantiser and replace(after.quantiser, per_channel=False)
    return replace(after, quantiser=quantiser, bias=False, norm=False)


_OPS: dict[str, Callable[[Values, Step, Value], Value]] = {
    "ConvTranspose": convolving.conv_transpose,
    "GlobalAveragePool": convolving.over_image,
    "GlobalMaxPool": convolving.over_image,
    "Trunc": convolving.truncated,
    "Slice": arranging.slice_of,
    "Resize": arranging.resize,
    "DepthToSpace": arranging.blocks,
    "SpaceToDepth": arranging.blocks,
    "Shuffle": arranging.shuffle,
    "Swap": arranging.swap,
}
