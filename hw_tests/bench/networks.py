"""Random QONNX networks to measure, fuzz and compare with: dense layers of any width and type.

Invariant: a network is a function of its description alone, seed included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
_DOMAIN = "qonnx.custom_op.general"
_CALIBRATION_FRAMES = 64


@dataclass(frozen=True)
class Quantiser:
    """A QONNX quantiser. One signed bit is bipolar; `log2_scale` None means a calibrated float."""

    bits: int
    signed: bool = True
    narrow: bool = False
    rounding: str = "ROUND"
    zero_point: int = 0
    log2_scale: int | None = None
    per_channel: bool = False

    @property
    def bipolar(self) -> bool:
        """Whether the values are -1 and +1."""
        return self.bits == 1 and self.signed

    @property
    def lo(self) -> int:
        """Smallest integer."""
        return -(2 ** (self.bits - 1)) + self.narrow if self.signed else 0

    @property
    def hi(self) -> int:
        """Largest integer."""
        return int(2 ** (self.bits - self.signed)) - 1 - int(self.narrow and not self.signed)


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


class _Writer:
    """Collects nodes and initialisers, and computes along so that scales fit the data."""

    def __init__(self, network: Network) -> None:
        self.rng = np.random.default_rng(network.seed)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def node(self, op: str, inputs: Sequence[str], out: str, domain: str = "", **attrs: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [out], name=out, domain=domain, **attrs))
        return out

    def scale_for(self, quantiser: Quantiser, values: Array, axis: int | None) -> Array:
        """Return a float32 scale that spreads `values` over the quantiser's range."""
        if quantiser.log2_scale is not None:
            return np.asarray(2.0**quantiser.log2_scale, dtype=np.float32)
        reach = max(1, abs(quantiser.lo), quantiser.hi)
        spread = np.abs(values).max(axis=axis, keepdims=axis is not None)
        scale = np.maximum(spread, 1e-3) / reach * self.rng.uniform(0.6, 1.1)
        return np.asarray(scale, dtype=np.float32)

    def quantise(self, x: str, out: str, quantiser: Quantiser, scale: Array) -> str:
        s = self.constant(f"{out}_scale", scale)
        if quantiser.bipolar:
            return self.node("BipolarQuant", [x, s], out, _DOMAIN)
        zero = self.constant(f"{out}_zero", np.float32(quantiser.zero_point))
        bits = self.constant(f"{out}_bits", np.float32(quantiser.bits))
        return self.node(
            "Quant", [x, s, zero, bits], out, _DOMAIN,
            signed=int(quantiser.signed), narrow=int(quantiser.narrow),
            rounding_mode=quantiser.rounding,
        )  # fmt: skip


def _quantised(x: Array, quantiser: Quantiser, scale: Array) -> Array:
    """Return roughly what the quantiser gives: enough to choose the scales behind it."""
    if quantiser.bipolar:
        return np.where(x >= 0, scale, -scale)
    zero = quantiser.zero_point
    return (np.clip(np.round(x / scale + zero), quantiser.lo, quantiser.hi) - zero) * scale


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
    writer = _Writer(network)
    x = writer.rng.uniform(-1, 1, (_CALIBRATION_FRAMES, network.inputs))
    value = "x"
    if network.affine_input:
        value = writer.node("Mul", [value, writer.constant("two", 2.0)], "doubled")
        value = writer.node("Sub", [value, writer.constant("one", 1.0)], "centred")
        x = 2 * x - 1
    scale = writer.scale_for(network.input, x, None)
    value = writer.quantise(value, "input_quant", network.input, scale)
    x = _quantised(x, network.input, scale)
    for index, layer in enumerate(network.layers):
        value, x = _layer(writer, f"fc{index}", layer, value, x)
    out_type, shape = TensorProto.FLOAT, [1, network.layers[-1].outputs]
    if network.tail == "Softmax":
        value = writer.node("Softmax", [value], "softmax", axis=-1)
    elif network.tail == "ArgMax":
        value = writer.node("ArgMax", [value], "label", axis=-1, keepdims=0)
        out_type, shape = TensorProto.INT64, [1]
    graph = helper.make_graph(
        writer.nodes,
        network.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, network.inputs])],
        [helper.make_tensor_value_info(value, out_type, shape)],
        writer.constants,
    )
    opsets = [helper.make_opsetid("", 14), helper.make_opsetid(_DOMAIN, 2)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())


def _layer(writer: _Writer, name: str, layer: Dense, value: str, x: Array) -> tuple[str, Array]:
    rng = writer.rng
    weights = rng.normal(0, 1, (layer.outputs, x.shape[1])).astype(np.float32)
    axis = 1 if layer.weight.per_channel else None
    scale = writer.scale_for(layer.weight, weights, axis)
    w = writer.quantise(
        writer.constant(f"{name}_weight", weights), f"{name}_w", layer.weight, scale
    )
    w = writer.node("Transpose", [w], f"{name}_wt", perm=[1, 0])
    value = writer.node("MatMul", [value, w], name)
    x = x @ _quantised(weights, layer.weight, scale).T
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
        scale = writer.scale_for(layer.activation, x, None)
        value = writer.quantise(value, f"{name}_quant", layer.activation, scale)
        x = _quantised(x, layer.activation, scale)
    return value, x


def _norm(writer: _Writer, name: str, layer: Dense, value: str, x: Array) -> tuple[str, Array]:
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
