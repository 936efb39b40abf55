"""Writes nodes and constants of a QONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from hw_tests.bench.networks.quantiser import Quantiser

Array = npt.NDArray[Any]
DOMAIN = "qonnx.custom_op.general"
CHANNELS_LAST = "qonnx.custom_op.channels_last"


class Writer:
    """Collects nodes and initialisers; `version` is that of QONNX's operators."""

    def __init__(self, seed: int, version: int = 2) -> None:
        self.version = version
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shapes: dict[str, Any] = {}

    def constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        """Add an initialiser and return its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def node(self, op: str, inputs: Sequence[str], out: str, domain: str = "", **attrs: Any) -> str:
        """Add a node with one result and return its name."""
        self.nodes.append(helper.make_node(op, inputs, [out], name=out, domain=domain, **attrs))
        return out

    def note_shape(self, name: str, shape: Sequence[int]) -> None:
        """Note the shape of a tensor, which qonnx's shape inference needs for its own operators."""
        self.shapes[name] = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def split(self, x: str, sizes: str, parts: Sequence[str]) -> None:
        """Add a Split along the channels."""
        self.nodes.append(helper.make_node("Split", [x, sizes], parts, name=parts[0], axis=1))

    def quantise(self, x: str, out: str, quantiser: Quantiser, scale: Array) -> str:
        """Add a quantiser and return the name of its result."""
        s = self.constant(f"{out}_scale", scale)
        if quantiser.bipolar:
            return self.node("BipolarQuant", [x, s], out, DOMAIN)
        zero = self.constant(f"{out}_zero", np.float32(quantiser.zero_point))
        bits = self.constant(f"{out}_bits", np.float32(quantiser.bits))
        return self.node(
            "Quant", [x, s, zero, bits], out, DOMAIN,
            signed=int(quantiser.signed), narrow=int(quantiser.narrow),
            rounding_mode=quantiser.rounding,
        )  # fmt: skip

    def model(
        self, name: str, shape: Sequence[int], outputs: Sequence[tuple[str, int, Sequence[int]]]
    ) -> bytes:
        """Return the file; `outputs` are names, element types and shapes."""
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(*output) for output in outputs],
            self.constants,
            value_info=list(self.shapes.values()),
        )
        opsets = [helper.make_opsetid("", 14), helper.make_opsetid(DOMAIN, self.version)]
        if any(node.domain == CHANNELS_LAST for node in self.nodes):
            opsets.append(helper.make_opsetid(CHANNELS_LAST, 14))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return bytes(model.SerializeToString())


def quantised(x: Array, quantiser: Quantiser, scale: Array) -> Array:
    """Return roughly what the quantiser gives: enough to choose the scales behind it."""
    if quantiser.bipolar:
        return np.where(x >= 0, scale, -scale)
    zero = quantiser.zero_point
    return (np.clip(np.round(x / scale + zero), quantiser.lo, quantiser.hi) - zero) * scale
