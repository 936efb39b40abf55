"""Chains: the elementwise real functions between an integer tensor and the next integer.

Invariant: a chain is a function of one integer per channel, whatever its nodes are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitmason.ir.constant import Const, exact
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.real import Add, AddConst, Clip, DivConst, LeakyRelu, Mul, MulConst, Sub, Unary
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.types import Array, IntType

Quantiser = Quantise | QuantiseFloat | Staircase
ELEMENTWISE = (
    Quantise, QuantiseFloat, Staircase, Dequantise,
    AddConst, MulConst, DivConst, Add, Sub, Mul, Clip, LeakyRelu, Unary,
)  # fmt: skip
MONOTONE_FUNCTIONS = {"sigmoid", "tanh", "exp", "softplus", "elu", "sign"}


@dataclass(frozen=True)
class Chain:
    """The nodes from an integer `source` (not included) to a value, in execution order."""

    source: str
    nodes: tuple[Node, ...]

    @property
    def constants(self) -> tuple[Const, ...]:
        """Every array constant that is broadcast over the frame; steps are one row a channel."""
        ops = [node.op for node in self.nodes if not isinstance(node.op, Staircase)]
        fields = [vars(op).values() for op in ops]
        return tuple(value for values in fields for value in values if isinstance(value, Const))

    @property
    def out(self) -> IntType:
        """Type of the integers that the quantiser at the end of the chain makes."""
        last = self.nodes[-1].op
        assert isinstance(last, Quantiser), last
        return last.out

    @property
    def is_monotone(self) -> bool:
        """Whether the form of every node makes the chain monotone in each channel."""
        return all(_is_monotone(node) for node in self.nodes)

    @property
    def is_uniform(self) -> bool:
        """Whether it is one function for all channels."""
        ops = [node.op for node in self.nodes]
        rows = [len(op.steps.array) for op in ops if isinstance(op, Staircase)]
        rows += [len(op.scale) * len(op.offset) for op in ops if isinstance(op, Dequantise)]
        return all(count == 1 for count in (*rows, *(c.array.size for c in self.constants)))

    def evaluate(self, x: Array, *, exactly: bool) -> Array:
        """Return the chain's value at integers `x`, a batch of frames.

        Args:
            x: integers `(n, *frame)`, broadcastable against the chain's constants.
            exactly: compute with fractions instead of float64.
        """
        values: dict[str, Array] = {self.source: exact(x) if exactly else x}
        for node in self.nodes:
            result = node.op.evaluate(*(values[operand] for operand in node.operands))
            goes_on = exactly and node is not self.nodes[-1] and isinstance(node.op, Quantiser)
            values[node.name] = exact(result) if goes_on else result
        return values[self.nodes[-1].name]


def _is_monotone(node: Node) -> bool:
    match node.op:
        case Quantise() | QuantiseFloat() | Staircase() | Dequantise():
            return True
        case AddConst() | MulConst() | DivConst() | Clip():
            return True
        case LeakyRelu(alpha):
            return bool(np.all(alpha.array >= 0))
        case Unary(function):
            return function in MONOTONE_FUNCTIONS
    return False


def varying_axes(chain: Chain) -> int:
    """Return along how many axes, counted from the last, the chain's constants vary; 1 at least."""
    lengths = [constant.shape for constant in chain.constants]
    return max(
        (len(shape) - axis for shape in lengths for axis, n in enumerate(shape) if n > 1), default=1
    )


def trace(graph: Graph, end: Node, *, fused: bool = True) -> Chain | set[str]:
    """Return the chain that ends in `end`, or the several sources that meet in it.

    The walk goes up through elementwise nodes and stops at the first value that something else
    makes: a matrix product, an input. With `fused` it also goes through quantisers that nothing
    else reads.
    """
    found: dict[str, Node] = {}
    sources: set[str] = set()
    pending = [end]
    while pending:
        node = pending.pop()
        found[node.name] = node
        for operand in node.operands:
            above = graph.producer(operand)
            if above is not None and _passes_through(graph, above, fused=fused):
                pending.append(above)
            else:
                sources.add(operand)
    if len(sources) != 1:
        return sources
    nodes = tuple(node for node in graph.nodes if node.name in found)
    return Chain(sources.pop(), nodes)


def _passes_through(graph: Graph, node: Node, *, fused: bool) -> bool:
    if isinstance(node.op, Quantiser):
        return fused and len(graph.users[node.name]) == 1 and node.name not in graph.outputs
    return isinstance(node.op, ELEMENTWISE)
