"""From an ONNX file to a graph of the intermediate representation.

Invariant: whatever the file holds, the import ends with a verified graph or with diagnostics, all
those of one stage together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

import bitmason.frontend.nodes  # noqa: F401  registers every importer
from bitmason.diagnostics import CompileError, Loc, fail, quote
from bitmason.frontend import images, layout
from bitmason.frontend.constants import MAX_ELEMENTS
from bitmason.frontend.context import Context
from bitmason.frontend.loading import load
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.tensors import to_constant
from bitmason.frontend.topology import arrange
from bitmason.frontend.values import Activation, Codes, Constant, Poison, Quantised
from bitmason.ir import Builder, Const, Graph, IntType, Real, TensorType, verify
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.types import Array, Shape

_EXPORT_FIXED = "export with an example input of batch 1 and without dynamic_axes or dynamic_shapes"


@dataclass(frozen=True)
class Imported:
    """A network as the compiler works on it, beside the model it came from.

    `model` is the file with all its data inside; `tensors` leads from every quantiser and every
    output of `graph` to the ONNX tensor that holds its real-valued result. `layouts` names the
    axes of those values in the order in which the file has them, where it is another order than
    the graph's; there the file may also merge neighbours and leave out axes of length 1.
    """

    graph: Graph
    model: bytes
    tensors: Mapping[str, str]
    layouts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def from_file(self, name: str, frames: Array) -> Array:
        """Return frames of the tensor `tensors[name]` as the graph has those of value `name`."""
        shape = self.graph[name].type.shape
        order = self.layouts.get(name, tuple(range(len(shape))))
        split = frames.reshape(len(frames), *(shape[axis] for axis in order))
        return split.transpose(0, *(1 + np.argsort(order)))

    def to_file(self, name: str, frames: Array) -> Array:
        """Return frames of value `name` with their elements in the order of `tensors[name]`."""
        rank = len(self.graph[name].type.shape)
        order = self.layouts.get(name, tuple(range(rank)))
        return frames.transpose(0, *(1 + axis for axis in order))


def import_model(
    path: Path | bytes,
    name: str | None = None,
    *,
    declared_input: tuple[IntType, Fraction] | None = None,
) -> Imported:
    """Import a QONNX or QCDQ model.

    Args:
        path: the file, or its bytes.
        name: what messages call the file; by default its own name.
        declared_input: type and scale of the integers that the model's input stands for, where
            the model has no quantiser there or the hardware shall take these very integers.

    Raises:
        CompileError: the model is damaged, unsafe or not supported.
    """
    loaded = load(path, name)
    model, file = loaded.model, loaded.file
    nodes = arrange(model.graph, file)
    builder = Builder(Path(file).stem)
    ctx = Context(builder, _opset(model))
    ctx.has_images = any(node.op in images.OPERATORS for node in nodes)
    used = {name for node in nodes for name in node.inputs}
    used |= {value.name for value in model.graph.output}
    _bind_constants(model.graph, used, ctx, file)
    _bind_input(model.graph, ctx, builder, file)
    if ctx.has_images:
        _put_channels_last(model.graph, nodes, ctx, file)
    if declared_input is not None:
        _declare_input(model.graph, ctx, file, *declared_input)
    for node in nodes:
        ctx.run(node)
    ctx.finish_errors()
    outputs = _outputs(model.graph, ctx, file)
    graph = _without_dead(builder.finish(list(outputs)))
    verify(graph)
    tensors = {name: tensor for name, tensor in ctx.tensors.items() if name in graph} | outputs
    layouts = {name: order for name, order in ctx.layouts.items() if tensors.get(name)}
    return Imported(graph, loaded.data, MappingProxyType(tensors), MappingProxyType(layouts))


def _opset(model: ModelProto) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    return max(versions, default=1)


def _bind_constants(graph: GraphProto, used: set[str], ctx: Context, file: str) -> None:
    for tensor in graph.initializer:
        if tensor.name not in used:
            continue
        try:
            ctx.values[tensor.name] = to_constant(tensor, Loc(file, tensor.name))
        except CompileError as error:
            ctx.errors.add(error)
            ctx.values[tensor.name] = Poison()


def _bind_input(graph: GraphProto, ctx: Context, builder: Builder, file: str) -> None:
    """Make the one real input of the graph; initialisers may stand among the inputs too."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    ctx.values.update({value.name: Poison() for value in inputs})
    try:
        if len(inputs) > 1:
            names = ", ".join(quote(value.name) for value in inputs[:4])
            message = f"the model has {len(inputs)} inputs ({names}), one is supported"
            fail("F014", message, loc=Loc(file))
        loc = Loc(file, inputs[0].name)
        type_ = TensorType(_frame(inputs[0], loc), Real())
        ctx.values[inputs[0].name] = Activation(builder.input(inputs[0].name, type_, loc))
    except CompileError as error:
        ctx.errors.add(error)


