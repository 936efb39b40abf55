"""Let every pool, and all that moves elements, work on integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NoReturn

import numpy as np

from bitmason.diagnostics import fail
from bitmason.ir.chain import ELEMENTWISE, MONOTONE_FUNCTIONS, Chain, Quantiser
from bitmason.ir.constant import Const
from bitmason.ir.graph import Graph, Node, Op
from bitmason.ir.ops.arrange import Crop, Upsample
from bitmason.ir.ops.pooling import MaxPool
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.real import AddConst, Clip, DivConst, LeakyRelu, MulConst, Unary
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.rewrite import Pass, Rewriter, rewrite
from bitmason.ir.types import IntArray, Real, TensorType

_MOVES = Crop | Reshape | Transpose | Upsample


@dataclass(frozen=True)
class PlacePools(Pass):
    """Move a max pool of real numbers past functions that rise, until it stands between integers.

    The largest element stays the largest under a function that rises in every channel, so the pool
    moves behind the next quantiser, where integers are narrow, or else in front of the functions
    that made its operand. What falls twice rises. Operations that only move elements pass functions
    that treat all of these alike. What the host computes stays.

    Before: %a = add_const(dequantise(%acc)); %p = max_pool(%a); %q = quantise(%p)
    After:  %a = add_const(dequantise(%acc)); %q = quantise(%a); %p = max_pool(%q)
    or:     %p = max_pool(%acc); %a = add_const(dequantise(%p)); %q = quantise(%a)
    """

    name: ClassVar[str] = "place-pools"

    def run(self, graph: Graph) -> Graph:
        while True:
            wanted = _to_place(graph)
            tried = (_placed(graph, node) for node in reversed(wanted))
            placed = next(filter(None, tried), None)
            if placed is None:
                for node in wanted:
                    if isinstance(node.op, MaxPool):
                        _refuse(graph, node)
                return graph
            graph = placed


@dataclass(frozen=True)
class _Blocked:
    """Why a pool cannot move that way."""

    reason: str


def _to_place(graph: Graph) -> list[Node]:
    """Return the pools and moves of real numbers between an integer and a quantiser."""
    behind: set[str] = set()
    for node in graph.nodes:
        if isinstance(node.op, Dequantise) or not behind.isdisjoint(node.operands):
            behind.add(node.name)
    ahead: set[str] = set()
    for node in reversed(graph.nodes):
        if isinstance(node.op, Quantiser) or node.name in ahead:
            ahead.update(node.operands)
    return [
        node
        for node in graph.nodes
        if isinstance(node.op, MaxPool | _MOVES) and isinstance(node.type.elem, Real)
        if node.name in behind and node.name in ahead
    ]


def _placed(graph: Graph, pool: Node) -> Graph | None:
    quantisers = _below(graph, pool, pool, _rising(pool))
    if not isinstance(quantisers, _Blocked):
        return _move_below(graph, pool, quantisers)
    path = _above(graph, pool)
    return None if isinstance(path, _Blocked) else _move_above(graph, pool, path)


def _rising(pool: Node) -> IntArray:
    return np.ones(pool.type.shape[-1], dtype=np.int64)


def _below(graph: Graph, pool: Node, value: Node, direction: IntArray) -> list[Node] | _Blocked:
    """Return the quantisers that `value` flows into through functions of one tensor.

    Args:
        graph: holds them.
        pool: what is to be placed.
        value: the pool, or a function behind it.
        direction: per channel, +1 where the functions from the pool to `value` rise together.
    """
    if value.name in graph.outputs:
        return _Blocked(f"%{value.name} is an output of the network")
    found: list[Node] = []
    for user in graph.users[value.name]:
        slope = _slope(graph, pool, user)
        if isinstance(slope, _Blocked):
            return slope
        total = slope * direction
        if not isinstance(user.op, Quantiser):
            beyond = _below(graph, pool, user, total)
            if isinstance(beyond, _Blocked):
                return beyond
            found.extend(beyond)
        elif np.any(total < 0):
            return _falling(total)
        else:
            found.append(user)
    return found


def _above(graph: Graph, pool: Node) -> list[Node] | _Blocked:
    """Return the functions of one tensor between an integer and the pool, in order."""
    path: list[Node] = []
    direction = _rising(pool)
    node = graph.producer(pool.operands[0])
    while node is not None and not isinstance(node.op, Quantiser):
        slope = _slope(graph, pool, node)
        if isinstance(slope, _Blocked):
            return slope
        direction = direction * slope
        path.insert(0, node)
        if isinstance(node.op, Dequantise):
            return _falling(direction) if np.any(direction < 0) else path
        node = graph.producer(node.operands[0])
    return _Blocked("there is no integer")


def _falling(direction: IntArray) -> _Blocked:
    return _Blocked(f"they fall in {np.sum(direction < 0)} of {len(direction)} channels")


def _slope(graph: Graph, pool: Node, node: Node) -> IntArray | _Blocked:
    """Return per channel whether an elementwise function rises (+1) or falls (-1).

    For what only moves elements, all that counts is that the function treats them alike.
    """
    if isinstance(pool.op, _MOVES):
        alike = _treats_alike(graph, pool, node)
        reason = f"%{node.name} ({node.op.name}) does not treat all elements alike"
        return _rising(pool) if alike else _Blocked(reason)
    channels = pool.type.shape[-1]
    signs = _signs(node.op)
    if signs is None:
        return _Blocked(f"%{node.name} ({node.op.name}) is no rising function of one tensor")
    if any(length != 1 for constant in _constants(node) for length in constant.shape[:-1]):
        return _Blocked(f"the constant of %{node.name} ({node.op.name}) varies over the image")
    return np.broadcast_to(signs.reshape(-1), (channels,))


def _constants(node: Node) -> list[Const]:
    """Return the constants of a function that are broadcast over the frame."""
    if isinstance(node.op, Staircase):
        return []
    return [part for part in vars(node.op).values() if isinstance(part, Const)]


def _treats_alike(graph: Graph, move: Node, node: Node) -> bool:
    """Return whether a function gives the same before a move as behind it."""
    if not isinstance(node.op, ELEMENTWISE) or len(node.operands) != 1:
        return False
    (x,) = graph.operand_types(move)
    shapes = [constant.shape for constant in _constants(node)]
    if _keeps_channels(move, x):
        return all(length == 1 for shape in shapes for length in shape[:-1])
    rank = min(len(x.shape), len(move.type.shape))
    return Chain(move.name, (node,)).is_uniform and all(len(shape) <= rank for shape in shapes)


def _keeps_channels(move: Node, x: TensorType) -> bool:
    """Return whether a move leaves every element in its channel of the last axis."""
    if len(x.shape) != len(move.type.shape) or x.shape[-1:] != move.type.shape[-1:]:
        return False
    order = move.op.evaluate(np.arange(x.size).reshape(1, *x.shape)).reshape(-1)
    channels = x.shape[-1]
    return np.array_equal(order % channels, np.arange(order.size) % channels)


def _signs(op: Op) -> IntArray | None:
    """Return -1 where `op` falls and +1 where it rises, in the shape of its constant."""
    match op:
        case MulConst(factor) | DivConst(factor):
            return np.where(factor.array < 0, -1, 1)
        case Dequantise(scale):
            return np.array([-1 if s < 0 else 1 for s in scale])
        case LeakyRelu(alpha):
            return np.array([1]) if np.all(alpha.array >= 0) else None
        case Unary(function):
            return np.array([1]) if function in MONOTONE_FUNCTIONS else None
        case AddConst() | Clip() | Quantise() | QuantiseFloat() | Staircase():
            return np.array([1])
    return None


def _move_below(graph: Graph, pool: Node, quantisers: list[Node]) -> Graph:
    behind = {node.name for node in quantisers}

    def visit(rewriter: Rewriter, node: Node) -> str | None:
        if node.name == pool.name:
            return rewriter.now(pool.operands[0])
        if node.name not in behind:
            return None
        operand = rewriter.now(node.operands[0])
        integers = rewriter.add(node.op, (operand,), node.loc, node.name)
        return rewriter.add(pool.op, (integers,), pool.loc, pool.name)

    return rewrite(graph, visit)


def _move_above(graph: Graph, pool: Node, path: list[Node]) -> Graph:
    def visit(rewriter: Rewriter, node: Node) -> str | None:
        if node.name != pool.name:
            return None
        integers = rewriter.now(path[0].operands[0])
        value = rewriter.add(pool.op, (integers,), pool.loc, pool.name)
        for function in path:
            value = rewriter.add(function.op, (value,), function.loc, function.name)
        return value

    return rewrite(graph, visit)


def _refuse(graph: Graph, pool: Node) -> NoReturn:
    notes = [
        f"{where} it: {side.reason}"
        for where, side in (
            ("before", _above(graph, pool)),
            ("behind", _below(graph, pool, pool, _rising(pool))),
        )
        if isinstance(side, _Blocked)
    ]
    fail(
        "P006",
        "this max pool of real numbers cannot be made one of integers",
        loc=pool.loc,
        notes=notes,
        help="put it next to a quantiser, or let a normalisation have positive factors only",
    )
