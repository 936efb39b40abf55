# SPDX-License-Identifier: Apache-2.0
"""Stores the quantised weights of a QONNX file as 8-bit integers, a quarter of their size.

The quantisers stay in the graph and see, after a Cast and a Mul by the scale, numbers on their own
grid, so every tensor behind them is the same bit for bit.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.quant import quant

QUANTISERS = ("Quant", "BipolarQuant")
SMALLEST = 128  # of fewer weights the added nodes are larger than what they save

Constants = dict[str, NDArray[np.float32]]


def constants_of(model: ModelProto) -> Constants:
    """The initialisers and the outputs of the Constant nodes by name."""
    constants = {init.name: numpy_helper.to_array(init) for init in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return constants


def quantised(node: NodeProto, constants: Constants) -> NDArray[np.float32]:
    """What the quantiser `node` makes of its constant input."""
    x, scale, *rest = (constants[name] for name in node.input)
    if node.op_type == "BipolarQuant":
        return np.asarray(binary_quant(x, scale), dtype=np.float32)
    found = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    mode = found.get("rounding_mode", b"ROUND").decode()
    values = quant(x, scale, *rest, found["signed"], found["narrow"], mode)
    return np.asarray(values, dtype=np.float32)


def codes_of(node: NodeProto, constants: Constants) -> NDArray[np.int8] | None:
    """The weights of `node` in units of its scale, or None where eight bits cannot hold them."""
    scale = constants[node.input[1]]
    values = quantised(node, constants)
    codes: NDArray[np.float32] = np.rint(values / scale)
    if np.abs(codes).max() > 127:
        return None
    on_grid = {**constants, node.input[0]: codes * scale}
    if not np.array_equal(quantised(node, on_grid), values):
        return None
    return codes.astype(np.int8)


def decoding(node: NodeProto, scale: NDArray[np.float32]) -> Iterator[NodeProto]:
    """The nodes that turn the codes of `node`'s weights into its input again."""
    weights = node.input[0]
    cast, grid = f"{weights}.cast", f"{weights}.grid"
    yield helper.make_node("Cast", [f"{weights}.codes"], [cast], cast, to=TensorProto.FLOAT)
    if np.all(scale == 1):
        node.input[0] = cast
        return
    yield helper.make_node("Mul", [cast, node.input[1]], [grid], grid)
    node.input[0] = grid


def compact(model: ModelProto) -> ModelProto:
    """A copy of `model` that keeps its quantised weights as 8-bit integers."""
    copy = ModelProto()
    copy.CopyFrom(model)
    constants = constants_of(copy)
    initialisers = {init.name: init for init in copy.graph.initializer}
    nodes: list[NodeProto] = []
    for node in copy.graph.node:
        weights = initialisers.get(node.input[0]) if node.op_type in QUANTISERS else None
        if weights is not None and constants[weights.name].size >= SMALLEST:
            codes = codes_of(node, constants)
            if codes is not None:
                nodes.extend(decoding(node, constants[node.input[1]]))
                weights.CopyFrom(numpy_helper.from_array(codes, f"{weights.name}.codes"))
        nodes.append(node)
    constant = [node for node in nodes if node.op_type == "Constant"]
    del copy.graph.node[:]
    copy.graph.node.extend(constant + [node for node in nodes if node.op_type != "Constant"])
    return copy


def compact_file(path: Path) -> None:
    """Compacts the weights of the file at `path` in place."""
    onnx.save(compact(onnx.load(path)), path)
