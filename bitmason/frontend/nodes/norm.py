"""Normalisation with constant statistics."""

from __future__ import annotations

import numpy as np

from bitmason.frontend.context import Context
from bitmason.frontend.images import CHANNELS_LAST
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Value
from bitmason.ir.ops.real import AddConst, MulConst
from bitmason.ir.types import Array


@imports("BatchNormalization")
def batch_normalization(node: NodeView, ctx: Context) -> Value:
    """Import inference-time BatchNormalization as a multiplication and an addition in float64."""
    if node.integer("training_mode", 0):
        ctx.refuse(node, "BatchNormalization is in training mode", "export the model in eval mode")
    x = ctx.activation(node, 0)
    shape = ctx.frame(x)
    axis = -1 if node.domain == CHANNELS_LAST else 0
    names = ("the scale", "the bias", "the mean", "the variance")
    gamma, beta, mean, variance = (
        _per_channel(node, ctx, index + 1, name, shape[axis] if shape else 0)
        for index, name in enumerate(names)
    )
    epsilon = np.float64(np.float32(node.number("epsilon", 1e-5)))
    if (variance + epsilon <= 0).any():
        ctx.refuse(node, "BatchNormalization has a variance that is not positive")
    factor = gamma / np.sqrt(variance + epsilon)
    across = (-1,) if axis else (-1,) + (1,) * (len(shape) - 1)
    scale, shift = (
        ctx.for_frame(node, row.reshape(across), x, "a constant")
        for row in (factor, beta - mean * factor)
    )
    scaled = ctx.emit(MulConst(scale), [x], node.loc, f"{node.label}_mul")
    return ctx.emit(AddConst(shift), [scaled], node.loc, f"{node.label}_add")


def _per_channel(node: NodeView, ctx: Context, index: int, what: str, channels: int) -> Array:
    row = ctx.constant(node, index, what)
    if row.shape != (channels,):
        ctx.refuse(node, f"{what} has shape {list(row.shape)}, the operand has {channels} channels")
    return row.astype(np.float64)
