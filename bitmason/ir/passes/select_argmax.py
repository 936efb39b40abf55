"""Add the choice of a label to a network that ends in one real value per class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bitmason.diagnostics import fail
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.rewrite import Pass
from bitmason.ir.types import Real


@dataclass(frozen=True)
class SelectArgmax(Pass):
    """With `wanted`, let the network end in ArgMax over its last axis.

    Before: return %logits          After: %label = arg_max(%logits); return %label
    """

    name: ClassVar[str] = "select-argmax"
    wanted: bool | None = True

    def run(self, graph: Graph) -> Graph:
        if not self.wanted or any(isinstance(node.op, ArgMax) for node in graph.nodes):
            return graph
        (output, *rest) = graph.outputs
        value = graph[output]
        if rest or not isinstance(value.type.elem, Real) or not value.type.shape:
            fail(
                "C001",
                "argmax = true needs a network with one real-valued output per class",
                loc=value.loc,
                help="remove argmax from the configuration",
            )
        op = ArgMax()
        label = Node(f"{output}_label", op, (output,), op.infer([value.type]), value.loc)
        return graph.with_nodes((*graph.nodes, label), (label.name,))
