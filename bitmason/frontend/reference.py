"""Run an ONNX model with the QONNX executor, a whole batch of frames at once.

Invariant: every number comes from qonnx's executor, node by node and never fused; the model is only
adapted in what does not change a frame's result: versions, domains, batch size, where constants are
kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, numpy_helper

from bitmason.diagnostics import Loc, fail
from bitmason.frontend.node_view import NodeView
from bitmason.ir.types import Array

Context = dict[str, Array]

_IR_VERSION: Final = 10  # the newest that every supported onnxruntime reads
_QONNX_DOMAIN: Final = "qonnx.custom_op.general"
_OLD_DOMAINS: Final = frozenset({"onnx.brevitas", "finn.custom_op.general"})


class BatchError(Exception):
    """The model takes one frame at a time: a reshape or the like mixes the frames of a batch."""


class Executor:
    """A model, made ready for batches of one size."""

    def __init__(self, model: bytes, frames: int = 1) -> None:
        """Prepare the ONNX file with the content `model` for batches of `frames` frames."""
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.transformation.general import SortGraph
        from qonnx.transformation.infer_shapes import InferShapes

        self._model = model
        self._frames = frames
        self._checked = False
        with _executable():
            wrapper = ModelWrapper(_prepare(model, frames)).transform(SortGraph())
            self._wrapper: Any = wrapper.transform(InferShapes())
        graph = self._wrapper.graph
        self.input: str = graph.input[0].name
        self.outputs: tuple[str, ...] = tuple(output.name for output in graph.output)
        self.nodes: tuple[NodeView, ...] = tuple(NodeView(node, "") for node in graph.node)
        self._dependent = _dependent(graph.node, self.input)

    @property
    def frame(self) -> tuple[int, ...]:
        """Shape of one input frame, without the batch axis."""
        dims = self._wrapper.graph.input[0].type.tensor_type.shape.dim
        return tuple(dim.dim_value for dim in dims[1:])

    def run(self, x: Array) -> Context:
        """Return every tensor of the model, constants included, for the frames `x`.

        Raises:
            BatchError: where only batches of one frame give one result per frame.
            CompileError: S001 when `x` does not fit the input, S004 when the executor fails.
        """
        from qonnx.core.onnx_exec import execute_onnx

        if x.shape != (self._frames, *self.frame):
            found, wanted = list(x.shape), [self._frames, *self.frame]
            fail("S001", f"inputs of shape {found} do not fit the model, which takes {wanted}")
        try:
            with _executable():
                context: Context = execute_onnx(self._wrapper, {self.input: x}, True)
        except Exception as error:
            if self._frames > 1:
                raise BatchError(str(error)) from error
            _fail(error, "")
        if self._frames > 1 and not self._checked:
            self._check_batch(x, context)
            self._checked = True
        return context

    def _check_batch(self, x: Array, context: Mapping[str, Array]) -> None:
        single = Executor(self._model).run(x[:1])
        for tensor in self._dependent:
            one, many = single[tensor].shape, context[tensor].shape
            if not one or one[0] != 1 or many != (self._frames, *one[1:]):
                raise BatchError(f"{tensor} has shape {one} for 1 frame, {many} for {self._frames}")

    def resume(self, context: Context, tensor: str, values: Array) -> None:
        """Give `tensor` other values in `context` and run the nodes that depend on it again."""
        from qonnx.core.onnx_exec import execute_node

        context[tensor] = values
        graph = self._wrapper.graph
        opsets = self._wrapper.get_opset_imports()
        downstream = _dependent(graph.node, tensor).keys() - {tensor}
        for node in graph.node:
            if downstream.isdisjoint(node.output):
                continue
            try:
                with _executable():
                    execute_node(node, context, graph, opsets.get(node.domain, 1))
            except Exception as error:
                _fail(error, node.name)


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
    warns of at every node.
    """
    format_of: Any = onnx
    saved = format_of.IR_VERSION
    format_of.IR_VERSION = min(saved, _IR_VERSION)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        format_of.IR_VERSION = saved


def _prepare(model: bytes, frames: int) -> ModelProto:
    proto = onnx.load_model_from_string(model)
    proto.ir_version = min(proto.ir_version, _IR_VERSION)
    # Data types that other tools noted down make qonnx round tensors to them.
    del proto.graph.quantization_annotation[:]
    _rename_domains(proto)
    _gather_constants(proto)
    _set_batch(proto, frames)
    return proto


def _rename_domains(proto: ModelProto) -> None:
    for node in proto.graph.node:
        if node.domain in _OLD_DOMAINS:
            node.domain = _QONNX_DOMAIN
    versions = {
        _QONNX_DOMAIN if entry.domain in _OLD_DOMAINS else entry.domain: entry.version
        for entry in proto.opset_import
    }
    versions.setdefault(_QONNX_DOMAIN, 1)
    del proto.opset_import[:]
    proto.opset_import.extend(onnx.helper.make_opsetid(*entry) for entry in versions.items())


def _gather_constants(proto: ModelProto) -> None:
    """Keep every constant as an initialiser, and no initialiser among the inputs."""
    graph = proto.graph
    for node in [node for node in graph.node if node.op_type == "Constant" and not node.domain]:
        tensor = next((entry.t for entry in node.attribute if entry.name == "value"), None)
        if tensor is not None:
            graph.initializer.add().CopyFrom(tensor)
            graph.initializer[-1].name = node.output[0]
            graph.node.remove(node)
    known = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in known]
    del graph.input[:]
    graph.input.extend(inputs)


def _dependent(nodes: Sequence[NodeProto], tensor: str) -> dict[str, None]:
    """Return the tensors whose numbers depend on those of `tensor`, itself included, in order."""
    found = {tensor: None}
    for node in nodes:
        if node.op_type != "Shape" and any(name in found for name in node.input):
            found.update(dict.fromkeys(filter(None, node.output)))
    return found


def _set_batch(proto: ModelProto, frames: int) -> None:
    graph = proto.graph
    dependent = _dependent(graph.node, graph.input[0].name)
    # Constant outputs (the scale of a QuantTensor) have no batch axis, and nothing to compare.
    for constant in [output for output in graph.output if output.name not in dependent]:
        graph.output.remove(constant)
    for value in (graph.input[0], *graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims:
            dims[0].dim_value = frames
    del graph.value_info[:]
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[0] in dependent and node.input[1] in constants:
            shape = numpy_helper.to_array(constants[node.input[1]]).copy()
            if shape.size and shape[0] == 1:
                shape[0] = frames
                name = f"{node.output[0]}_shape_of_batch"
                graph.initializer.append(numpy_helper.from_array(shape, name))
                node.input[1] = name
