"""Replace every chain of real functions between integers by thresholds or a table, exactly.

Invariant: a table or threshold is accepted only after the chain was evaluated in exact fractions
on both sides of it; float64 merely proposes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, NoReturn

import numpy as np

from bitmason.diagnostics import fail, quote
from bitmason.ir.chain import Chain, Quantiser, trace, varying_axes
from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node, Op
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.shape import Reshape
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import Array, Bipolar, IntArray, IntType, Real, TensorType, int_type

_IMAGE_AXES = 2  # rows and columns; what stands behind them are channels, split for a shuffle
_MAX_SPAN = 2**16  # a quantiser is compared with the identity on so many integers at most


@dataclass(frozen=True)
class Tabulate(Pass):
    """Absorb scales, biases, normalisation, activation functions and rounding into integers.

    Before: %r = dequantise(%acc); %b = mul_const(%r); %c = clip(%b); %q = quantise(%c)
    After:  %q = thresholds(%acc)      (monotone)  or      %q = lookup(%acc)
    A staircase ends a chain as a quantiser does. A chain that gives every integer back, as the same
    quantiser a second time does, disappears; bits of bipolar values become `bit`.
    """

    name: ClassVar[str] = "tabulate"
    max_table_entries: int = 2**18

    def run(self, graph: Graph) -> Graph:
        def visit(rewriter: Rewriter, node: Node) -> str | None:
            if not isinstance(node.op, Quantiser):
                return None
            chain = trace(rewriter.graph, node)
            if not isinstance(chain, Chain):
                _refuse_meeting(rewriter.graph, node, chain)
            chain = _from_first_integers(rewriter.graph, node, chain)
            x = rewriter.now(chain.source)
            source = rewriter.type_of(x)
            if isinstance(source.elem, Real):
                _check_host_can(rewriter, node, chain)
                return None
            op = tabulate(chain, source, node, self.max_table_entries)
            if _gives_back(op, source.elem):
                return x
            reads_bits = isinstance(source.elem, Bipolar) and _gives_back_bits(op)
            return _placed(rewriter, Bit() if reads_bits else op, x, node, varying_axes(chain))

        return rewrite(graph, visit)


def _refuse_meeting(graph: Graph, node: Node, sources: set[str]) -> NoReturn:
    nearest = trace(graph, node, fused=False)
    branches = sorted(sources if isinstance(nearest, Chain) else nearest)
    fail(
        "P005",
        f"{len(branches)} branches meet before this quantiser, with no sum or product of their "
        "integers that is exact",
        loc=node.loc,
        notes=[f"{quote(branch)} is {_shown(graph, branch)}" for branch in branches],
        help="quantise each branch right before they meet, both at the same scale",
    )


def _shown(graph: Graph, branch: str) -> str:
    """Return the type of a branch, and what one step of its integers stands for."""
    elem = graph[branch].type.elem
    readers = [user.op for user in graph.users[branch] if isinstance(user.op, Dequantise)]
    if not readers:
        return str(elem)
    ends = [f"{float(end(map(abs, readers[0].scale))):.6g}" for end in (min, max)]
    return f"{elem} at scale {' to '.join(dict.fromkeys(ends))}"


def _from_first_integers(graph: Graph, node: Node, chain: Chain) -> Chain:
    """Return a chain that starts behind the network's first quantiser, where `chain` has it."""
    if not isinstance(graph[chain.source].type.elem, Real):
        return chain
    behind = trace(graph, node, fused=False)
    return behind if isinstance(behind, Chain) else chain


def _placed(rewriter: Rewriter, op: Op, x: str, node: Node, axes: int) -> str:
    """Add `op`, for which the last `axes` axes of `x` are one: channels that were split."""
    shape = rewriter.type_of(x).shape
    if axes == 1:
        return rewriter.add(op, (x,), node.loc, node.name)
    merged = Reshape((*shape[:-axes], prod(shape[-axes:])))
    whole = rewriter.add(merged, (x,), node.loc, f"{node.name}_merged")
    made = rewriter.add(op, (whole,), node.loc, f"{node.name}_whole")
    return rewriter.add(Reshape(shape), (made,), node.loc, node.name)


def _check_host_can(rewriter: Rewriter, node: Node, chain: Chain) -> None:
    made_by = rewriter.graph.producer(chain.source)
    while made_by is not None:
        above = made_by.operands
        if len(above) != 1 or not isinstance(rewriter.graph[above[0]].type.elem, Real):
            fail(
                "P002",
                f"its input comes through {made_by.op.name}, which only the end of a network has",
                loc=node.loc,
                help="remove that operation or put it after the last quantised layer",
            )
        made_by = rewriter.graph.producer(above[0])


def tabulate(chain: Chain, source: TensorType, node: Node, max_entries: int) -> Thresholds | Lookup:
    """Return the op that maps integers of `source` to the chain's result.

    Raises:
        CompileError: F014 when a constant of the chain varies along an axis other than the
            channels, P001 when the chain needs a table of more than `max_entries`.
    """
    axes = varying_axes(chain)
    if axes > 1 and axes > len(source.shape) - _IMAGE_AXES:
        fail(
            "F014",
            "a constant before this quantiser varies along an axis other than the channels",
            loc=node.loc,
            help="use per-tensor or per-channel constants",
        )
    elem = source.int_elem
    if chain.is_monotone:
        return _thresholds(_Function(chain, source), elem, chain.out)
    return _table(_Function(chain, source), elem, chain.out, node, max_entries)


