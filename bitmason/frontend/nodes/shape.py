"""Operators that rearrange elements, and those that only look at a shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from bitmason.frontend.context import Context
from bitmason.frontend.layout import reshape, transpose
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.registry import imports
from bitmason.frontend.tensors import to_constant
from bitmason.frontend.values import Activation, Codes, Constant, Poison, Quantised, Value
from bitmason.ir.types import Shape


@imports("Identity")
def identity(node: NodeView, ctx: Context) -> Value:
    """Import what does nothing."""
    return ctx.value(node, 0)


@imports("Dropout")
def dropout(node: NodeView, ctx: Context) -> Value:
    """Import Dropout, which does nothing at inference."""
    if node.has_input(2) and ctx.constant(node, 2, "training_mode").any():
        ctx.refuse(node, "Dropout in training mode is random", "export the model in eval mode")
    return ctx.value(node, 0)


@imports("Constant")
def constant(node: NodeView, ctx: Context) -> Value:
    """Import a constant in any of its numeric forms."""
    tensor = node.tensor("value")
    if tensor is not None:
        return to_constant(tensor, node.loc)
    if "value_float" in node:
        return Constant(np.array(node.number("value_float", 0.0), np.float32))
    if "value_floats" in node:
        return Constant(np.array(node.numbers("value_floats"), np.float32))
    if "value_int" in node:
        return Constant(np.array(node.integer("value_int", 0), np.int64))
    if "value_ints" in node:
        return Constant(np.array(node.integers("value_ints"), np.int64))
    ctx.refuse(node, "Constant holds neither a tensor nor numbers")


@imports("Shape")
def shape_of(node: NodeView, ctx: Context) -> Value:
    """Import Shape: shapes are static, so it is a constant."""
    shape = _shape(node, ctx)
    end = node.integer("end", len(shape))
    return Constant(np.array(shape[node.integer("start", 0) : end], np.int64))


@imports("Reshape")
def reshape_to(node: NodeView, ctx: Context) -> Value:
    """Import Reshape with a constant target, which may hold 0 (copy) and -1 (infer)."""
    shape = _shape(node, ctx)
    target = list(ctx.integer_list(node, 1, "shape") or ())
    if not node.integer("allowzero", 0):
        target = [shape[i] if size == 0 else size for i, size in enumerate(target)]
    rest = prod(size for size in target if size != -1)
    if -1 in target and rest:
        target[target.index(-1)] = prod(shape) // rest
    if any(size < 0 for size in target) or prod(target) != prod(shape):
        ctx.refuse(node, f"cannot give {list(shape)} the shape {target}")
    return _reshaped(node, ctx, tuple(target))


@imports("Flatten")
def flatten(node: NodeView, ctx: Context) -> Value:
    """Import Flatten to two axes."""
    shape = _shape(node, ctx)
    axis = node.integer("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        ctx.refuse(node, f"Flatten at axis {axis} of a tensor that has {len(shape)}")
    axis += len(shape) if axis < 0 else 0
    return _reshaped(node, ctx, (prod(shape[:axis]), prod(shape[axis:])))


@imports("Squeeze")
def squeeze(node: NodeView, ctx: Context) -> Value:
    """Import Squeeze of axes of length 1."""
    shape = _shape(node, ctx)
    given = ctx.integer_list(node, 1, "axes")
    ones = tuple(axis for axis, size in enumerate(shape) if size == 1)
    axes = _axes(node, ctx, ones if given is None else given, len(shape))
    if not set(axes) <= set(ones):
        ctx.refuse(node, f"cannot squeeze axes {sorted(axes)} of {list(shape)}")
    if 0 in axes and isinstance(ctx.value(node, 0), Activation):
        ctx.refuse(node, "Squeeze would remove the batch axis", "give it the axes to remove")
    return _reshaped(node, ctx, tuple(n for axis, n in enumerate(shape) if axis not in axes))


@imports("Unsqueeze")
def unsqueeze(node: NodeView, ctx: Context) -> Value:
    """Import Unsqueeze: new axes of length 1."""
    shape = _shape(node, ctx)
    given = ctx.integer_list(node, 1, "axes") or ()
    axes = _axes(node, ctx, given, len(shape) + len(given))
    sizes = iter(shape)
    rank = len(shape) + len(axes)
    target = tuple(1 if axis in axes else next(sizes) for axis in range(rank))
    return _reshaped(node, ctx, target)


@imports("Transpose")
def permute(node: NodeView, ctx: Context) -> Value:
    """Import Transpose; the batch axis stays in front."""
    shape = _shape(node, ctx)
    perm = node.integers("perm") or tuple(reversed(range(len(shape))))
    if sorted(perm) != list(range(len(shape))):
        ctx.refuse(node, f"{list(perm)} is not a permutation of the axes of {list(shape)}")
    value = ctx.value(node, 0)
    if isinstance(value, Constant):
        return Constant(value.array.transpose(perm), value.elem)
    if isinstance(value, Quantised):
        return value.transposed(perm)
    assert isinstance(value, Activation)
    if perm[0] != 0:
        ctx.refuse(node, f"Transpose {list(perm)} would move the batch axis")
    return transpose(node, ctx, value, tuple(axis - 1 for axis in perm[1:]))


def _shape(node: NodeView, ctx: Context) -> Shape:
    """Return the shape of the first operand as the file has it, batch axis included."""
    match ctx.value(node, 0):
        case Constant(array=array) | Quantised(codes=array):
            return array.shape
        case Activation() as x:
            return (1, *ctx.frame(x))
        case Codes() | Poison():
            ctx.refuse(node, f"{node.op} between QuantizeLinear and DequantizeLinear")


def _axes(node: NodeView, ctx: Context, axes: Sequence[int], rank: int) -> tuple[int, ...]:
    if any(not -rank <= axis < rank for axis in axes) or len(set(axes)) != len(axes):
        ctx.refuse(node, f"{node.op} names axes {list(axes)} of a tensor that has {rank}")
    return tuple(axis % rank for axis in axes)


def _reshaped(node: NodeView, ctx: Context, target: Shape) -> Value:
    value = ctx.value(node, 0)
    if isinstance(value, Constant):
        return Constant(value.array.reshape(target), value.elem)
    if isinstance(value, Quantised):
        return value.reshaped(target)
    assert isinstance(value, Activation)
    if not target or target[0] != 1:
        ctx.refuse(node, f"{node.op} to {list(target)} would mix the batch axis into the frame")
    return reshape(node, ctx, value, target[1:])
