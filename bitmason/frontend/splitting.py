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

from bitmason.frontend.cutting import (
    check_cut,
    check_one_scale,
    find_cut,
    let_turn,
    movers_in_front,
    put_first,
    reached,
)
from bitmason.frontend.loading import load
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.reference import Executor
from bitmason.frontend.topology import arrange
from bitmason.ir.types import Shape

_FREE_INITIALISERS = 4  # the first version of the format in which they need not be inputs


@dataclass(frozen=True)
class Halves:
    """The files of the two halves; the first one's output is the second one's input."""

    head: bytes
    tail: bytes


def split(
    path: Path | bytes,
    at: str,
    name: str | None = None,
    order: Sequence[int] | None = None,
) -> Halves:
    """Return the two models that a model becomes at the quantiser `at`.

    A quantiser of one scale goes in front of nodes that only move what it takes, so that the tensor
    between the halves is the one that layers make, whatever shape its readers want.

    Args:
        path: the file, or its bytes.
        at: the quantiser's name, or that of its result.
        name: what messages call the file; by default its own name.
        order: the axes of the tensor between the halves, the batch as axis 0 included, in the order
            in which the second half quantises it; by default as they are. Both files have the
            tensor as it is.

    Raises:
        CompileError: the model is damaged; F022 when there is no such quantiser, it changes its own
            results, has several scales where `order` is given, or data pass it by; S004 when the
            QONNX executor cannot run the model.
    """
    loaded = load(path, name)
    graph = loaded.model.graph
    nodes = arrange(graph, loaded.file)
    constants = {tensor.name for tensor in graph.initializer}
    varying = reached(nodes, {value.name for value in graph.input} - constants)
    cut = find_cut(nodes, at, varying, loaded.file)
    executor = Executor(loaded.data)
    tensors = executor.run(np.zeros((1, *executor.frame), np.float32))
    outputs = [value.name for value in graph.output]
    movers = movers_in_front(cut, nodes, outputs, varying, tensors)
    if movers:
        cut = put_first(graph, cut, movers)
        nodes = arrange(graph, loaded.file)
    tail = _needed(nodes, outputs, cut.taken)
    check_cut(cut, tail, outputs, varying, tensors)
    shape = tensors[cut.taken].shape
    first = _part(loaded.model, _needed(nodes, [cut.given], ""), None, (cut.given, shape))
    second = _part(loaded.model, tail, (cut.taken, shape), None)
    if order is not None:
        check_one_scale(cut, tensors)
        let_turn(second.graph, cut, order)
    return Halves(first.SerializeToString(), second.SerializeToString())


def _needed(nodes: Sequence[NodeView], ends: Sequence[str], known: str) -> list[NodeView]:
    """Return the nodes that compute the tensors `ends`, where the tensor `known` is there."""
    wanted = set(ends) - {known}
    found: list[NodeView] = []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            found.append(node)
            wanted |= set(filter(None, node.inputs)) - {known}
    return found[::-1]


def _part(
    model: ModelProto,
    nodes: Sequence[NodeView],
    given: tuple[str, Shape] | None,
    made: tuple[str, Shape] | None,
) -> ModelProto:
    """Return the model of some of the nodes, with another input or another output."""
    part = ModelProto()
    part.CopyFrom(model)
    graph = part.graph
    makers = {output: proto for proto in model.graph.node for output in proto.output if output}
    del graph.node[:], graph.value_info[:], graph.quantization_annotation[:]
    graph.node.extend(makers[next(filter(None, node.outputs))] for node in nodes)
    # Old exporters list initialisers among the inputs; without them those would be inputs indeed.
    part.ir_version = max(part.ir_version, _FREE_INITIALISERS)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    for values, other in ((graph.input, given), (graph.output, made)):
        if other is not None:
            name, shape = other
            del values[:]
            whole = (1, *shape[1:])
            values.append(onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, whole))
    read = {name for node in nodes for name in node.inputs}
    read |= {value.name for value in graph.output}
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    return part