def _put_channels_last(
    graph: GraphProto, nodes: Sequence[NodeView], ctx: Context, file: str
) -> None:
    """Let the input lie as its first image operator reads it, once and in front of everything."""
    for value in graph.input:
        found = ctx.values.get(value.name)
        if not isinstance(found, Activation):
            continue
        rank = len(ctx.frame(found))
        if rank in {2, 3}:
            order = images.order_of_input(nodes, ctx, value.name, ctx.frame(found))
            place = _border(value.name, file)
            ctx.values[value.name] = layout.arrange(place, ctx, found, order, units=3 - rank)


def _declare_input(
    graph: GraphProto, ctx: Context, file: str, elem: IntType, scale: Fraction
) -> None:
    """Let the network start from integers: its input is `scale` times one of type `elem`."""
    for value in graph.input:
        found = ctx.values.get(value.name)
        if isinstance(found, Activation):
            loc = Loc(file, value.name)
            step, zero = Const(np.float64(float(scale))), Const(np.float64(0))
            codes = ctx.emit(Quantise(step, zero, elem), [found], loc, f"{value.name}_codes")
            made = ctx.emit(Dequantise((scale,)), [codes], loc, f"{value.name}_real")
            ctx.values[value.name] = made


def _border(tensor: str, file: str) -> NodeView:
    """Return what stands for a node where an input or output changes its layout."""
    return NodeView(NodeProto(op_type="Transpose", name=tensor), file)


def _frame(value: ValueInfoProto, loc: Loc) -> Shape:
    tensor = value.type.tensor_type
    if tensor.elem_type not in (TensorProto.FLOAT, TensorProto.DOUBLE):
        fail("F014", f"input {quote(value.name)} must be float32 or float64", loc=loc)
    if not tensor.HasField("shape"):
        fail("F004", f"input {quote(value.name)} has no shape", loc=loc, help=_EXPORT_FIXED)
    for axis, dim in enumerate(tensor.shape.dim):
        if dim.dim_value <= 0:
            size = quote(dim.dim_param) if dim.dim_param else str(dim.dim_value or "unknown")
            message = f"axis {axis} of input {quote(value.name)} is {size}, not a fixed size"
            fail("F004", message, loc=loc, help=_EXPORT_FIXED)
    shape = tuple(dim.dim_value for dim in tensor.shape.dim)
    if len(shape) < 2 or shape[0] != 1:
        message = f"input {quote(value.name)} has shape {list(shape)}, not a batch of 1 in front"
        fail("F004", message, loc=loc, help=_EXPORT_FIXED)
    elements = TensorType(shape, Real()).size
    if elements > MAX_ELEMENTS:
        found = f"input {quote(value.name)} has {elements} elements"
        fail("F014", f"{found}, at most {MAX_ELEMENTS} are supported", loc=loc)
    return shape[1:]


def _outputs(graph: GraphProto, ctx: Context, file: str) -> dict[str, str]:
    """Return the IR values that the graph returns, each with its ONNX tensor.

    Constants beside them are left out: a module that ends in a Brevitas QuantTensor also returns
    its scale, zero point and bit width.
    """
    found: dict[str, str] = {}
    computed = [o for o in graph.output if not isinstance(ctx.values[o.name], Constant | Quantised)]
    for output in computed or graph.output:
        value, loc = ctx.values[output.name], Loc(file, output.name)
        if isinstance(value, Codes):
            message = f"output {quote(output.name)} is the result of QuantizeLinear"
            fail("F014", message, loc=loc, help="end the model with DequantizeLinear")
        if not isinstance(value, Activation) or ctx.maker(value) is None:
            message = f"output {quote(output.name)} does not depend on any layer"
            fail("F015", message, loc=loc, help="compile a model that has at least one layer")
        plain = layout.as_output(_border(output.name, file), ctx, value)
        found[plain.name] = output.name
    return found


def _without_dead(graph: Graph) -> Graph:
    live = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.name in live:
            live.update(node.operands)
    return graph.with_nodes(node for node in graph.nodes if node.name in live)
