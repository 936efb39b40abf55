"""The parts of a network as models of their own, which onnxruntime runs on batches of frames.

Invariant: operators run one by one and are never fused, and weights come from outside: so a part
computes what the QONNX executor does, whatever its weights are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import (
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

from bitmason.diagnostics import Loc, fail, quote
from bitmason.formats.network import STANDARD, FloatNetwork, Product
from bitmason.ir.types import Array

_IR_VERSION = 10  # the newest that every supported onnxruntime reads
_ERRORS = 4  # only what ends a run, which is told as a diagnostic
_HELD = frozenset(
    {"FLOAT", "DOUBLE", "FLOAT16", "BOOL"}
    | {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
)
DATA, WEIGHTS, _READ = "data", "weights", "r{}"


@dataclass(frozen=True)
class Part:
    """One part: its model, what it reads besides data and weights, and what it makes.

    `data` is the tensor that goes into the product; it is among `reads` only if other operators of
    the part read it too, without its format.
    """

    model: bytes
    data: str
    reads: tuple[str, ...]
    makes: tuple[str, ...]


@dataclass(frozen=True)
class Cut:
    """A network cut in front of its products: the head, and one part for each product.

    `held[k]` are the tensors that part k or a later one reads, and that earlier ones have made.
    """

    head: Part | None
    parts: tuple[Part, ...]
    held: tuple[tuple[str, ...], ...]
    file: str


class Session:
    """A part, ready to run in this process on one thread."""

    def __init__(self, part: Part, file: str) -> None:
        """Prepare the part of the model `file`.

        Raises:
            CompileError: S006 where onnxruntime does not take it.
        """
        import onnxruntime

        self._part, self._file = part, file
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = _ERRORS
        try:
            self._session: Any = onnxruntime.InferenceSession(
                part.model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has a class for each of its faults
            _refuse(error, file)

    @property
    def types(self) -> dict[str, int]:
        """The element types of what the part makes.

        Raises:
            CompileError: F014 for what is no tensor of numbers.
        """
        made = zip(self._part.makes, self._session.get_outputs(), strict=True)
        return {name: _element_type(str(about.type), name, self._file) for name, about in made}

    def run(self, state: Mapping[str, Array], **operands: Array) -> dict[str, Array]:
        """Return what the part makes of the tensors of `state` and of data and weights.

        Raises:
            CompileError: S006 where onnxruntime stops.
        """
        feed = {_READ.format(i): state[name] for i, name in enumerate(self._part.reads)} | operands
        try:
            made = self._session.run(None, feed)
        except Exception as error:
            _refuse(error, self._file)
        return dict(zip(self._part.makes, made, strict=True))


def _refuse(error: Exception, file: str) -> None:
    first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    fail(
        "S006",
        "onnxruntime cannot run this model",
        loc=Loc(file),
        notes=[first],
        help="export the model again, with another opset version; `onnx.checker` may say more",
    )


def cut(network: FloatNetwork) -> Cut:
    """Cut a network in front of the product of every part."""
    starts, sizes = network.starts, _sizes(network)
    ends = (*starts[1:], len(network.nodes))
    held = tuple(_held(network, start, sizes) for start in starts)
    wanted = (*held[1:], (network.output,))
    types = {network.input: int(TensorProto.FLOAT)}
    head = None
    if set(held[0]) - {network.input}:
        head = _Builder(network, types).part(network.nodes[: starts[0]], held[0])
        types |= Session(head, network.file).types
    parts: list[Part] = []
    for product, start, end, names in zip(network.products, starts, ends, wanted, strict=True):
        nodes = (*_sizes_for(network, start, end, sizes), *network.nodes[start:end])
        parts.append(_Builder(network, types, product).part(nodes, names))
        if end < len(network.nodes):
            types |= Session(parts[-1], network.file).types
    return Cut(head, tuple(parts), held, network.file)


def _held(network: FloatNetwork, start: int, sizes: Collection[str]) -> tuple[str, ...]:
    """Return what the nodes from `start` on read of what is there before them, in order."""
    made = [network.input, *(name for node in network.nodes[:start] for name in node.output)]
    later = (*_sizes_for(network, start, None, sizes), *network.nodes[start:])
    read = {name for node in later for name in node.input} | {network.output}
    return tuple(name for name in made if name and name in read and name not in sizes)


def _sizes(network: FloatNetwork) -> frozenset[str]:
    """Return the tensors that depend on the shapes of others only, not on the frames' numbers.

    They have no batch in front, and each part computes those that it reads.
    """
    kept = {network.output, *(site.tensor for site in network.sites)}
    found: set[str] = set()
    for node in network.nodes:
        read = {name for name in node.input if name and name not in network.constants}
        if (node.op_type in {"Shape", "Size"} or read <= found) and not kept & set(node.output):
            found.update(filter(None, node.output))
    return frozenset(found)


def _sizes_for(
    network: FloatNetwork, start: int, end: int | None, sizes: Collection[str]
) -> list[NodeProto]:
    """Return the nodes before `start` that make the sizes which the nodes up to `end` read."""
    read = {name for node in network.nodes[start:end] for name in node.input}
    found: list[NodeProto] = []
    for node in reversed(network.nodes[:start]):
        if any(name in sizes and name in read for name in node.output):
            found.insert(0, node)
            read.update(node.input)
    return found


class _Builder:
    """Builds one part; its tensors get names of ours, which no name of the file can clash with."""

    def __init__(
        self, network: FloatNetwork, types: Mapping[str, int], product: Product | None = None
    ) -> None:
        """Take the network, the element types of what is read, and the product of the part."""
        self._network, self._types, self._product = network, types, product
        self._names: dict[str, str] = {}
        self._constants: list[TensorProto] = []
        self._reads: list[str] = []

    def part(self, nodes: Sequence[NodeProto], wanted: Sequence[str]) -> Part:
        """Return the part of `nodes`, which makes those of `wanted` that they make."""
        made = {name for node in nodes for name in node.output}
        makes = [name for name in wanted if name in made]
        copies = [self._copy(node, number) for number, node in enumerate(nodes)]
        inputs = [_declared(self._names[name], self._types[name]) for name in self._reads]
        data = ""
        if self._product is not None:
            inputs += [_declared(name, TensorProto.FLOAT) for name in (DATA, WEIGHTS)]
            data = self._product.node.input[self._product.data_index]
            self._check_float32(data)
        outputs = [ValueInfoProto(name=self._names[name]) for name in makes]
        graph = helper.make_graph(copies, "part", inputs, outputs)
        graph.initializer.extend(self._constants)
        return Part(self._model(graph), data, tuple(self._reads), tuple(makes))

    def _check_float32(self, data: str) -> None:
        if self._types[data] != TensorProto.FLOAT:
            what = TensorProto.DataType.Name(self._types[data]).lower()
            message = f"tensor {quote(data)} is {what}, a layer with float32 weights reads it"
            fail("F014", message, loc=Loc(self._network.file), help="cast it to float32 before")

    def _model(self, graph: Any) -> bytes:
        opsets = [e for e in self._network.model.opset_import if e.domain in STANDARD]
        version = min(self._network.model.ir_version or _IR_VERSION, _IR_VERSION)
        model: ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=version)
        data: bytes = model.SerializeToString()
        return data

    def _copy(self, node: NodeProto, number: int) -> NodeProto:
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.name, copy.doc_string = f"n{number}", ""
        copy.input[:] = [self._operand(node, place) for place in range(len(node.input))]
        for name in filter(None, node.output):
            self._names[name] = f"t{len(self._names)}"
        copy.output[:] = [self._names[name] if name else "" for name in node.output]
        return copy

    def _operand(self, node: NodeProto, place: int) -> str:
        if self._product is not None and node is self._product.node and place < 2:
            return DATA if place == self._product.data_index else WEIGHTS
        name = node.input[place]
        if name and name not in self._names:
            constant = self._network.constants.get(name)
            if constant is None:
                self._names[name] = _READ.format(len(self._reads))
                self._reads.append(name)
            else:
                self._names[name] = f"t{len(self._names)}"
                array = _of_any_batch(node, place, constant)
                self._constants.append(numpy_helper.from_array(array, self._names[name]))
        return self._names[name] if name else ""


def _declared(name: str, elem_type: int) -> ValueInfoProto:
    """Return a declaration of a tensor of any shape."""
    value = ValueInfoProto(name=name)
    value.type.tensor_type.elem_type = elem_type
    return value


def _element_type(kind: str, tensor: str, file: str) -> int:
    """Return the element type of what onnxruntime calls, say, tensor(float)."""
    name = kind.removeprefix("tensor(").removesuffix(")").upper()
    if name not in _HELD:
        message = f"tensor {quote(tensor)} is {kind}, which cannot be kept between two layers"
        fail("F014", message, loc=Loc(file), help="keep to tensors of numbers")
    return int(TensorProto.DataType.Value(name))


def _of_any_batch(node: NodeProto, place: int, constant: Array) -> Array:
    """Return the constant, which may be the shape of a batch of one: there, 0 is any batch."""
    if node.op_type != "Reshape" or place != 1 or not constant.size or constant.flat[0] != 1:
        return constant
    target = np.array(constant)
    target.flat[0] = 0
    return target
