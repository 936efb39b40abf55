"""Tensors of a network that do not depend on its input, computed once.

Invariant: nothing larger than what the importers fold is ever made.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from onnx import GraphProto, TensorProto

from bitmason.diagnostics import Loc, fail, quote
from bitmason.frontend.constants import fold
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.tensors import to_constant
from bitmason.ir.types import Array

Constants = dict[str, Array]


def constants_of(
    graph: GraphProto, nodes: Sequence[NodeView], dependent: Collection[str]
) -> Constants:
    """Return every tensor that `nodes` read and that does not depend on the input.

    Args:
        graph: the graph with its initialisers.
        nodes: the live nodes, in order.
        dependent: the tensors that depend on the input.

    Raises:
        CompileError: F001 or F014 for constants that cannot be read or computed.
    """
    read = {name for node in nodes for name in node.inputs}
    file = nodes[0].loc.file
    found = {
        tensor.name: _as_stored(tensor, Loc(file, tensor.name))
        for tensor in graph.initializer
        if tensor.name in read
    }
    for node in nodes:
        if not any(name in dependent for name in node.outputs):
            found[node.outputs[0]] = _computed(node, found)
    return found


def _computed(node: NodeView, known: Constants) -> Array:
    if node.op == "Constant":
        return _stored(node)
    operands = [known[name] for name in node.inputs if name]
    try:
        if node.op == "Identity":
            return operands[0]
        if node.op == "Transpose":
            return np.transpose(operands[0], node.integers("perm"))
        folded = fold(node, operands)
    except (ValueError, TypeError, IndexError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        fail("F014", f"{node.op} on constants cannot be computed: {reason}", loc=node.loc)
    if folded is None:
        message = f"{quote(node.op)} on constants is not supported"
        fail("F014", message, loc=node.loc, help="fold the constants of the model, as exporters do")
    floats = {operand.dtype for operand in operands if operand.dtype.kind == "f"}
    if node.op != "Cast" and floats == {np.dtype(np.float16)} and folded.array.dtype == np.float32:
        return folded.array.astype(np.float16)  # what was widened has been a float16
    return folded.array


def _as_stored(tensor: TensorProto, loc: Loc) -> Array:
    """Return a tensor of the file's own type: onnxruntime mixes no widths of floats."""
    if tensor.data_type == TensorProto.BFLOAT16:
        fail(
            "F014",
            f"tensor {quote(tensor.name)} is bfloat16, which the search cannot run",
            loc=loc,
            help="export the network with float32 weights",
        )
    array = to_constant(tensor, loc).array
    return array.astype(np.float16) if tensor.data_type == TensorProto.FLOAT16 else array


def _stored(node: NodeView) -> Array:
    if "value" in node:
        return _as_stored(node.tensor("value"), node.loc)
    if "value_float" in node:
        return np.asarray(node.number("value_float", 0.0), np.float32)
    if "value_int" in node:
        return np.asarray(node.integer("value_int", 0), np.int64)
    if "value_floats" in node:
        return np.asarray(node.numbers("value_floats"), np.float32)
    if "value_ints" in node:
        return np.asarray(node.integers("value_ints"), np.int64)
    fail("F014", "a constant that is neither a tensor nor numbers", loc=node.loc)
