"""Fold operators whose operands are all constants.

Invariant: a result larger than `MAX_ELEMENTS` is refused before it is allocated, however few bytes
of the file describe it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
from onnx import helper

from bitmason.diagnostics import fail
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.tensors import KEPT, to_constant
from bitmason.frontend.values import Constant
from bitmason.ir.types import Array

MAX_ELEMENTS = 2**24


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f" or b.dtype.kind == "f":
        return np.asarray(a / b)
    return np.asarray(np.trunc(a / b).astype(a.dtype))


ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": _divide,
    "Pow": lambda a, b: np.power(a, b).astype(a.dtype),
    "Min": lambda *arrays: np.minimum.reduce(np.broadcast_arrays(*arrays)),
    "Max": lambda *arrays: np.maximum.reduce(np.broadcast_arrays(*arrays)),
    "Neg": np.negative,
    "Abs": np.abs,
    "Sqrt": np.sqrt,
    "Exp": np.exp,
    "Log": np.log,
    "Reciprocal": np.reciprocal,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.round,
    "Relu": lambda x: np.maximum(x, 0),
    "Equal": np.equal,
    "Where": np.where,
}
_ARITIES = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow", "Equal", "Gather", "Expand"), 2),
    **dict.fromkeys(("Neg", "Abs", "Sqrt", "Exp", "Log", "Reciprocal", "Floor", "Ceil"), 1),
    **dict.fromkeys(("Round", "Relu", "Cast", "ConstantOfShape"), 1),
    "Where": 3,
}


def fold(node: NodeView, arrays: Sequence[Array]) -> Constant | None:
    """Return the result of `node` on constant operands, or None for operators not folded here."""
    _check_arity(node, len(arrays))
    if node.op in ELEMENTWISE:
        _check_budget(node, prod(np.broadcast_shapes(*(array.shape for array in arrays))))
        with np.errstate(all="ignore"):
            return _constant(ELEMENTWISE[node.op](*arrays))
    folder = _FOLDERS.get(node.op)
    return None if folder is None else _constant(folder(node, *arrays))


def _check_arity(node: NodeView, count: int) -> None:
    wanted = _ARITIES.get(node.op, count)
    if count != wanted:
        fail("F014", f"{node.op} takes {wanted} operands, this one has {count}", loc=node.loc)


def is_folded(op_type: str) -> bool:
    """Return whether `fold` knows the operator."""
    return op_type in ELEMENTWISE or op_type in _FOLDERS


def _constant(array: Array) -> Constant:
    plain = np.asarray(array)
    if plain.dtype in KEPT:
        return Constant(plain)
    return Constant(plain.astype(np.float32 if plain.dtype.kind == "f" else np.int64))


def _check_budget(node: NodeView, elements: int) -> None:
    if elements > MAX_ELEMENTS:
        made = f"{node.op} on constants makes {elements} numbers"
        fail("F014", f"{made}, at most {MAX_ELEMENTS} are folded", loc=node.loc)


def _cast(node: NodeView, x: Array) -> Array:
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(node.integer("to", 1)))
    return x.astype(dtype if dtype.kind in "fiub" else np.float32)


def _gather(node: NodeView, data: Array, indices: Array) -> Array:
    axis = node.integer("axis", 0)
    _check_budget(node, data.size // max(data.shape[axis], 1) * indices.size)
    return np.asarray(np.take(data, indices.astype(np.int64), axis=axis))


def _concat(node: NodeView, *parts: Array) -> Array:
    _check_budget(node, sum(part.size for part in parts))
    return np.concatenate(parts, axis=node.integer("axis", 0))


def _slice(node: NodeView, data: Array, *bounds: Array) -> Array:
    starts, ends, axes, steps = _slice_bounds(node, bounds)
    picked = [slice(None)] * data.ndim
    for i, axis in enumerate(axes or range(len(starts))):
        picked[axis] = slice(starts[i], _end(ends[i], steps, i), steps[i] if steps else 1)
    return data[tuple(picked)]


def _end(end: int, steps: Sequence[int], index: int) -> int | None:
    """Return where a slice ends; backwards past the first element has no number in NumPy."""
    backwards = bool(steps) and steps[index] < 0
    return None if backwards and end < -(2**31) + 1 else end


def _slice_bounds(node: NodeView, bounds: Sequence[Array]) -> tuple[tuple[int, ...], ...]:
    if "starts" in node:
        return (*(node.integers(name) or () for name in ("starts", "ends", "axes")), ())
    given = dict(zip([name for name in range(1, 5) if node.has_input(name)], bounds, strict=True))
    empty = np.empty(0, np.int64)
    return tuple(
        tuple(int(item) for item in given.get(index, empty).reshape(-1)) for index in range(1, 5)
    )


def _constant_of_shape(node: NodeView, shape: Array) -> Array:
    sizes = tuple(int(size) for size in shape.reshape(-1))
    _check_budget(node, prod(sizes))
    value = node.tensor("value")
    filler = np.float32(0) if value is None else to_constant(value, node.loc).array.reshape(())
    return np.full(sizes, filler)


def _expand(node: NodeView, x: Array, shape: Array) -> Array:
    target = np.broadcast_shapes(x.shape, tuple(int(size) for size in shape.reshape(-1)))
    _check_budget(node, prod(target))
    return np.broadcast_to(x, target)


_FOLDERS: dict[str, Callable[..., Array]] = {
    "Cast": _cast,
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
}