def _gives_back(op: Thresholds | Lookup, elem: IntType) -> bool:
    """Return whether `op` maps every integer of `elem` to itself, in every channel."""
    if isinstance(elem, Bipolar) != isinstance(op.out, Bipolar):
        return False
    if (elem.lo, elem.hi) != (op.out.lo, op.out.hi) or elem.hi - elem.lo > _MAX_SPAN:
        return False
    x = np.arange(elem.lo, elem.hi + 1, 2 if isinstance(elem, Bipolar) else 1)
    return _maps(op, x, x)


def _gives_back_bits(op: Thresholds | Lookup) -> bool:
    """Return whether `op` maps -1 to 0 and +1 to 1, in every channel."""
    return not isinstance(op.out, Bipolar) and _maps(op, np.array([-1, 1]), np.array([0, 1]))


def _maps(op: Thresholds | Lookup, x: IntArray, y: IntArray) -> bool:
    channels = len(op.steps.array if isinstance(op, Thresholds) else op.table.array)
    got = op.evaluate(np.repeat(x[:, np.newaxis], channels, axis=1))
    return bool(np.all(got == y[:, np.newaxis]))


class _Function:
    """A chain as a function of integers `(n, channels)`; bipolar results as 0 and 1.

    A function that is the same for all channels has one here, and `rows` of them in the network.
    """

    def __init__(self, chain: Chain, source: TensorType) -> None:
        axes = varying_axes(chain)
        self._chain = chain
        self._rows = source.shape[-axes:]
        self._rank = len(source.shape)
        self.rows = prod(self._rows)
        self.channels = 1 if chain.is_uniform else self.rows

    def __call__(self, x: IntArray, *, exactly: bool) -> IntArray:
        rows = self._rows if self.channels == self.rows else (1,) * len(self._rows)
        frame = (*(1 for _ in range(self._rank - len(rows))), *rows)
        result = self._chain.evaluate(x.reshape(len(x), *frame), exactly=exactly)
        out = self._chain.out
        codes = out.encode(result) if isinstance(out, Bipolar) else result
        return np.broadcast_to(codes, (len(x), *frame)).reshape(len(x), self.channels)


def _thresholds(f: _Function, elem: IntType, out: IntType) -> Thresholds:
    ends = f(np.array([[elem.lo] * f.channels, [elem.hi] * f.channels]), exactly=True)
    descending = ends[0] > ends[1]
    base, top = int(ends.min()), int(ends.max())
    if base == top:  # a constant output still is one threshold, never or always reached
        base = min(base, (1 if isinstance(out, Bipolar) else out.hi) - 1)
        top = base + 1
    sign = np.where(descending, -1, 1)
    reached = np.where(descending, -top, base) + np.arange(1, top - base + 1)[:, np.newaxis]
    steps = _bisect(f, elem, sign, reached)
    steps = _certify(f, elem, sign, reached, steps)
    narrow = out if isinstance(out, Bipolar) else int_type(base, top)
    repeats = f.rows // f.channels
    directions = Const(np.repeat(descending, repeats))
    return Thresholds(Const.integers(np.repeat(steps.T, repeats, axis=0)), directions, base, narrow)


def _bisect(f: _Function, elem: IntType, sign: Array, reached: IntArray) -> IntArray:
    """Return, per level and channel, the smallest x with `sign * f(x) >= reached`, or hi + 1."""
    low = np.full(reached.shape, elem.lo, dtype=np.int64)
    high = np.full(reached.shape, elem.hi + 1, dtype=np.int64)
    while np.any(low < high):
        middle = (low + high) >> 1
        holds = sign * f(np.minimum(middle, elem.hi), exactly=False) >= reached
        done = low >= high
        high = np.where(holds & ~done, middle, high)
        low = np.where(holds | done, low, middle + 1)
    return low


def _certify(
    f: _Function, elem: IntType, sign: Array, reached: IntArray, steps: IntArray
) -> IntArray:
    """Move every step until the exact chain reaches its level there and not one below."""
    open_levels = np.arange(len(steps))
    while len(open_levels):
        x, level = steps[open_levels], reached[open_levels]
        at = sign * f(np.minimum(x, elem.hi), exactly=True) >= level
        below = sign * f(np.maximum(x - 1, elem.lo), exactly=True) >= level
        up = ~at & (x <= elem.hi)
        down = below & (x > elem.lo)
        steps[open_levels] = x + up - down
        open_levels = open_levels[np.any(up | down, axis=1)]
    return steps


def _table(
    f: _Function, elem: IntType, out: IntType, node: Node, max_entries: int
) -> Thresholds | Lookup:
    span = elem.hi - elem.lo + 1
    if span * f.rows > max_entries:
        fail(
            "P001",
            f"the function before this quantiser is not monotone and its table would have "
            f"{span * f.rows} entries, at most {max_entries} are allowed",
            loc=node.loc,
            notes=[f"{f.rows} channels, inputs from {elem.lo} to {elem.hi}"],
            help="use a monotone activation, or fewer bits for this layer's weights or inputs",
        )
    x = np.arange(elem.lo, elem.hi + 1, dtype=np.int64)[:, np.newaxis]
    columns = f(np.repeat(x, f.channels, axis=1), exactly=True)
    if isinstance(out, Bipolar):
        return Lookup(_shared(2 * columns.T - 1), elem.lo, out)
    table = _shared(columns.T)
    return Lookup(table, elem.lo, int_type(int(columns.min()), int(columns.max())))


def _shared(table: IntArray) -> Const:
    """Keep one row where all channels agree."""
    same = bool(np.all(table == table[:1]))
    return Const.integers(table[:1] if same else table)
