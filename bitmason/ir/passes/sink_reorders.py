"""Let permutations vanish in the constants of later layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from bitmason.diagnostics import Loc
from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node, Op
from bitmason.ir.ops.arrange import Reorder
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.permutation import is_identity, smallest_block, transposition
from bitmason.ir.rewrite import Pass, Rewriter
from bitmason.ir.sinking import Moved, sink
from bitmason.ir.types import IntArray, Real, Shape

_MOVES = (Reorder, Reshape, Transpose)


@dataclass(frozen=True)
class SinkReorders(Pass):
    """Move permutations of integers below the layers that follow, into weights and rows of steps.

    Before: %t = transpose(%x); %f = reshape(%t); %y = dense(%f, w)
    After:  %f = reshape(%x); %y = dense(%f, w with its columns permuted)
    A permutation that nothing absorbs becomes one `reorder` of the smallest block that it repeats,
    in front of the first layer that would have to carry more elements of it; one that moves
    nothing becomes a reshape. What only real numbers or the outputs read stays for the host.
    """

    name: ClassVar[str] = "sink-reorders"

    def run(self, graph: Graph) -> Graph:
        barred: frozenset[str] = frozenset()
        while True:
            walk = _Walk(graph, barred)
            made = walk.run()
            if walk.blamed <= barred:
                return made
            barred |= walk.blamed


@dataclass(frozen=True, eq=False)
class _Pending:
    """A value of the old graph as a permutation of one, `stored`, of the new graph.

    `trail` are the old nodes that made it so, if nothing but moves and elementwise functions lies
    between; `grown` are the nodes that enlarged what is permuted, with the size before.
    """

    stored: str
    order: IntArray
    shape: Shape
    name: str
    loc: Loc
    trail: tuple[Node, ...] | None = ()
    grown: frozenset[tuple[str, int]] = frozenset()


class _Walk:
    """One walk over the graph; `blamed` are layers that had better not let permutations through."""

    def __init__(self, graph: Graph, barred: frozenset[str]) -> None:
        self._graph = graph
        self._rewriter = Rewriter(graph)
        self._barred = barred
        self._pending: dict[str, _Pending] = {}
        self._added: dict[tuple[Op, str], str] = {}
        self.blamed: set[str] = set()

    def run(self) -> Graph:
        for node in self._graph.nodes:
            if isinstance(node.op, _MOVES) and not isinstance(node.type.elem, Real):
                self._move(node)
            elif self._pending.keys().isdisjoint(node.operands):
                self._rewriter.copy(node)
            elif isinstance(node.type.elem, Real):
                self._copy(node, on_host=True)
            elif node.name in self._barred or not self._sink(node):
                self._copy(node, on_host=False)
        for output in self._graph.outputs:
            if output in self._pending:
                self._rewriter.replace(output, self._on_host(self._pending[output]))
        return self._rewriter.finish()

    def _at(self, value: str) -> _Pending:
        """Return an old value as a permutation of a new one, often of itself."""
        if value in self._pending:
            return self._pending[value]
        old, new = self._graph[value], self._rewriter.now(value)
        order = np.arange(old.type.size)
        return _Pending(new, order, old.type.shape, f"{value}_order", old.loc)

    def _move(self, node: Node) -> None:
        x = self._at(node.operands[0])
        order: IntArray = node.op.evaluate(x.order.reshape(1, *x.shape)).reshape(-1)
        trail = None if x.trail is None else (*x.trail, node)
        self._pending[node.name] = _Pending(
            x.stored, order, node.type.shape, node.name, node.loc, trail, x.grown
        )

    def _copy(self, node: Node, *, on_host: bool) -> None:
        for operand in node.operands:
            if operand in self._pending:
                x = self._pending[operand]
                self._rewriter.replace(operand, self._on_host(x) if on_host else self._made(x))
        self._rewriter.copy(node)

    def _sink(self, node: Node) -> bool:
        operands = [self._at(operand) for operand in node.operands]
        if all(is_identity(x.order) for x in operands):
            return False
        moved = [Moved(x.order, x.shape, self._shape(x.stored)) for x in operands]
        sunk = sink(node.op, moved, node.type)
        if sunk is None:
            return False
        shaped = tuple(
            self._shaped(x, shape) for x, shape in zip(operands, sunk.shapes, strict=True)
        )
        new = self._rewriter.add(sunk.op, shaped, node.loc, node.name)
        self._rewriter.replace(node.name, new)
        (first, *others) = operands
        moved_by = next(x for x in operands if not is_identity(x.order))
        follows = sunk.order is first.order and shaped == (first.stored,) and not others
        grown = frozenset[tuple[str, int]]().union(*(x.grown for x in operands))
        if node.type.size > first.order.size:
            grown |= {(node.name, first.order.size)}
        if not is_identity(sunk.order) or self._shape(new) != node.type.shape:
            self._pending[node.name] = _Pending(
                *(new, sunk.order, node.type.shape, moved_by.name, moved_by.loc),
                *(first.trail if follows else None, grown),
            )
        return True

    def _made(self, x: _Pending) -> str:
        """Return the value itself, as a node for the hardware."""
        if is_identity(x.order):
            return self._shaped(x, x.shape)
        self.blamed |= {name for name, before in x.grown if before < x.order.size}
        return self._add(Reorder(Const.integers(smallest_block(x.order)), x.shape), x.stored, x)

    def _on_host(self, x: _Pending) -> str:
        """Return the value itself, by the nodes that made it before, or others for the host."""
        if is_identity(x.order):
            return self._made(x)
        if x.trail is None:
            perm = transposition(x.order, self._shape(x.stored))
            if perm is None:
                return self._made(x)
            turned = self._add(Transpose(perm), x.stored, x)
            return self._shaped(replace(x, stored=turned), x.shape)
        value = x.stored
        for node in x.trail:
            value = self._add(node.op, value, node)
        return value

    def _shaped(self, x: _Pending, shape: Shape) -> str:
        return (
            x.stored if self._shape(x.stored) == shape else self._add(Reshape(shape), x.stored, x)
        )

    def _shape(self, new: str) -> Shape:
        return self._rewriter.type_of(new).shape

    def _add(self, op: Op, operand: str, like: _Pending | Node) -> str:
        if (op, operand) not in self._added:
            made = self._rewriter.add(op, (operand,), like.loc, like.name)
            self._added[op, operand] = made
        return self._added[op, operand]
