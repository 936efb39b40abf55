"""Random inputs that reach every level of a network's first quantiser.

Invariant: the same seed gives the same inputs on every machine.
"""

from __future__ import annotations

import numpy as np

from bitmason.frontend.importer import Imported
from bitmason.ir import Graph, Node
from bitmason.ir.ops.quantise import Quantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.real import AddConst, DivConst, MulConst
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.staircase import Staircase
from bitmason.ir.types import Array, IntArray, Shape

_MARGIN = 1 / 16  # how far beyond the representable range inputs reach, as a part of it
_BLOCK = 4  # neighbours along each axis that are equal in the frames that look like images


def sample_inputs(imported: Imported, n: int, seed: int) -> Array:
    """Return `n` float32 inputs for `imported`, with a leading batch axis.

    The first two lie at the two ends of the input quantiser's range. Of the others, every fourth
    holds exact levels; the rest differ in brightness and contrast and exceed the range slightly,
    and in every fourth neighbours are equal, as in images and signals. Inputs that no quantiser
    takes are spread over -1..1.
    """
    graph = imported.graph
    rng = np.random.default_rng(seed)
    shape = graph.inputs[0].type.shape
    path = _to_quantiser(graph)
    if not path:
        return rng.uniform(-1.0, 1.0, (n, *shape)).astype(np.float32)
    real = _quantised(rng, path[-1], n)
    for node in reversed(path[:-1]):
        real = _before(graph, node, real)
    most = float(np.finfo(np.float32).max)  # a file's scales may reach beyond it
    return np.clip(real, -most, most).reshape(n, *shape).astype(np.float32)


def _to_quantiser(graph: Graph) -> list[Node]:
    """Return the nodes from the input to the first quantiser that one of them feeds."""
    pending: list[tuple[str, list[Node]]] = [(graph.inputs[0].name, [])]
    for value, path in pending:
        for node in graph.users[value]:
            if isinstance(node.op, Quantise | QuantiseFloat | Staircase):
                return [*path, node]
            pending.append((node.name, [*path, node]))
    return []


def _quantised(rng: np.random.Generator, node: Node, n: int) -> Array:
    """Return operands that reach every level of a quantiser."""
    op, shape = node.op, (n, *node.type.shape)
    if isinstance(op, Staircase):
        steps = np.sort(op.steps.array.astype(np.float64), axis=1)
        below = steps[:, :1] - np.maximum(steps[:, -1:] - steps[:, :1], 1.0) * _MARGIN
        ladder = np.concatenate([below, steps], axis=1)
        places = np.clip(_levels(rng, shape, 0, steps.shape[1]), 0, steps.shape[1])
        lower = np.floor(places).astype(np.int64)
        channels = np.arange(len(steps)) if len(steps) > 1 else 0
        upper = ladder[channels, np.minimum(lower + 1, steps.shape[1])]
        return np.asarray(ladder[channels, lower] * (1 - places % 1) + upper * (places % 1))
    if isinstance(op, QuantiseFloat):
        numbers = np.append(op.format.numbers, 2 * op.format.numbers[-1])
        ranks = _levels(rng, shape, -op.format.top, op.format.top) + op.format.top
        lower = np.clip(np.floor(ranks).astype(np.int64), 0, len(numbers) - 2)
        between = numbers[lower] * (1 - ranks % 1) + numbers[lower + 1] * (ranks % 1)
        return np.asarray(between * op.scale.array.astype(np.float64))
    assert isinstance(op, Quantise), "the path ends in a quantiser"
    levels = _levels(rng, shape, op.out.lo, op.out.hi)
    zero_point, scale = (part.array.astype(np.float64) for part in (op.zero_point, op.scale))
    return np.asarray((levels - zero_point) * scale)


def _levels(rng: np.random.Generator, shape: Shape, lo: int, hi: int) -> Array:
    span = hi - lo
    rows = (shape[0],) + (1,) * (len(shape) - 1)
    centre = rng.uniform(lo, hi, rows)
    spread = span * rng.uniform(0.0, 1.0, rows)
    noise = rng.uniform(-1.0, 1.0, shape)
    noise[2::4] = _in_blocks(noise[2::4])
    levels = np.clip(centre + spread * noise, lo - _MARGIN * span, hi + _MARGIN * span)
    exact: IntArray = rng.integers(lo, hi + 1, shape)
    levels[::4] = exact[::4]
    levels[:1], levels[1:2] = lo, hi
    return np.asarray(levels)


def _in_blocks(noise: Array) -> Array:
    for axis in range(1, noise.ndim):
        if noise.shape[axis] >= 2 * _BLOCK:
            noise = noise.take(np.arange(noise.shape[axis]) // _BLOCK * _BLOCK, axis)
    return noise


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
    shape = graph.operand_types(node)[0].shape
    if shape != node.type.shape:  # pools and the like: the same numbers, some of them repeated
        y = np.stack([np.resize(frame, shape) for frame in y])
    return y
