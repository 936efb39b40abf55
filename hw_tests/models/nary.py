"""Chains of layers whose weights have few values, as QONNX files.

Invariant: the sums of every layer are an output of their own, so that no quantiser behind them and
no layer that follows hides a wrong one; scales are powers of two, so that float32 is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2, prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import TensorProto

from bitmason.config import Config, LayerConfig
from hw_tests.bench.networks import Quantiser
from hw_tests.bench.networks.writer import Array, Writer, quantised

Integers = NDArray[np.int64]

# What training finds on our grid: as many values on each side of zero as the form says.
CODEBOOKS = {
    "binary": (-19, 23),
    "ternary": (-23, 19),
    "quaternary+": (-22, 9, 27),
    "quaternary-": (-28, -11, 18),
    "quinary": (-25, -9, 8, 24),
    "septenary": (-31, -16, -6, 5, 13, 30),
}
SPARSITIES = (0.97, 0.0, 0.9, 0.37, 0.63)  # in this order a chain stays alive
SCALE_BITS = 5
_INPUT = Quantiser(5)
_BETWEEN = (
    Quantiser(4),
    Quantiser(3, signed=False),
    Quantiser(1),
    Quantiser(6),
    Quantiser(2, signed=False),
    Quantiser(8),
    Quantiser(2),
)
_FRAMES = 64  # for which the scales are chosen


@dataclass(frozen=True)
class Layer:
    """One product: its form, how many weights are zero, and how Reduce-and-Scale is to build it.

    `kernel` is None in a dense layer; `pe` and `simd` count where adders are shared.
    """

    form: str
    zeros: float
    build: str
    pe: int = 1
    simd: int = 1
    kernel: tuple[int, int] | None = None
    stride: int = 1
    pad: int = 0
    groups: int = 1

    def config(self, rows: int, columns: int) -> LayerConfig:
        """Return what a user writes for it."""
        match self.build:
            case "unrolled":
                return LayerConfig(engine="ras", pe=rows, simd=columns)
            case "coded":
                return LayerConfig(engine="ras", memory="coded", pe=1, simd=1)
        # With a memory that is named, no other form is meant, whatever the folding.
        memory = "loaded" if self.build == "loaded" else "logic"
        return LayerConfig(engine="ras", memory=memory, pe=self.pe, simd=self.simd)


def weights_of(rng: np.random.Generator, shape: tuple[int, int], layer: Layer) -> Integers:
    """Return weights: a row without any, one with a single one, and one that has every value.

    The binary form has no zeros to leave out.
    """
    values = CODEBOOKS[layer.form]
    chosen: Integers = rng.choice(values, shape)
    if layer.form == "binary":
        return chosen
    chosen[rng.random(shape) < layer.zeros] = 0
    chosen[:2] = 0
    chosen[1, rng.integers(shape[1])] = values[-1]
    chosen[-1, : len(values)] = values
    return chosen


@dataclass(frozen=True)
class Chain:
    """A file, how to build each of its layers, and how many rows of each have a weight."""

    model: bytes
    config: Config
    alive: tuple[int, ...]


def make_chain(
    layers: Sequence[Layer], shape: tuple[int, ...], outputs: int, seed: int = 0
) -> Chain:
    """Return layers of that many outputs one behind the other; `shape` is that of the input."""
    chain = _Chain(shape, seed)
    for index, layer in enumerate(layers):
        chain.grow(index, layer, outputs)
    model = chain.writer.model("nary", [1, *shape], chain.outputs)
    return Chain(model, Config(layers=chain.configs), tuple(chain.alive))


class _Chain:
    """Grows a chain, with some frames flowing through it."""

    def __init__(self, shape: tuple[int, ...], seed: int) -> None:
        self.writer = Writer(seed)
        self.outputs: list[tuple[str, int, Sequence[int]]] = []
        self.configs: dict[str, LayerConfig] = {}
        self.alive: list[int] = []
        self._x: Array = self.writer.rng.uniform(-1, 1, (_FRAMES, *shape))
        self._value = "x"
        self._quantise(_INPUT, "input")

    def grow(self, index: int, layer: Layer, outputs: int) -> None:
        """Add a quantiser, where one is missing, and a layer."""
        if index:
            self._go_between(index)
        if layer.kernel is None:
            integers = self._dense(index, layer, outputs)
        else:
            integers = self._conv(index, layer, outputs)
        self.configs[f"product{index}"] = layer.config(*integers.shape)
        self.alive.append(int(integers.any(axis=1).sum()))
        self.outputs.append((self._value, TensorProto.FLOAT, [1, *self._x.shape[1:]]))

    def _go_between(self, index: int) -> None:
        """Add the next quantiser under which the sums of most rows still differ by frame."""
        turned = (*_BETWEEN[index % len(_BETWEEN) :], *_BETWEEN)
        quantiser = next(one for one in turned if self._survivors(one) >= 0.9 * self._survivors())
        if not quantiser.signed:
            self._value = self.writer.node("Relu", [self._value], f"relu{index}")
            self._x = np.maximum(self._x, 0)
        self._quantise(quantiser, f"between{index}")

    def _survivors(self, quantiser: Quantiser | None = None) -> int:
        """Return how many channels are not nearly constant, behind a quantiser if any."""
        x = self._x
        if quantiser is not None:
            x = x if quantiser.signed else np.maximum(x, 0)
            x = quantised(x, quantiser, self._scale_for(quantiser, x))
        rows = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
        changes = rows != np.median(rows, axis=1, keepdims=True)
        return int((changes.mean(axis=1) > 0.1).sum())

    def _scale_for(self, quantiser: Quantiser, x: Array) -> Array:
        reach = max(1, abs(quantiser.lo), quantiser.hi)
        scale = 2.0 ** round(log2(2 * max(float(x.std()), 1e-3) / reach))
        return np.asarray(scale, np.float32)

    def _quantise(self, quantiser: Quantiser, name: str) -> None:
        scale = self._scale_for(quantiser, self._x)
        self._value = self.writer.quantise(self._value, name, quantiser, scale)
        self._x = quantised(self._x, quantiser, scale)

    def _weights(self, index: int, integers: Integers) -> str:
        scale = np.float32(2.0**-SCALE_BITS)
        name = self.writer.constant(f"weights{index}", integers * scale)
        return self.writer.quantise(name, f"grid{index}", Quantiser(6), np.asarray(scale))

    def _dense(self, index: int, layer: Layer, outputs: int) -> Integers:
        writer = self.writer
        if len(self._x.shape) > 2:
            self._value = writer.node("Flatten", [self._value], f"flat{index}")
            self._x = self._x.reshape(_FRAMES, -1)
        integers = weights_of(writer.rng, (outputs, self._x.shape[1]), layer)
        grid = self._weights(index, integers)
        weights = writer.node("Transpose", [grid], f"across{index}", perm=[1, 0])
        self._value = writer.node("MatMul", [self._value, weights], f"product{index}")
        self._x = self._x @ integers.T / 2**SCALE_BITS
        return integers

    def _conv(self, index: int, layer: Layer, outputs: int) -> Integers:
        assert layer.kernel is not None
        shape = (self._x.shape[1] // layer.groups, *layer.kernel)
        integers = weights_of(self.writer.rng, (outputs, prod(shape)), layer)
        weights = integers.reshape(outputs, *shape)
        self._value = self.writer.node(
            "Conv", [self._value, self._weights(index, weights)], f"product{index}",
            kernel_shape=layer.kernel, strides=[layer.stride] * 2, pads=[layer.pad] * 4,
            group=layer.groups,
        )  # fmt: skip
        self._x = _convolved(self._x, weights, layer) / 2**SCALE_BITS
        return integers


def _convolved(x: Array, weights: Integers, layer: Layer) -> Array:
    assert layer.kernel is not None
    padded = np.pad(x, [(0, 0), (0, 0), *[(layer.pad, layer.pad)] * 2])
    windows = sliding_window_view(padded, layer.kernel, axis=(2, 3))
    windows = windows[:, :, :: layer.stride, :: layer.stride]
    channels, rows = weights.shape[1], len(weights) // layer.groups
    starts = [*range(0, len(weights) + 1, rows)]
    parts = [
        np.einsum("nchwij,ocij->nohw", windows[:, group * channels :][:, :channels], weights[a:b])
        for group, (a, b) in enumerate(pairwise(starts))
    ]
    return np.concatenate(parts, axis=1)
