"""A node of the ONNX file as the importers see it.

Invariant: an attribute of the wrong kind is a diagnostic, not an exception of protobuf.
"""

from __future__ import annotations

import re
from typing import Any

from onnx import AttributeProto, NodeProto

from bitmason.diagnostics import Loc, fail, quote

_KINDS = {
    AttributeProto.INT: ("an integer", "i"),
    AttributeProto.FLOAT: ("a number", "f"),
    AttributeProto.STRING: ("a string", "s"),
    AttributeProto.INTS: ("a list of integers", "ints"),
    AttributeProto.FLOATS: ("a list of numbers", "floats"),
    AttributeProto.TENSOR: ("a tensor", "t"),
}
# Parts of a PyTorch module path that Brevitas adds and no user wrote.
_NOISE = frozenset(
    {"act_quant", "weight_quant", "bias_quant", "input_quant", "output_quant", "export_handler"}
    | {"activation_impl", "q"}
)
# A module's own operator carries the module's name alone: fc1, not fc1_matmul.
_MAIN_OPERATORS = frozenset(
    {"MatMul", "Gemm", "BatchNormalization"}
    | {"Quant", "IntQuant", "BipolarQuant", "FloatQuant", "QuantizeLinear"}
)


class NodeView:
    """One node: operator, tensors read and written, attributes, place in the file."""

    def __init__(self, proto: NodeProto, file: str) -> None:
        """Look at `proto`, a node of the model `file`."""
        self.op: str = proto.op_type
        self.domain: str = proto.domain
        self.inputs: tuple[str, ...] = tuple(proto.input)
        self.outputs: tuple[str, ...] = tuple(proto.output)
        self.name: str = proto.name or next(filter(None, self.outputs), "") or self.op
        self.loc = Loc(file, self.name)
        self._attributes = {attribute.name: attribute for attribute in proto.attribute}

    def __contains__(self, attribute: str) -> bool:
        return attribute in self._attributes

    @property
    def label(self) -> str:
        """A short name for the values that this node makes: its path without exporter noise."""
        parts = [part for part in self.name.split("/") if part and part not in _NOISE]
        kept = [
            part
            for part, following in zip(parts, [*parts[1:], ""], strict=False)
            if not following.startswith(part)
        ]
        named_by_module = self.op in _MAIN_OPERATORS and len(kept) > 1
        if named_by_module and re.fullmatch(rf"{self.op}(_\d+)?", kept[-1]):
            kept.pop()  # the module's name says more than the operator's
        return "_".join(kept or parts or [self.op])

    def has_input(self, index: int) -> bool:
        """Return whether the optional input number `index` is given."""
        return index < len(self.inputs) and bool(self.inputs[index])

    def _attribute(self, name: str, kind: AttributeProto.AttributeType, default: Any) -> Any:
        attribute = self._attributes.get(name)
        if attribute is None:
            return default
        words, field = _KINDS[kind]
        if attribute.type != kind:
            message = f"attribute {quote(name)} of {quote(self.op)} is not {words}"
            fail("F014", message, loc=self.loc)
        return getattr(attribute, field)

    def integer(self, name: str, default: int) -> int:
        """Return an integer attribute."""
        return int(self._attribute(name, AttributeProto.INT, default))

    def number(self, name: str, default: float) -> float:
        """Return a floating-point attribute."""
        return float(self._attribute(name, AttributeProto.FLOAT, default))

    def text(self, name: str, default: str) -> str:
        """Return a string attribute."""
        found = self._attribute(name, AttributeProto.STRING, default)
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return a list of integers, or None where the attribute is absent."""
        found = self._attribute(name, AttributeProto.INTS, None)
        return None if found is None else tuple(int(item) for item in found)

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """Return a list of numbers, or None where the attribute is absent."""
        found = self._attribute(name, AttributeProto.FLOATS, None)
        return None if found is None else tuple(float(item) for item in found)

    def tensor(self, name: str) -> Any:
        """Return a TensorProto attribute, or None where it is absent."""
        return self._attribute(name, AttributeProto.TENSOR, None)
