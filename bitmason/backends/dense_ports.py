"""Dense words at the ends of a design: a bus of one width, and no bit of it unused within a frame.

Invariant: what is added is undone on the other side of the border, so the network computes the
same; host and hardware each keep one half.
"""

from __future__ import annotations

from bitmason.backends.hardware import Part, hardware_part
from bitmason.diagnostics import fail
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.float_link import Decompress
from bitmason.ir.ops.words import Pack, Unpack
from bitmason.ir.rewrite import Rewriter
from bitmason.ir.types import IntType, TensorType


def with_dense_ports(graph: Graph, word: int) -> Graph:
    """Return `graph` with what enters and leaves its hardware in words of `word` bytes.

    A graph that is so already, as that of a project, is returned as it is.

    Raises:
        CompileError: P003 when there is no layer between the two ends.
    """
    if any(isinstance(node.op, Pack) for node in graph.nodes):
        return graph
    part = hardware_part(graph)
    if not part.nodes:
        fail(
            "P003",
            "no layer of the network is in hardware, so no words cross its border",
            loc=graph[part.entry].loc,
            help="leave bus_bits out of the configuration, or ask for float_ports",
        )
    return _Walk(graph, part, word).run()


class _Walk:
    """One walk over a graph, in which readers across the border get other values."""

    def __init__(self, graph: Graph, part: Part, word: int) -> None:
        self._graph, self._part, self._word = graph, part, word
        self._inside = {node.name for node in part.nodes}
        self._rewriter = Rewriter(graph)
        self._crossed: dict[str, str] = {}
        self._returned: dict[str, str] = {}  # what enters and leaves again, as the host reads it

    def run(self) -> Graph:
        if self._part.entry in {value.name for value in self._graph.inputs}:
            self._cross(self._part.entry)
        for node in self._graph.nodes:
            self._copy(node)
            if node.name == self._part.entry or node.name in self._part.exits:
                self._cross(node.name)
        for output in self._graph.outputs:
            seen = self._returned.get(output) or self._crossed.get(output)
            if seen is not None:
                self._rewriter.replace(output, seen)
        return self._rewriter.finish()

    def _copy(self, node: Node) -> None:
        """Copy a node; what it reads from the other side has crossed the border."""
        inside = node.name in self._inside
        operands = tuple(self._seen(operand, inside) for operand in node.operands)
        self._rewriter.replace(
            node.name, self._rewriter.add(node.op, operands, node.loc, node.name)
        )

    def _seen(self, value: str, inside: bool) -> str:
        """Return what a reader on one side of the border reads for `value`."""
        if value in self._returned and not inside:
            return self._returned[value]
        if value in self._crossed and (value in self._inside) != inside:
            return self._crossed[value]
        return self._rewriter.now(value)

    def _cross(self, value: str) -> None:
        """Add what packs `value` on this side of the border, and unpacks it on the other."""
        self._crossed[value] = self._over(value, self._rewriter.now(value), value)
        if value == self._part.entry and value in self._part.exits:
            self._returned[value] = self._over(value, self._crossed[value], f"{value}_out")

    def _over(self, value: str, here: str, name: str) -> str:
        """Return `value`, called `here` on this side, as it is on the other."""
        type_: TensorType = self._graph[value].type
        loc, elem = self._graph[value].loc, self._elem(value)
        pack = Pack(elem, self._word)
        packed = self._rewriter.add(pack, (here,), loc, f"{name}_packed")
        unpack = Unpack(elem, type_.shape, self._word)
        return self._rewriter.add(unpack, (packed,), loc, f"{name}_unpacked")

    def _elem(self, value: str) -> IntType:
        """Return the type of elements in words: ranks have all bits of their format there.

        So they fit the input of a design that takes any number of the format.
        """
        readers = [user.op for user in self._graph.users[value] if user.name not in self._inside]
        formats = {op.format for op in readers if isinstance(op, Expand | Decompress)}
        elem = self._graph[value].type.int_elem
        return formats.pop().rank_type if len(formats) == 1 else elem
