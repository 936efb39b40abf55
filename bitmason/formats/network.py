"""A float network as the search sees it: tensors that may get a format, and parts between products.

Invariant: the parts in their order are the network; a part begins with the product of a layer, and
its names are ours alone, whatever the file's are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import prod
from pathlib import Path
from typing import Final

import numpy as np
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from bitmason.diagnostics import Collector, CompileError, Diagnostic, Loc, fail, quote
from bitmason.formats.constants import constants_of
from bitmason.frontend.constants import MAX_ELEMENTS
from bitmason.frontend.loading import load
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.topology import arrange
from bitmason.ir.types import Array, Shape

STANDARD: Final = frozenset({"", "ai.onnx"})
_GRAPHS: Final = frozenset({AttributeProto.GRAPH, AttributeProto.GRAPHS})
# What leaves probabilities as they are.
_MOVES: Final = frozenset(
    {"Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Dropout", "Cast"}
)
_PRODUCTS: Final = frozenset({"Conv", "Gemm", "MatMul"})


class Kind(StrEnum):
    """What a tensor holds."""

    WEIGHTS = "weights"
    ACTIVATIONS = "activations"


@dataclass(frozen=True)
class Site:
    """A tensor that may get a format: weights, or what goes into products.

    `part` is the first part that reads it, `values` how many numbers it has, per frame.
    """

    kind: Kind
    tensor: str
    layer: str
    part: int
    values: int = 0


@dataclass(frozen=True)
class Product:
    """The product that a part begins with: its node, and the sites of its operands."""

    node: NodeProto
    data_index: int
    data: int
    weights: int


@dataclass(frozen=True)
class FloatNetwork:
    """A float network, read and checked.

    `nodes` are those that depend on the input, in their order; `starts` tells at which of them each
    part begins. `constants` are what they read besides, `weights` those of the sites.
    """

    file: str
    model: ModelProto
    data: bytes
    input: str
    output: str
    frame: Shape
    nodes: tuple[NodeProto, ...]
    starts: tuple[int, ...]
    products: tuple[Product, ...]
    sites: tuple[Site, ...]
    constants: Mapping[str, Array]

    @property
    def loc(self) -> Loc:
        """The file, in messages."""
        return Loc(self.file)

    @property
    def ends_in_softmax(self) -> bool:
        """Whether the answers are probabilities already."""
        makers = {name: node for node in self.nodes for name in node.output}
        last = makers[self.output]
        while last.op_type in _MOVES and last.input[0] in makers:
            last = makers[last.input[0]]
        return bool(last.op_type == "Softmax")

    def weights(self, site: int) -> Array:
        """Return the weights of a site."""
        return self.constants[self.sites[site].tensor]

    def sized(self, shapes: Mapping[str, Shape]) -> FloatNetwork:
        """Return the network with the numbers of each site, from the shapes of its frames."""
        sizes = {name: prod(shape) for name, shape in shapes.items()}
        sizes |= {name: array.size for name, array in self.constants.items()}
        sites = tuple(replace(site, values=sizes[site.tensor]) for site in self.sites)
        return replace(self, sites=sites)


def load_network(source: Path | bytes, name: str | None = None) -> FloatNetwork:
    """Read the ONNX file of a float network.

    Raises:
        CompileError: an F code when it is damaged, or no network that the search can run.
    """
    if isinstance(source, Path):
        # The name ends up in messages: one line of plain characters.
        name = name or quote(source.name, 96)[1:-1]
    loaded = load(source, name)
    model, file = loaded.model, loaded.file
    views = arrange(model.graph, file)
    protos = {output: node for node in model.graph.node for output in node.output if output}
    pairs = [(view, protos[next(filter(None, view.outputs))]) for view in views]
    _check_operators(pairs, model)
    given, output = _input(model, file), _output(model, file)
    dependent = _dependent(views, given.name)
    if output not in dependent:
        fail("F015", f"output {quote(output)} does not depend on the input", loc=Loc(file))
    live = [(view, node) for view, node in pairs if dependent & set(view.outputs)]
    constants = constants_of(model.graph, views, dependent)
    starts, products, sites = _products(live, dependent, constants)
    if not products:
        fail(
            "F023",
            "the network has no Conv, Gemm or MatMul with constant weights",
            loc=Loc(file),
            help="formats are chosen for the weights and inputs of such layers",
        )
    nodes = tuple(node for _, node in live)
    return FloatNetwork(
        file,
        model,
        loaded.data,
        given.name,
        output,
        _frame(given, file),
        nodes,
        tuple(starts),
        tuple(products),
        tuple(sites),
        constants,
    )


def _check_operators(pairs: Sequence[tuple[NodeView, NodeProto]], model: ModelProto) -> None:
    """Refuse what onnxruntime does not run as one node of standard ONNX."""
    errors = Collector()
    if model.functions:
        diagnostic = Diagnostic("F003", "functions of a model are not supported", pairs[0][0].loc)
        errors.add(CompileError([diagnostic]))
    for view, node in pairs:
        if view.domain not in STANDARD:
            message = f"operator {quote(view.op)} of {quote(view.domain)} is not of standard ONNX"
            help_line = "give the float network: the search chooses its formats"
            errors.add(CompileError([Diagnostic("F003", message, view.loc, (), help_line)]))
        elif any(attribute.type in _GRAPHS for attribute in node.attribute):
            message = f"operator {quote(view.op)} holds a graph of its own"
            errors.add(CompileError([Diagnostic("F014", message, view.loc)]))
    errors.raise_if_any()


def _input(model: ModelProto, file: str) -> ValueInfoProto:
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) > 1:
        names = ", ".join(quote(value.name) for value in inputs[:4])
        message = f"the model has {len(inputs)} inputs ({names}), one is supported"
        fail("F014", message, loc=Loc(file))
    if inputs[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        fail("F014", f"input {quote(inputs[0].name)} must be float32", loc=Loc(file))
    found: ValueInfoProto = inputs[0]
    return found


def _output(model: ModelProto, file: str) -> str:
    outputs = model.graph.output
    if len(outputs) > 1:
        names = ", ".join(quote(value.name) for value in outputs[:4])
        message = f"the model has {len(outputs)} outputs ({names}), the search takes classifiers"
        fail("F014", message, loc=Loc(file), help="keep the output that has one number per class")
    return str(outputs[0].name)


def _frame(value: ValueInfoProto, file: str) -> Shape:
    """Return the shape of one frame; the batch, in front, may be 1 or anything."""
    dims = value.type.tensor_type.shape.dim
    name = quote(value.name)
    if len(dims) < 2 or dims[0].dim_value > 1:
        found = [dim.dim_value or "?" for dim in dims]
        fail("F004", f"input {name} has shape {found}, not a batch of 1 in front", loc=Loc(file))
    for axis, dim in enumerate(dims):
        if axis and dim.dim_value <= 0:
            message = f"axis {axis} of input {name} is not a fixed size"
            fail("F004", message, loc=Loc(file), help="export with an example input of fixed shape")
    shape = tuple(int(dim.dim_value) for dim in dims)[1:]
    elements = prod(shape)
    if elements > MAX_ELEMENTS:
        message = f"input {name} has {elements} elements, at most {MAX_ELEMENTS} are supported"
        fail("F014", message, loc=Loc(file))
    return shape


def _dependent(views: Sequence[NodeView], given: str) -> set[str]:
    found = {given}
    for view in views:
        if found & set(view.inputs):
            found.update(filter(None, view.outputs))
    return found


def _products(
    live: Sequence[tuple[NodeView, NodeProto]],
    dependent: set[str],
    constants: Mapping[str, Array],
) -> tuple[list[int], list[Product], list[Site]]:
    """Return where the parts begin, their products, and the sites, in the order of their use."""
    starts: list[int] = []
    products: list[Product] = []
    sites: dict[tuple[Kind, str], int] = {}
    found: list[Site] = []
    for index, (view, node) in enumerate(live):
        data = _data_of(view, dependent, constants)
        if data is None:
            continue
        numbers = []
        tensors = ((Kind.ACTIVATIONS, view.inputs[data]), (Kind.WEIGHTS, view.inputs[1 - data]))
        for key in tensors:
            if key not in sites:
                sites[key] = len(found)
                found.append(Site(*key, view.label, len(products)))
            numbers.append(sites[key])
        starts.append(index)
        products.append(Product(node, data, *numbers))
    for site in found:
        if site.kind is Kind.WEIGHTS:
            _check_finite(site, constants[site.tensor], live[0][0].loc.file)
    return starts, products, found


def _data_of(view: NodeView, dependent: set[str], constants: Mapping[str, Array]) -> int | None:
    """Return which operand of a product with constant weights is the data; None for others."""
    if view.op not in _PRODUCTS or len(view.inputs) < 2:
        return None
    moving = [name in dependent for name in view.inputs[:2]]
    if moving.count(True) != 1 or (view.op == "Conv" and not moving[0]):
        return None
    data = moving.index(True)
    weights = constants[view.inputs[1 - data]]
    return data if weights.dtype.name == "float32" and weights.size else None


def _check_finite(site: Site, weights: Array, file: str) -> None:
    if not np.isfinite(weights).all():
        message = f"weights {quote(site.tensor)} hold NaN or infinity"
        fail("F005", message, loc=Loc(file, site.layer), help="train or calibrate again")
