"""A network with its formats as an ONNX file: a CustomFloat node for each tensor that has one.

Invariant: nothing else of the model changes.
"""

from __future__ import annotations

from onnx import ModelProto, NodeProto, helper

from bitmason.formats.evaluation import Assignment
from bitmason.formats.network import FloatNetwork
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.rounding import Rounding
from bitmason.onnx_ops import DOMAIN, VERSION


def with_formats(network: FloatNetwork, formats: Assignment, rounding: Rounding) -> bytes:
    """Return the model with formats: each product reads what a CustomFloat node makes."""
    model = ModelProto()
    model.CopyFrom(network.model)
    others = [opset for opset in model.opset_import if opset.domain != DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(others)
    model.opset_import.append(helper.make_opsetid(DOMAIN, VERSION))
    used = _names(model)
    made: dict[int, NodeProto] = {}
    nodes: list[NodeProto] = []
    products = {product.node.output[0]: product for product in network.products}
    for node in model.graph.node:
        product = products.get(node.output[0] if node.output else "")
        if product is not None:
            places = (product.data_index, 1 - product.data_index)
            for place, site in zip(places, (product.data, product.weights), strict=True):
                form = formats[site]
                if form is not None and site not in made:
                    made[site] = _node(node.input[place], form, rounding, used)
                    nodes.append(made[site])
                if form is not None:
                    node.input[place] = made[site].output[0]
        nodes.append(node)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    data: bytes = model.SerializeToString()
    return data


def _names(model: ModelProto) -> set[str]:
    graph = model.graph
    found = {name for node in graph.node for name in (node.name, *node.input, *node.output)}
    values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    return found | {value.name for value in values}


def _node(tensor: str, form: CustomFloat, rounding: Rounding, used: set[str]) -> NodeProto:
    name = f"{tensor}_custom_float"
    while name in used:
        name += "_"
    used.add(name)
    node: NodeProto = helper.make_node(
        "CustomFloat",
        [tensor],
        [name],
        name,
        domain=DOMAIN,
        e_bits=form.e_bits,
        m_bits=form.m_bits,
        bias=form.bias,
        rounding=rounding,
    )
    return node
