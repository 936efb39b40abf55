# mypy: allow-subclassing-any
"""The layers that hls4ml gains: one for each function of our HLS library that it can be given.

Invariant: their C++ is a configuration, tables and a call; whatever computes is in the library.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from hls4ml.backends import get_backend
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.converters import register_onnx_layer_handler
from hls4ml.model.layers import Layer, register_layer
from hls4ml.model.types import WeightVariable
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from bitmason.backends.hls.top import library_used
from bitmason.backends.render import TEMPLATES, render
from bitmason.hls4ml_bridge.nodes import OP_TYPES

BACKEND = "Vitis"
_HEADER = TEMPLATES / "hls" / "hls4ml" / "nnet_bitmason.h"
_LIBRARY = TEMPLATES / "hls" / "lib"


class BitmasonLayer(Layer):
    """A call of one function of our library; its attributes are those of the node."""

    def initialize(self) -> None:
        """Add the output and the tables."""
        self.add_output_variable(self.get_attr("shape"), precision=self._type("out_type"))
        for role in self.get_attr("tables"):
            values, elem = self.get_attr(f"{role}_values"), self._type(f"{role}_elem")
            name, type_ = f"{role}{{index}}", f"{role}{{index}}_t"
            self.set_attr(role, TableVariable(name, type_, elem, values, index=self.index))

    def _type(self, attribute: str) -> Any:
        return self.model.config.backend.convert_precision_string(self.get_attr(attribute))


class BitmasonMvu(BitmasonLayer):
    """A matrix-vector product of few bits, one bit too."""


class BitmasonThresholds(BitmasonLayer):
    """A quantised monotone function: how many thresholds of its channel an element reaches."""


class BitmasonThresholdsSearch(BitmasonLayer):
    """The same by search, one comparison for each bit of the result."""


class BitmasonThresholdsFloat(BitmasonLayer):
    """Rounding to a floating-point format, as ranks."""


class BitmasonLookup(BitmasonLayer):
    """A table of a function of one integer, for what thresholds cannot express."""


class BitmasonArgmax(BitmasonLayer):
    """The index of the largest element; the lowest index where several are largest."""


class TableVariable(WeightVariable):
    """Constants in rows, which hls4ml writes, loads and profiles as it does its own weights."""

    def definition_cpp(self, name_suffix: str = "", as_reference: bool = False) -> str:
        """Return the declaration."""
        rows, columns = self.shape
        return f"{self.type.name} {self.name}{name_suffix}[{rows}][{columns}]"


_LAYERS = (
    BitmasonMvu,
    BitmasonThresholds,
    BitmasonThresholdsSearch,
    BitmasonThresholdsFloat,
    BitmasonLookup,
    BitmasonArgmax,
)


@dataclass(frozen=True)
class EndView:
    """An end of a layer: its stream in beats of the library, and hls4ml's stream beyond it."""

    name: str
    type: str
    elements: int
    outside: str


class LayerView:
    """A layer as its templates see it."""

    def __init__(self, node: BitmasonLayer) -> None:
        """Read `node`."""
        self.config = f"config{node.index}"
        self.members: list[str] = node.get_attr("members")
        self.source = _end(node, "in", node.get_input_variable().name)
        self.sink = _end(node, "out", node.get_output_variable().name)
        self.streams = (self.source, self.sink)
        tables = {role: node.get_weights(role).name for role in node.get_attr("tables")}
        self.pragmas = [
            pragma.format(f"variable = {name}")
            for role, name in tables.items()
            for pragma in node.get_attr(f"{role}_pragmas")
        ]
        arguments = ", ".join((self.source.name, self.sink.name, *tables.values()))
        self.call = f"bitmason::{node.get_attr('function')}<{self.config}>({arguments});"


def _end(node: BitmasonLayer, side: str, outside: str) -> EndView:
    name = f"layer{node.index}_{side}_beats"
    beat = f"bitmason::Beat<{node.get_attr(f'{side}_type')}, {node.get_attr(f'{side}_per_beat')}>"
    return EndView(name, beat, node.get_attr(f"{side}_elements"), outside)


class ConfigTemplate(LayerConfigTemplate):
    """The configuration of a layer's function."""

    def __init__(self) -> None:
        """Serve all our layers."""
        super().__init__(_LAYERS)

    def format(self, node: BitmasonLayer) -> str:
        """Return the C++."""
        return render("hls/hls4ml/config.hpp.j2", LayerView(node))


class CallTemplate(FunctionCallTemplate):
    """The call of a layer's function, between streams as the library has them."""

    def __init__(self) -> None:
        """Serve all our layers."""
        super().__init__(_LAYERS, include_header=[f"nnet_utils/{_HEADER.name}"])

    def format(self, node: BitmasonLayer) -> list[str]:
        """Return the lines of C++."""
        return render("hls/hls4ml/call.cpp.j2", LayerView(node)).splitlines()


@cache
def register() -> None:
    """Make our layers known to hls4ml, once."""
    for layer in _LAYERS:
        register_layer(layer.__name__, layer)
        register_onnx_layer_handler(layer.__name__, _parse)
    backend = get_backend(BACKEND)
    for template in (ConfigTemplate, CallTemplate):
        backend.register_template(template)
    needed = library_used({"float_dot.hpp", *(f"{function}.hpp" for function in OP_TYPES)})
    for header in (_HEADER, *(_LIBRARY / name for name in needed)):
        backend.register_source(header)


def _parse(
    node: NodeProto, inputs: list[str], shapes: list[list[int]], graph: GraphProto
) -> dict[str, Any]:
    """Return the attributes of the layer for a node of our domain."""
    found = {attribute.name: _value(attribute) for attribute in node.attribute}
    found |= {"class_name": node.op_type, "name": node.name}
    return {"tables": []} | found | {"inputs": inputs, "outputs": list(node.output)}


def _value(attribute: Any) -> Any:
    match helper.get_attribute_value(attribute):
        case bytes() as text:
            return text.decode()
        case TensorProto() as tensor:
            return numpy_helper.to_array(tensor)
        case [bytes(), *_] as texts:
            return [text.decode() for text in texts]
        case value:
            return value
