"""Cut a model in two at one of its quantisers, so that each half can be a design of its own.

Invariant: the second half of what the first half gives is the whole: both keep the quantiser, and a
quantiser leaves its own numbers as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto

from bitmason.diagnostics import Loc, did_you_mean, fail, quote
from bitmason.frontend.loading import load
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.reference import Executor
from bitmason.frontend.rounding_error import QUANTISERS
from bitmason.frontend.topology import arrange
from bitmason.ir.types import Array

_SHOWN = 20


@dataclass(frozen=True)
class Halves:
    """The files of the two halves; the first one's output is the second one's input."""

    head: bytes
    tail: bytes


def split(path: Path | bytes, at: str, name: str | None = None) -> Halves:
    """Return the two models that a model becomes at the quantiser `at`.

    Args:
        path: the file, or its bytes.
        at: the quantiser's name, or that of its result.
        name: what messages call the file; by default its own name.

    Raises:
        CompileError: the model is damaged; F022 when there is no such quantiser, or data pass it
            by; S004 when the QONNX executor cannot run the model.
    """
    loaded = load(path, name)
    graph = loaded.model.graph
    nodes = arrange(graph, loaded.file)
    constants = {tensor.name for tensor in graph.initializer}
    varying = _reached(nodes, {value.name for value in graph.input} - constants)
    cut = _quantiser(nodes, at, varying, loaded.file)
    (given,) = cut.outputs
    taken = cut.inputs[0]
    outputs = [value.name for value in graph.output]
    head = _needed(nodes, [given], "")
    tail = _needed(nodes, outputs, taken)
    _check_all_pass(tail, taken, varying, cut)
    executor = Executor(loaded.data)
    tensors = executor.run(np.zeros((1, *executor.frame), np.float32))
    return Halves(
        _part(loaded.model, head, None, (given, tensors[given])),
        _part(loaded.model, tail, (taken, tensors[taken]), None),
    )


def _reached(nodes: Sequence[NodeView], tensors: set[str]) -> set[str]:
    """Return the tensors that depend on `tensors`, themselves included."""
    found = set(tensors)
    for node in nodes:
        if found.intersection(node.inputs):
            found.update(node.outputs)
    return found


def _needed(nodes: Sequence[NodeView], ends: Sequence[str], known: str) -> list[NodeView]:
    """Return the nodes that compute the tensors `ends`, where the tensor `known` is there."""
    wanted = set(ends) - {known}
    found: list[NodeView] = []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            found.append(node)
            wanted |= set(filter(None, node.inputs)) - {known}
    return found[::-1]


def _quantiser(nodes: Sequence[NodeView], at: str, varying: set[str], file: str) -> NodeView:
    found = {
        node.name: node
        for node in nodes
        if node.op in QUANTISERS and node.inputs[0] in varying and len(node.outputs) == 1
    }
    for node in found.values():
        if at in (node.name, *node.outputs):
            return node
    names = [quote(name) for name in found][:_SHOWN]
    fail(
        "F022",
        f"there is no quantiser of activations called {quote(at)}",
        loc=Loc(file),
        notes=[f"there are {', '.join(names)}" if names else "there is none at all"],
        help=did_you_mean(at, found) or "name one of these with --at",
    )


def _check_all_pass(tail: Sequence[NodeView], taken: str, varying: set[str], cut: NodeView) -> None:
    """Check that the second half reads nothing of the first but the tensor `taken`."""
    behind = _reached(tail, {taken})
    for node in tail:
        astray = [name for name in node.inputs if name in varying and name not in behind]
        if astray:
            fail(
                "F022",
                f"{quote(astray[0])} passes this quantiser by, so the model is not two there",
                loc=cut.loc,
                notes=[f"{quote(node.name)} reads it"],
                help="split at a quantiser that everything passes",
            )


def _part(
    model: ModelProto,
    nodes: Sequence[NodeView],
    given: tuple[str, Array] | None,
    made: tuple[str, Array] | None,
) -> bytes:
    """Return the model of some of the nodes, with another input or another output."""
    part = ModelProto()
    part.CopyFrom(model)
    graph = part.graph
    kept = {output for node in nodes for output in node.outputs}
    read = {name for node in nodes for name in node.inputs}
    protos = [proto for proto in model.graph.node if kept.intersection(proto.output)]
    del graph.node[:], graph.value_info[:], graph.quantization_annotation[:]
    graph.node.extend(protos)
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    for values, other in ((graph.input, given), (graph.output, made)):
        if other is not None:
            name, array = other
            del values[:]
            shape = (1, *array.shape[1:])
            values.append(onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    data: bytes = part.SerializeToString()
    return data
