"""Rewrite a graph into another: one walk in order, dead nodes dropped.

Invariant: a rewrite never changes its argument, and returns that same object when nothing changed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from bitmason.diagnostics import Loc
from bitmason.ir.graph import Graph, Input, Node, Op
from bitmason.ir.types import TensorType

PASSES: dict[str, type[Pass]] = {}


@dataclass(frozen=True)
class Pass(ABC):
    """One step of a pipeline: a pure function of a graph. Its options are its fields."""

    name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        assert cls.name not in PASSES, f"two passes are called {cls.name}"
        PASSES[cls.name] = cls

    @abstractmethod
    def run(self, graph: Graph) -> Graph:
        """Return the rewritten graph; the same object means that nothing changed.

        Raises:
            CompileError: when the user's network cannot be built.
        """


class Rewriter:
    """The graph under construction during a rewrite."""

    def __init__(self, graph: Graph) -> None:
        """Start with the inputs of `graph`, the graph that is being read."""
        self.graph = graph
        self._nodes: dict[str, Node] = {}
        self._inputs: dict[str, Input] = {value.name: value for value in graph.inputs}
        self._renamed: dict[str, str] = {}
        self._wanted: dict[str, str] = {}

    def now(self, old: str) -> str:
        """Return the name that the old graph's value has in the new one."""
        return self._renamed.get(old, old)

    def type_of(self, new: str) -> TensorType:
        """Return the type of a value of the new graph."""
        return self._inputs[new].type if new in self._inputs else self._nodes[new].type

    def add(self, op: Op, operands: tuple[str, ...], loc: Loc, wanted: str) -> str:
        """Add a node over values of the new graph and return its name, `wanted` if free."""
        type_ = op.infer([self.type_of(operand) for operand in operands])
        name, count = wanted, 1
        while name in self._nodes or name in self._inputs:
            count += 1
            name = f"{wanted}_{count}"
        self._nodes[name] = Node(name, op, operands, type_, loc)
        self._wanted[name] = wanted
        return name

    def replace(self, old: str, new: str) -> None:
        """Let every later reader of `old` read `new`."""
        self._renamed[old] = new

    def copy(self, node: Node) -> None:
        """Keep `node`, reading the new values of its operands."""
        operands = tuple(self.now(operand) for operand in node.operands)
        new = self.add(node.op, operands, node.loc, node.name)
        self._nodes[new] = replace(self._nodes[new], folding=node.folding)
        self.replace(node.name, new)

    def finish(self) -> Graph:
        """Return the new graph without dead nodes, or the old one if they are equal."""
        outputs = tuple(self.now(output) for output in self.graph.outputs)
        alive = drop_dead(self.graph.with_nodes(self._nodes.values(), outputs))
        made = self._with_wanted_names(alive)
        return self.graph if made == self.graph else made

    def _with_wanted_names(self, graph: Graph) -> Graph:
        """Give every node the name it was wanted by, now that dead nodes hold none of them."""
        final = {value.name: value.name for value in graph.inputs}
        taken = {node.name for node in graph.nodes if self._wanted[node.name] == node.name}
        for node in graph.nodes:
            wanted = self._wanted[node.name]
            final[node.name] = node.name if wanted in taken or wanted in self._inputs else wanted
            taken.add(final[node.name])
        nodes = [
            replace(node, name=final[node.name], operands=tuple(final[o] for o in node.operands))
            for node in graph.nodes
        ]
        return graph.with_nodes(nodes, [final[output] for output in graph.outputs])


Visit = Callable[[Rewriter, Node], str | None]


def rewrite(graph: Graph, visit: Visit) -> Graph:
    """Walk `graph` in order; where `visit` returns a new value, it stands for the node's result."""
    rewriter = Rewriter(graph)
    for node in graph.nodes:
        made = visit(rewriter, node)
        if made is None:
            rewriter.copy(node)
        else:
            rewriter.replace(node.name, made)
    return rewriter.finish()


def drop_dead(graph: Graph) -> Graph:
    """Return `graph` without the nodes that no output depends on."""
    alive = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.name in alive:
            kept.append(node)
            alive.update(node.operands)
    return graph if len(kept) == len(graph.nodes) else graph.with_nodes(reversed(kept))
