"""The intermediate representation: types, graphs, ops with their meaning, passes.

Invariant: knows no file format and no template; needs NumPy only.
"""

from bitmason.ir.constant import Const
from bitmason.ir.graph import Builder, Folding, Graph, Input, Node, Op, Value
from bitmason.ir.text import parse_graph, print_graph
from bitmason.ir.types import Bipolar, Int, IntType, Real, TensorType, UInt, int_type
from bitmason.ir.verify import verify

__all__ = [
    "Bipolar",
    "Builder",
    "Const",
    "Folding",
    "Graph",
    "Input",
    "Int",
    "IntType",
    "Node",
    "Op",
    "Real",
    "TensorType",
    "UInt",
    "Value",
    "int_type",
    "parse_graph",
    "print_graph",
    "verify",
]
