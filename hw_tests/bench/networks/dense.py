"""Random perceptrons: dense layers of any width and type.

Invariant: scales fit the data that flow while a network is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto

from hw_tests.bench.networks.quantiser import Quantiser
from hw_tests.bench.networks.writer import Array, Writer, quantised

_CALIBRATION_FRAMES = 64


@dataclass(frozen=True)
class Dense:
    """One dense layer and what follows it up to the next quantiser."""

    outputs: int
    weight: Quantiser
    activation: Quantiser | None = None
    function: str = ""  # Relu, Sigmoid, Tanh, LeakyRelu, Clip, or nothing
    bias: bool = False
    norm: bool = False


@dataclass(frozen=True)
class Network:
    """A multi-layer perceptron; `tail` is "", Softmax or ArgMax."""

    inputs: int
    input: Quantiser
    layers: tuple[Dense, ...]
    tail: str = ""
    affine_input: bool = False
    seed: int = 0
    name: str = field(default="mlp")


def _scale_for(writer: Writer, quantiser: Quantiser, values: Array, axis: int | None) -> Array:
    """Return a float32 scale that spreads `values` over the quantiser's range."""
    if quantiser.log2_scale is not None:
        return np.asarray(2.0**quantiser.log2_scale, dtype=np.float32)
    reach = max(1, abs(quantiser.lo), quantiser.hi)
    spread = np.abs(values).max(axis=axis, keepdims=axis is not None)
    scale = np.maximum(spread, 1e-3) / reach * writer.rng.uniform(0.6, 1.1)
    return np.asarray(scale, dtype=np.float32)


_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "": lambda x: x,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Tanh": np.tanh,
    "LeakyRelu": lambda x: np.where(x > 0, x, 0.125 * x),
    "Clip": lambda x: np.clip(x, -1.0, 1.0),
}


def make_model(network: Network) -> bytes:
    """Return the network as a QONNX file."""
    writer = Writer(network.seed)
    x = writer.rng.uniform(-1, 1, (_CALIBRATION_FRAMES, network.inputs))
    value = "x"
    if network.affine_input:
        value = writer.node("Mul", [value, writer.constant("two", 2.0)], "doubled")
        value = writer.node("Sub", [value, writer.constant("one", 1.0)], "centred")
        x = 2 * x - 1
    scale = _scale_for(writer, network.input, x, None)
    value = writer.quantise(value, "input_quant", network.input, scale)
    x = quantised(x, network.input, scale)
    for index, layer in enumerate(network.layers):
        value, x = _layer(writer, f"fc{index}", layer, value, x)
    out_type, shape = TensorProto.FLOAT, [1, network.layers[-1].outputs]
    if network.tail == "Softmax":
        value = writer.node("Softmax", [value], "softmax", axis=-1)
    elif network.tail == "ArgMax":
        value = writer.node("ArgMax", [value], "label", axis=-1, keepdims=0)
        out_type, shape = TensorProto.INT64, [1]
    return writer.model(network.name, [1, network.inputs], [(value, out_type, shape)])


def _layer(writer: Writer, name: str, layer: Dense, value: str, x: Array) -> tuple[str, Array]:
    rng = writer.rng
    weights = rng.normal(0, 1, (layer.outputs, x.shape[1])).astype(np.float32)
    axis = 1 if layer.weight.per_channel else None
    scale = _scale_for(writer, layer.weight, weights, axis)
    if layer.weight.values:
        weights = np.asarray(layer.weight.draw(rng, weights.shape) * scale, np.float32)
    w = writer.quantise(
        writer.constant(f"{name}_weight", weights), f"{name}_w", layer.weight, scale
    )
    w = writer.node("Transpose", [w], f"{name}_wt", perm=[1, 0])
    value = writer.node("MatMul", [value, w], name)
    x = x @ quantised(weights, layer.weight, scale).T
    if layer.bias:
        bias = rng.normal(0, np.abs(x).mean() + 0.1, layer.outputs).astype(np.float32)
        value = writer.node("Add", [value, writer.constant(f"{name}_b", bias)], f"{name}_add")
        x = x + bias
    if layer.norm:
        value, x = _norm(writer, name, layer, value, x)
    if layer.function:
        extra = [writer.constant(f"{name}_lo", -1.0), writer.constant(f"{name}_hi", 1.0)]
        attrs: dict[str, Any] = {"alpha": 0.125} if layer.function == "LeakyRelu" else {}
        operands = [value, *extra] if layer.function == "Clip" else [value]
        value = writer.node(layer.function, operands, f"{name}_{layer.function.lower()}", **attrs)
        x = _FUNCTIONS[layer.function](x)
    if layer.activation is not None:
        scale = _scale_for(writer, layer.activation, x, None)
        value = writer.quantise(value, f"{name}_quant", layer.activation, scale)
        x = quantised(x, layer.activation, scale)
    return value, x


def _norm(writer: Writer, name: str, layer: Dense, value: str, x: Array) -> tuple[str, Array]:
    rng, n = writer.rng, layer.outputs
    gamma = (rng.uniform(0.5, 1.5, n) * rng.choice([1, 1, 1, -1], n)).astype(np.float32)
    beta = rng.normal(0, 0.5, n).astype(np.float32)
    mean = x.mean(axis=0).astype(np.float32)
    var = (x.var(axis=0) + 0.05).astype(np.float32)
    operands = [
        writer.constant(f"{name}_{part}", data)
        for part, data in (("gamma", gamma), ("beta", beta), ("mean", mean), ("var", var))
    ]
    value = writer.node("BatchNormalization", [value, *operands], f"{name}_norm", epsilon=1e-5)
    return value, (x - mean) / np.sqrt(var + 1e-5) * gamma + beta


def tfc(bits: int = 1, seed: int = 0) -> Network:
    """Return FINN's TFC topology, 784-64-64-64-10, with one bit (or `bits`) for everything."""
    return mlp((784, 64, 64, 64, 10), bits, seed, "tfc")


def lfc(bits: int = 1, seed: int = 0) -> Network:
    """Return FINN's LFC topology, 784-1024-1024-1024-10."""
    return mlp((784, 1024, 1024, 1024, 10), bits, seed, "lfc")


def mlp(sizes: Sequence[int], bits: int, seed: int, name: str) -> Network:
    """Return a perceptron with batch normalisation and `bits` for weights and activations."""
    one = Quantiser(bits)
    hidden = [Dense(n, one, one, norm=True) for n in sizes[1:-1]]
    last = Dense(sizes[-1], one, norm=True)
    return Network(sizes[0], one, (*hidden, last), seed=seed, name=name)
