"""The integer part of a design as an ONNX model of nodes in a domain of our own.

Invariant: a node is a call of our HLS library with the configuration and the tables that the HLS
backend gives it; nothing is computed here, and nothing here imports hls4ml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from bitmason.backends.design import Design, Layer, Port
from bitmason.backends.emission import EMITTERS
from bitmason.backends.hardware import WIRES
from bitmason.backends.hls.functions import Call, call_of
from bitmason.backends.hls.types import elem_type
from bitmason.diagnostics import Collector, CompileError, Loc, fail
from bitmason.version import __version__

DOMAIN = "bitmason"
INPUT = "entering"  # what hls4ml calls its input port
# The functions that become layers of hls4ml, and what it calls those.
OP_TYPES = {
    "mvu": "BitmasonMvu",
    "thresholds": "BitmasonThresholds",
    "thresholds_search": "BitmasonThresholdsSearch",
    "thresholds_float": "BitmasonThresholdsFloat",
    "lookup": "BitmasonLookup",
    "argmax": "BitmasonArgmax",
}
# hls4ml has streams of its own between its layers, one for every reader.
_STREAMS = frozenset({"fifo", "fork", "width_converter"})


@dataclass(frozen=True)
class _Step:
    """A layer, how the library computes it, and the value that it reads."""

    layer: Layer
    call: Call
    operand: str


def nodes_of(design: Design) -> ModelProto:
    """Return what `design` computes from its entry to its exits.

    Raises:
        CompileError: B003 for each layer that hls4ml cannot be given.
    """
    leaving = leaving_values(design)
    if design.entry in leaving:
        _refuse("hls4ml cannot return the network's own input", design.graph[design.entry].loc)
    steps = _steps(design)
    inner = [step.layer.name for step in steps if step.layer.name not in leaving]
    made = helper.make_graph(
        [_node(design, step) for step in steps],
        design.name,
        [_tensor(design, design.entry)],
        [_tensor(design, name) for name in leaving],
        value_info=[_tensor(design, name) for name in inner],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 1)]
    model: ModelProto = helper.make_model(made, opset_imports=opsets, ir_version=10)
    model.producer_name, model.producer_version = "bitmason", __version__
    return model


def leaving_values(design: Design) -> tuple[str, ...]:
    """Return what leaves as the design's exits, each value once, in the order of its layers."""
    leaving = {origin(design, name) for name in design.exits}
    order = (design.entry, *(layer.name for layer in design.layers))
    return tuple(name for name in order if name in leaving)


def origin(design: Design, value: str) -> str:
    """Return the value in whose stream `value` travels too, with another shape or reading."""
    node = design.graph.producer(value)
    while node is not None and value != design.entry and isinstance(node.op, WIRES):
        (value,) = node.operands
        node = design.graph.producer(value)
    return value


def _steps(design: Design) -> list[_Step]:
    """Return the layers that become nodes, in order."""
    refused, steps = Collector(), []
    for layer in design.layers:
        if layer.op not in _STREAMS:
            try:
                steps.append(_step(design, layer))
            except CompileError as error:
                refused.add(error)
    refused.raise_if_any()
    return steps


def _step(design: Design, layer: Layer) -> _Step:
    node = design.graph.producer(layer.name)
    assert node is not None, layer.name
    call = call_of(layer, EMITTERS[layer.op](layer, node))
    if call.function not in OP_TYPES:
        _refuse_layer(layer)
    operand = origin(design, node.operands[0])
    given = design.graph[operand].type
    channels = given.shape[-1]
    if layer.source.lanes > 1:
        what = f"{layer.source.lanes} pixels side by side"
        _refuse(f"'{layer.name}' takes {what}, hls4ml one after the other", layer.loc)
    if channels % layer.source.per_beat and layer.source.per_beat % channels:
        what = f"{layer.source.per_beat} elements at a time from pixels of {channels}"
        _refuse(f"'{layer.name}' takes {what}", layer.loc)
    assert elem_type(given.int_elem) == elem_type(layer.source.elem), layer.name
    return _Step(layer, call, operand)


def _refuse_layer(layer: Layer) -> NoReturn:
    if layer.op != "dense":
        _refuse(f"{layer.op} '{layer.name}' has no layer in hls4ml", layer.loc)
    fail(
        "B003",
        f"{layer.op} '{layer.name}' with engine '{layer.engine}' has no layer in hls4ml",
        loc=layer.loc,
        help=f"set layers.{layer.name}.engine = 'parallel' in the configuration",
    )


def _refuse(message: str, loc: Loc) -> NoReturn:
    fail("B003", message, loc=loc, help="`bitmason compile --backend hls` builds it without hls4ml")


def _node(design: Design, step: _Step) -> NodeProto:
    layer, call = step.layer, step.call
    attributes: dict[str, Any] = {
        "shape": design.graph[layer.name].type.shape,
        "function": call.function,
        "members": call.members,
        **_end("in", layer.source),
        **_end("out", layer.sink),
    }
    if call.tables:  # ONNX has no type for an empty list
        attributes["tables"] = [table.role for table in call.tables]
    for table in call.tables:
        attributes[f"{table.role}_values"] = numpy_helper.from_array(table.values, table.role)
        attributes[f"{table.role}_elem"] = table.elem
        attributes[f"{table.role}_pragmas"] = table.pragmas
    node: NodeProto = helper.make_node(
        OP_TYPES[call.function],
        [_name(design, step.operand)],
        [_name(design, layer.name)],
        name=f"layer_{layer.name}",
        domain=DOMAIN,
        doc_string=str(layer.loc),
        **attributes,
    )
    return node


def _end(side: str, port: Port) -> dict[str, Any]:
    return {
        f"{side}_type": elem_type(port.elem),
        f"{side}_per_beat": port.per_beat,
        f"{side}_elements": port.elements,
    }


def _tensor(design: Design, value: str) -> ValueInfoProto:
    shape = (1, *design.graph[value].type.shape)
    info: ValueInfoProto = helper.make_tensor_value_info(
        _name(design, value), TensorProto.INT64, shape
    )
    return info


def _name(design: Design, value: str) -> str:
    return INPUT if value == design.entry else f"{value}_out"
