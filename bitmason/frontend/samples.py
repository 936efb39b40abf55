"""Random inputs that reach every level of a network's first quantiser.

Invariant: the same seed gives the same inputs on every machine.
"""

from __future__ import annotations

import numpy as np

from bitmason.frontend.importer import Imported
from bitmason.ir import Graph, Node
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.ops.real import AddConst, DivConst, MulConst
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.types import Array, IntArray, Shape

_MARGIN = 1 / 16  # how far beyond the representable range inputs reach, as a part of it


def sample_inputs(imported: Imported, n: int, seed: int) -> Array:
    """Return `n` float32 inputs for `imported`, with a leading batch axis.

    The first two lie at the two ends of the input quantiser's range. Of the others, every fourth
    holds exact levels; the rest differ in brightness and contrast and exceed the range slightly.
    Inputs that no quantiser takes are spread over -1..1.
    """
    graph = imported.graph
    rng = np.random.default_rng(seed)
    shape = graph.inputs[0].type.shape
    path = _to_quantiser(graph)
    if not path:
        return rng.uniform(-1.0, 1.0, (n, *shape)).astype(np.float32)
    op = path[-1].op
    assert isinstance(op, Quantise)
    frame = path[-1].type.shape
    levels = _levels(rng, (n, *frame), op.out.lo, op.out.hi)
    real: Array = (levels - op.zero_point.array.astype(np.float64)) * op.scale.array.astype(
        np.float64
    )
    for node in reversed(path[:-1]):
        real = _before(graph, node, real)
    return real.reshape(n, *shape).astype(np.float32)


def _to_quantiser(graph: Graph) -> list[Node]:
    """Return the nodes from the input to the first quantiser that one of them feeds."""
    pending: list[tuple[str, list[Node]]] = [(graph.inputs[0].name, [])]
    for value, path in pending:
        for node in graph.users[value]:
            if isinstance(node.op, Quantise):
                return [*path, node]
            pending.append((node.name, [*path, node]))
    return []


def _levels(rng: np.random.Generator, shape: Shape, lo: int, hi: int) -> Array:
    span = hi - lo
    rows = (shape[0],) + (1,) * (len(shape) - 1)
    centre = rng.uniform(lo, hi, rows)
    spread = span * rng.uniform(0.0, 1.0, rows)
    levels = centre + spread * rng.uniform(-1.0, 1.0, shape)
    levels = np.clip(levels, lo - _MARGIN * span, hi + _MARGIN * span)
    exact: IntArray = rng.integers(lo, hi + 1, shape)
    levels[::4] = exact[::4]
    levels[:1], levels[1:2] = lo, hi
    return levels


def _before(graph: Graph, node: Node, y: Array) -> Array:
    """Return an operand for which `node` gives about `y`."""
    op = node.op
    if isinstance(op, AddConst):
        return y - op.value.array
    if isinstance(op, DivConst):
        return np.asarray(y * op.value.array)
    if isinstance(op, MulConst):
        factor = op.value.array.astype(np.float64)
        return np.asarray(y / np.where(factor == 0, 1.0, factor))
    if isinstance(op, Reshape):
        return y.reshape(len(y), *graph.operand_types(node)[0].shape)
    if isinstance(op, Transpose):
        return y.transpose(0, *(axis + 1 for axis in np.argsort(op.perm)))
    return y
