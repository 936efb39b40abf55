"""Check that a graph is well-formed. Passes may rely on it before and must keep it after.

Invariant: a failure here is a bug of ours, so it is an assertion, never a diagnostic.
"""

from __future__ import annotations

from bitmason.diagnostics import CompileError
from bitmason.ir.graph import IDENTIFIER, Graph, Node, Value
from bitmason.ir.types import TensorType


def verify(graph: Graph) -> None:
    """Assert names, order, types and outputs of `graph`."""
    assert IDENTIFIER.match(graph.name), f"{graph.name!r} is not an identifier"
    seen: set[str] = set()
    values: list[Value] = [*graph.inputs, *graph.nodes]
    for value in values:
        assert IDENTIFIER.match(value.name), f"{value.name!r} is not an identifier"
        assert value.name not in seen, f"%{value.name} is defined twice"
        if isinstance(value, Node):
            _verify_node(graph, value, seen)
        seen.add(value.name)
    assert graph.outputs, "a graph without outputs"
    for output in graph.outputs:
        assert output in seen, f"output %{output} is not defined"


def _verify_node(graph: Graph, node: Node, seen: set[str]) -> None:
    for operand in node.operands:
        assert operand in seen, f"%{node.name} reads %{operand} before it is defined"
    found, taken = len(node.operands), node.op.arity or "2 or more"
    assert node.op.takes(found), f"%{node.name} has {found} operands, {node.op.name} takes {taken}"
    inferred = _infer(graph, node)
    assert inferred == node.type, f"%{node.name} is {node.type}, its op infers {inferred}"


def _infer(graph: Graph, node: Node) -> TensorType:
    try:
        return node.op.infer(graph.operand_types(node))
    except CompileError as error:
        raise AssertionError(f"%{node.name}: {error}") from error
