"""Operators of bitmason's own in ONNX files, as the QONNX executor runs them.

qonnx imports this module when it meets the domain `bitmason.onnx_ops`.
Invariant: an operator computes what its op in `bitmason.ir` does, in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.base import CustomOp

from bitmason.ir.custom_float import CustomFloat as Format
from bitmason.ir.rounding import rounding_named

__all__ = ["DOMAIN", "VERSION", "CustomFloat"]

DOMAIN, VERSION = __name__, 1


class CustomFloat(CustomOp):  # type: ignore[misc]  # qonnx has no types
    """Round every element to a number of a custom floating-point format.

    Attributes: `e_bits`, `m_bits`, `bias`; `full`, 1 where the all-ones exponent is used too;
    `rounding`, "DOWN" (truncation) or "ROUND" (nearest, ties to even).
    """

    def get_nodeattr_types(self) -> dict[str, tuple[Any, ...]]:
        """Return kind, whether it is required, and default of each attribute."""
        return {
            "e_bits": ("i", True, 0),
            "m_bits": ("i", True, 0),
            "bias": ("i", True, 0),
            "full": ("i", False, 0),
            "rounding": ("s", False, "DOWN"),
        }

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Compute the result from the operand in `context`."""
        e_bits, m_bits, bias = (self.get_nodeattr(name) for name in ("e_bits", "m_bits", "bias"))
        format_ = Format(e_bits, m_bits, bias, full=bool(self.get_nodeattr("full")))
        rounding = self.get_nodeattr("rounding")
        rounding = rounding_named(rounding) or rounding
        codes = format_.encode(context[self.onnx_node.input[0]], rounding)
        context[self.onnx_node.output[0]] = format_.decode(codes).astype(np.float32)

    def make_shape_compatible_op(self, model: ModelWrapper) -> NodeProto:
        """Return a standard operator whose result has the same shape."""
        node = self.onnx_node
        return helper.make_node("Cast", node.input, node.output, to=TensorProto.FLOAT)

    def infer_node_datatype(self, model: ModelWrapper) -> None:
        """Note that the result is real."""
        model.set_tensor_datatype(self.onnx_node.output[0], DataType["FLOAT32"])

    def verify_node(self) -> list[str]:
        """Return what is wrong with the node: nothing that the importer would not say."""
        return []
