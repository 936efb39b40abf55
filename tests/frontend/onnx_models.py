"""Build small ONNX models and run them with the QONNX executor.

Invariant: a model made here is what an exporter would write; damaged ones are made from its bytes.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from bitmason.diagnostics import CompileError
from bitmason.frontend import Imported, import_model
from bitmason.ir import Graph
from bitmason.ir.interp import run
from bitmason.ir.types import Array

QONNX = "qonnx.custom_op.general"
CUSTOM = ("Quant", "BipolarQuant", "IntQuant", "Trunc", "FloatQuant", "MultiThreshold")
OWN = {"CustomFloat": "bitmason.onnx_ops"}
# qonnx makes one-node models of the newest format, which onnxruntime does not read yet.
_READABLE_FORMAT = 10


class Net:
    """Grows a model with one input called `x`, node by node."""

    def __init__(self, *shape: int, opset: int = 14) -> None:
        self.shape = shape
        self.opset = opset
        self.nodes: list[Any] = []
        self.initialisers: list[TensorProto] = []

    def const(self, array: Any, name: str = "") -> str:
        """Add an initialiser; Python numbers become float32."""
        array = np.asarray(array)
        if array.dtype.kind == "f" and not isinstance(
            array.flat[0] if array.size else 0, np.floating
        ):
            array = array.astype(np.float32)
        name = name or f"c{len(self.initialisers)}"
        self.initialisers.append(numpy_helper.from_array(array, name))
        return name

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add a node and return the name of its first result."""
        names = [f"t{len(self.nodes)}" + "b" * i for i in range(outputs)]
        domain = attributes.pop("domain", OWN.get(op, QONNX if op in CUSTOM else ""))
        name = attributes.pop("name", f"n{len(self.nodes)}")
        self.nodes.append(
            helper.make_node(op, list(inputs), names, name=name, domain=domain, **attributes)
        )
        return names[0]

    def quant(
        self, x: str, scale: Any = 0.5, zero_point: Any = 0.0, bits: Any = 4.0, **attributes: Any
    ) -> str:
        """Add a Quant; signed, not narrow, ROUND unless said otherwise."""
        given = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes}
        parameters = [self.const(f32(value)) for value in (scale, zero_point, bits)]
        return self.node("Quant", x, *parameters, **given)

    def float_quant(
        self,
        x: str,
        e_bits: Any = 4.0,
        m_bits: Any = 3.0,
        bias: Any = 7.0,
        largest: Any = 448.0,
        scale: Any = 1.0,
        **attributes: Any,
    ) -> str:
        """Add a FloatQuant as Brevitas writes it, E4M3 of the OCP unless said otherwise."""
        given = {"has_inf": 0, "has_nan": 1, "has_subnormal": 1, "saturation": 1, **attributes}
        mode = given.pop("rounding_mode", "ROUND")
        parameters = [self.const(f32(v)) for v in (scale, e_bits, m_bits, bias, largest)]
        return self.node("FloatQuant", x, *parameters, rounding_mode=mode, **given)

    def model(self, *outputs: str, elem: int = TensorProto.FLOAT) -> ModelProto:
        """Return the model; the last node's result is its output unless others are named."""
        names = outputs or (self.nodes[-1].output[0],)
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(name, elem, None) for name in names],
            self.initialisers,
        )
        domains = [QONNX, *sorted({n.domain for n in self.nodes} & {*OWN.values()})]
        opsets = [helper.make_opsetid("", self.opset)]
        opsets += [helper.make_opsetid(domain, 1) for domain in domains]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def f32(value: Any) -> Array:
    return np.asarray(value, dtype=np.float32)


def dense_net(**quant: Any) -> tuple[Net, str]:
    """Return a net `quant -> MatMul` with 4 inputs and 3 outputs, and its result."""
    net = Net(1, 4)
    weights = net.quant(net.const(weights_of(4, 3), "w"), 0.25, bits=4.0, narrow=1)
    return net, net.node("MatMul", net.quant("x", **quant), weights)


def weights_of(rows: int, columns: int, seed: int = 0, scale: float = 0.25) -> Array:
    return f32(np.random.default_rng(seed).integers(-7, 8, (rows, columns)) * scale)


def on_grid(frames: int, *shape: int, seed: int = 1) -> Array:
    """Return inputs that are multiples of 1/16, so that many fall on rounding ties."""
    return f32(np.random.default_rng(seed).integers(-160, 160, (frames, *shape)) / 16)


def imported(model: ModelProto, name: str = "net.onnx") -> Imported:
    return import_model(model.SerializeToString(), name)


def names_of(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def golden(model: ModelProto, x: Array) -> list[Array]:
    """Return the outputs of the imported graph."""
    graph = imported(model).graph
    with np.errstate(all="ignore"):
        return list(run(graph, {graph.inputs[0].name: x}))


def executor(model: ModelProto, x: Array, graph_input: str = "x") -> list[Array]:
    """Return the outputs of the QONNX executor, frame by frame."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.ir_version = 8
    with mock.patch.object(onnx, "IR_VERSION", _READABLE_FORMAT), np.errstate(all="ignore"):
        wrapper = ModelWrapper(copy).transform(InferShapes())
        frames = [execute_onnx(wrapper, {graph_input: frame[np.newaxis]}) for frame in x]
    return [np.concatenate([frame[o.name] for frame in frames]) for o in model.graph.output]


def assert_equal_to_executor(model: ModelProto, x: Array) -> None:
    """Claim: the imported graph computes what the executor does, bit for bit."""
    for ours, theirs in zip(golden(model, x), executor(model, x), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours.astype(theirs.dtype), theirs)


def diagnostic(model: ModelProto | bytes) -> str:
    """Return the text of the diagnostics that importing `model` ends in."""
    data = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(CompileError) as caught:
        import_model(data, "net.onnx")
    return str(caught.value)
