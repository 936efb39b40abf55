"""Run an ONNX model with the QONNX executor, a whole batch of frames at once.

Invariant: every number comes from qonnx's executor, node by node and never fused; the model is only
adapted in what does not change a frame's result: versions, domains, batch size, where constants are
kept. A batch has the shapes of one frame, apart from its first axis, in every tensor.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any, Final

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper

from bitmason.diagnostics import Loc, fail
from bitmason.frontend.node_view import NodeView
from bitmason.ir.types import Array, Shape

Context = dict[str, Array]

_IR_VERSION: Final = 10  # the newest that every supported onnxruntime reads
_ONNXRUNTIME_WARNINGS, _ONNXRUNTIME_ERRORS = 2, 3  # the former is its default
_QONNX_DOMAIN: Final = "qonnx.custom_op.general"
_CHANNELS_LAST: Final = "qonnx.custom_op.channels_last"
# Operators whose result has a shape that an operand names.
_TARGETS: Final = {"Reshape": 1, "Expand": 1, "Resize": 3}
_OLD_DOMAINS: Final = frozenset({"onnx.brevitas", "finn.custom_op.general"})


class BatchError(Exception):
    """The model takes one frame at a time: a reshape or the like mixes the frames of a batch."""


class Executor:
    """A model, made ready for batches of one size."""

    def __init__(self, model: bytes, frames: int = 1) -> None:
        """Prepare the ONNX file with the content `model` for batches of `frames` frames.

        Raises:
            BatchError: where only batches of one frame give one result per frame.
            CompileError: S004 when the executor fails.
        """
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.transformation.general import SortGraph
        from qonnx.transformation.infer_shapes import InferShapes

        try:
            with _executable():
                wrapper = ModelWrapper(_prepare(model)).transform(SortGraph())
                self._wrapper: Any = wrapper.transform(InferShapes())
        except Exception as error:  # of qonnx, for shapes that it cannot infer
            _fail(error, "")
        graph = self._wrapper.graph
        self.input: str = graph.input[0].name
        self.outputs: tuple[str, ...] = tuple(output.name for output in graph.output)
        self._frames = 1
        self._shapes: dict[str, Shape] = {}
        self._protos = {NodeView(node, ""): node for node in graph.node}
        if frames > 1:
            context = self.run(np.zeros((1, *self.frame), np.float32))
            self._shapes = _set_batch(self._wrapper.model, frames, context)
            self._frames = frames

    @property
    def nodes(self) -> tuple[NodeView, ...]:
        """The operators in the order of execution."""
        return tuple(self._protos)

    @property
    def frame(self) -> Shape:
        """Shape of one input frame, without the batch axis."""
        return _extents(self._wrapper.graph.input[0])[1:]

    @property
    def elements(self) -> int:
        """How many numbers all tensors hold that depend on the input, as far as is known."""
        graph = self._wrapper.graph
        dependent = _dependent(graph.node, self.input)
        values = (*graph.input, *graph.value_info, *graph.output)
        return sum(prod(_extents(value)) for value in values if value.name in dependent)

    def run(self, x: Array) -> Context:
        """Return every tensor of the model, constants included, for the frames `x`.

        Raises:
            BatchError: where only batches of one frame give one result per frame.
            CompileError: S001 when `x` does not fit the input, S004 when the executor fails.
        """
        context = self.begin(x)
        for node in self.nodes:
            self.step(node, context)
        return context

    def begin(self, x: Array) -> Context:
        """Return the tensors that are there before the first node runs.

        Raises:
            CompileError: S001 when `x` does not fit the input.
        """
        if x.shape != (self._frames, *self.frame):
            found, wanted = list(x.shape), [self._frames, *self.frame]
            fail("S001", f"inputs of shape {found} do not fit the model, which takes {wanted}")
        context: Context = self._wrapper.make_empty_exec_context()
        context[self.input] = x
        return context

    def step(self, node: NodeView, context: Context) -> None:
        """Run one of `nodes` on tensors of `context`, and put its results there.

        Raises:
            BatchError: where only batches of one frame give one result per frame.
            CompileError: S004 when the executor fails.
        """
        from qonnx.core.onnx_exec import execute_node

        versions = self._wrapper.get_opset_imports()
        try:
            with _executable():
                graph, version = self._wrapper.graph, versions.get(node.domain, 1)
                execute_node(self._protos[node], context, graph, version)
        except Exception as error:
            if self._frames > 1:
                raise BatchError(str(error)) from error
            _fail(error, node.name)
        for tensor in self._shapes.keys() & set(node.outputs):
            found, wanted = context[tensor].shape, self._shapes[tensor]
            if found != wanted:
                raise BatchError(f"{tensor} has shape {found}, {wanted} would be whole frames")


def _fail(error: Exception, node: str) -> None:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    fail(
        "S004",
        "the QONNX executor cannot run this model",
        loc=Loc("model", node) if node else None,
        notes=[first],
        help="compare without it, or export the model with other opset versions",
    )


@contextmanager
def _executable() -> Iterator[None]:
    """Let qonnx build one-node models that onnxruntime reads, and keep it quiet meanwhile.

    `onnx.helper.make_model` stamps the newest version of the format, which onnxruntime supports
    only some releases later. Shapes computed from shapes are unknown before the run, which qonnx
    warns of at every node; onnxruntime warns of the old versions that qonnx gives to operators with
    the channels last.
    """
    from qonnx.core.onnx_exec import rt as onnxruntime

    format_of: Any = onnx
    saved = format_of.IR_VERSION
    format_of.IR_VERSION = min(saved, _IR_VERSION)
    onnxruntime.set_default_logger_severity(_ONNXRUNTIME_ERRORS)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        format_of.IR_VERSION = saved
        onnxruntime.set_default_logger_severity(_ONNXRUNTIME_WARNINGS)


def _prepare(model: bytes) -> ModelProto:
    proto = onnx.load_model_from_string(model)
    proto.ir_version = min(proto.ir_version, _IR_VERSION)
    # Data types that other tools noted down make qonnx round tensors to them.
    del proto.graph.quantization_annotation[:]
    _rename_domains(proto)
    _gather_constants(proto)
    _keep_dependent_outputs(proto)
    _forget_shapes(proto)
    return proto


def _forget_shapes(proto: ModelProto) -> None:
    """Leave shapes to be inferred, but where qonnx takes them from the file: channels last."""
    placed_last = [node for node in proto.graph.node if node.domain == _CHANNELS_LAST]
    kept = {tensor for node in placed_last for tensor in (*node.input, *node.output)}
    values = [value for value in proto.graph.value_info if value.name in kept]
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(values)


def _rename_domains(proto: ModelProto) -> None:
    for node in proto.graph.node:
        if node.domain in _OLD_DOMAINS:
            node.domain = _QONNX_DOMAIN
    versions = {
        _QONNX_DOMAIN if entry.domain in _OLD_DOMAINS else entry.domain: entry.version
        for entry in proto.opset_import
    }
    versions.setdefault(_QONNX_DOMAIN, 1)
    # Operators with the channels last are those of the standard operators' version.
    versions.setdefault(_CHANNELS_LAST, versions.get("", versions.get("ai.onnx", 1)))
    del proto.opset_import[:]
    proto.opset_import.extend(onnx.helper.make_opsetid(*entry) for entry in versions.items())


def _gather_constants(proto: ModelProto) -> None:
    """Keep every constant as an initialiser, and no initialiser among the inputs."""
    graph = proto.graph
    for node in [node for node in graph.node if node.op_type == "Constant" and not node.domain]:
        tensor = _constant(node)
        if tensor is not None:
            graph.initializer.append(tensor)
            graph.node.remove(node)
    known = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in known]
    del graph.input[:]
    graph.input.extend(inputs)


def _constant(node: NodeProto) -> TensorProto | None:
    (given,) = node.attribute
    kinds = {"float": np.float32, "floats": np.float32, "int": np.int64, "ints": np.int64}
    kind = kinds.get(given.name.removeprefix("value_"))
    tensor = TensorProto()
    if given.name == "value":
        tensor.CopyFrom(given.t)
        tensor.name = node.output[0]
        return tensor
    if kind is None:
        return None
    numbers = np.asarray(onnx.helper.get_attribute_value(given), kind)
    return numpy_helper.from_array(numbers, node.output[0])


def _keep_dependent_outputs(proto: ModelProto) -> None:
    """Leave out constant outputs (the scale of a QuantTensor): there is nothing to compare."""
    graph = proto.graph
    dependent = _dependent(graph.node, graph.input[0].name)
    for constant in [output for output in graph.output if output.name not in dependent]:
        graph.output.remove(constant)


def _dependent(nodes: Sequence[NodeProto], tensor: str) -> dict[str, None]:
    """Return the tensors whose numbers depend on those of `tensor`, itself included, in order."""
    found = {tensor: None}
    for node in nodes:
        if node.op_type != "Shape" and any(name in found for name in node.input):
            found.update(dict.fromkeys(filter(None, node.output)))
    return found


def _extents(value: ValueInfoProto) -> Shape:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)


def _set_batch(proto: ModelProto, frames: int, single: Mapping[str, Array]) -> dict[str, Shape]:
    """Declare batches of `frames` frames; return the shape of every tensor that holds them.

    qonnx would infer these shapes, but not through operators with the channels last.
    """
    graph = proto.graph
    shapes: dict[str, Shape] = {}
    for tensor in _dependent(graph.node, graph.input[0].name):
        one = single[tensor].shape
        if not one or one[0] != 1:
            raise BatchError(f"{tensor} has shape {one} for one frame")
        shapes[tensor] = (frames, *one[1:])
    for value in (*graph.input, *graph.value_info, *graph.output):
        if value.name in shapes:
            kind = value.type.tensor_type.elem_type
            declared = onnx.helper.make_tensor_value_info(value.name, kind, shapes[value.name])
            value.CopyFrom(declared)
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        index = _TARGETS.get(node.op_type, len(node.input))
        if index < len(node.input) and node.input[0] in shapes and node.input[index] in constants:
            target = numpy_helper.to_array(constants[node.input[index]]).copy()
            if target.size and target[0] == 1:
                target[0] = frames
                node.input[index] = f"{node.output[0]}_shape_of_batch"
                graph.initializer.append(numpy_helper.from_array(target, node.input[index]))
                kind = graph.initializer[-1].data_type
                graph.value_info.append(
                    onnx.helper.make_tensor_value_info(node.input[index], kind, target.shape)
                )
    return shapes
