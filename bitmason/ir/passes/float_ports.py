"""Let the hardware take float32 numbers, or give them, where a network ends in custom formats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, NoReturn

import numpy as np

from bitmason.diagnostics import Loc, fail
from bitmason.ir.custom_float import NEAREST, TRUNCATE
from bitmason.ir.graph import Graph, Node, Op
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.float_link import BitsFloat, Compress, Decompress, FloatBits, RankValue
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.rewrite import Pass, Rewriter, rewrite

ENDS = ("input", "outputs", "both")


@dataclass(frozen=True)
class FloatPorts(Pass):
    """Put a compressor at the head of the hardware, decompressors at its ends, or both.

    Before: %r = quantise_float(%x)             %y = dequantise(expand(%r))
    After:  %r = compress(float_bits(%x))       %y = bits_float(decompress(%r))
    With `run_time`, formats may change from frame to frame where ranks meet nothing but a port of
    the hardware between the engine and the host.
    """

    name: ClassVar[str] = "float-ports"

    ends: str = ""
    run_time: bool = False

    def run(self, graph: Graph) -> Graph:
        if not self.ends or any(isinstance(n.op, Compress | Decompress) for n in graph.nodes):
            return graph
        heads = _heads(graph) if self.ends != "outputs" else {}
        tails = _tails(graph) if self.ends != "input" else {}

        def visit(rewriter: Rewriter, node: Node) -> str | None:
            if node.name in heads:
                x = rewriter.now(node.operands[0])
                bits = rewriter.add(FloatBits(), (x,), node.loc, f"{node.name}_bits")
                return rewriter.add(heads[node.name], (bits,), node.loc, node.name)
            if node.name in tails:
                bits = _in_place(rewriter, graph, node, tails[node.name], f"{node.name}_bits")
                return rewriter.add(BitsFloat(), (bits,), node.loc, node.name)
            return None

        made = rewrite(graph, visit)
        return _with_knobs(made) if self.run_time else made


def _with_knobs(graph: Graph) -> Graph:
    """Return `graph` with formats that may change, where only the host has the ranks too."""

    def visit(rewriter: Rewriter, node: Node) -> str | None:
        op = _changing(graph, node)
        if isinstance(op, RankValue):  # in place of both steps to a real number
            return _in_place(rewriter, graph, node, op, node.name)
        if op is None:
            return None
        return rewriter.add(op, (rewriter.now(node.operands[0]),), node.loc, node.name)

    return rewrite(graph, visit)


def _expansion(graph: Graph, node: Node) -> tuple[Node, list[Node]] | None:
    """Return the expansion that a node reads, with what moves its numbers in between, in order."""
    moves: list[Node] = []
    above = graph.producer(node.operands[0])
    while above is not None and isinstance(above.op, Reshape | Transpose):
        moves.insert(0, above)
        above = graph.producer(above.operands[0])
    return None if above is None or not isinstance(above.op, Expand) else (above, moves)


def _in_place(rewriter: Rewriter, graph: Graph, node: Node, op: Op, name: str) -> str:
    """Add `op` in place of the expansion that `node` reads, and what moves the numbers behind it.

    Returns:
        What they come to.
    """
    found = _expansion(graph, node)
    assert found is not None, "it was looked at"
    expand, moves = found
    value = rewriter.add(op, (rewriter.now(expand.operands[0]),), node.loc, name)
    for move in moves:
        value = rewriter.add(move.op, (value,), move.loc, move.name)
    return value


def _changing(graph: Graph, node: Node) -> Op | None:
    """Return what a node becomes where its format may change, or None where it may not."""
    op, above = node.op, graph.producer(node.operands[0])
    if isinstance(op, Compress) and _leaves(graph, node):
        return replace(op, knobs=op.format.knobs) if op.format.can_change else None
    found = _expansion(graph, node) if isinstance(op, Dequantise) else None
    if found is not None and isinstance(found[0].op, Expand):
        maker, format_ = graph.producer(found[0].operands[0]), found[0].op.format
        changes = maker is not None and isinstance(maker.op, Compress) and _leaves(graph, maker)
        return RankValue(format_, format_.knobs) if changes and format_.can_change else None
    if isinstance(op, QuantiseFloat) and op.format.can_change and _enters(graph, node):
        return replace(op, knobs=op.format.knobs)
    if isinstance(op, Decompress) and above is not None and isinstance(above.op, QuantiseFloat):
        changes = op.format.can_change and _enters(graph, above)
        return replace(op, knobs=op.format.knobs) if changes else None
    return None


def _leaves(graph: Graph, node: Node) -> bool:
    """Return whether all that reads a compressor's ranks makes real numbers of them at once."""
    assert isinstance(node.op, Compress)
    plain = Dequantise((node.op.format.unit,))
    readers = list(graph.users[node.name])
    for reader in readers:
        if isinstance(reader.op, Expand | Reshape | Transpose):
            readers += graph.users[reader.name]
        elif reader.op != plain:
            return False
    return True


def _enters(graph: Graph, node: Node) -> bool:
    """Return whether all that reads the ranks of a quantiser on the host are decompressors."""
    assert isinstance(node.op, QuantiseFloat)
    plain = not np.any(node.op.scale.array != 1) and node.op.rounding in (TRUNCATE, NEAREST)
    return plain and all(isinstance(user.op, Decompress) for user in graph.users[node.name])


def _heads(graph: Graph) -> dict[str, Compress]:
    """Return the compressors for the quantisers that the network's input reaches first."""
    found: dict[str, Compress] = {}
    pending = [value.name for value in graph.inputs]
    for value in pending:
        for node in graph.users[value]:
            if isinstance(node.op, Reshape | Transpose):
                pending.append(node.name)
                continue
            op = node.op
            if not isinstance(op, QuantiseFloat):
                _refuse(node, f"its input is read by {op.name}, not by a CustomFloat quantiser")
            if op.format.subnormals or not op.format.fits_float32:
                _refuse(node, f"a compressor cannot round float32 to {op.format}")
            if np.any(op.scale.array != 1) or op.rounding not in (TRUNCATE, NEAREST):
                _refuse(node, "a compressor has no scale, and cuts off or rounds to nearest")
            found[node.name] = Compress(op.format, op.rounding)
    return found


def _tails(graph: Graph) -> dict[str, Decompress]:
    """Return the decompressors for the outputs, by the node that makes each real again."""
    found: dict[str, Decompress] = {}
    for output in graph.outputs:
        node = graph.producer(output)
        while node is not None and isinstance(node.op, Reshape | Transpose):
            node = graph.producer(node.operands[0])
        above = _expansion(graph, node) if node is not None else None
        if node is None or above is None or not isinstance(node.op, Dequantise):
            loc = graph[output].loc
            _refuse_at(loc, "an output of the network is no number of a floating-point format")
        assert isinstance(above[0].op, Expand)
        format_ = above[0].op.format
        plain = Dequantise((format_.unit,))
        if node.op != plain or not format_.fits_float32:
            _refuse(node, f"a decompressor gives numbers of {format_} as they are, without scale")
        found[node.name] = Decompress(format_)
    return found


def _refuse(node: Node, message: str) -> NoReturn:
    _refuse_at(node.loc, message)


def _refuse_at(loc: Loc, message: str) -> NoReturn:
    fail("P007", message, loc=loc, help="leave float_ports out of the configuration")
