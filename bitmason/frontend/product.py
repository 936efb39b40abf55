"""Products of activations and constant matrices, with every scale moved behind the integers.

Invariant: scales are moved as exact fractions; where they vary along the summed axis they are
joined by whole multiples inside the weights, or refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.affine import Affine, affine_of, emit_real
from bitmason.frontend.context import Context
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.rationals import common_step, compress, last_axis, weighted_sums, zero
from bitmason.frontend.values import Activation, Constant, Quantised, Value
from bitmason.ir import Const, IntType, int_type
from bitmason.ir.ops.dense import Dense
from bitmason.ir.types import Array, IntArray

_MAX_JOINED_BITS = 16


@dataclass(frozen=True, eq=False)
class _Matrix:
    """Integer weights `(outputs, inputs)`, their type, and the scale of each output or of all."""

    weights: IntArray
    elem: IntType
    scale: Array


def dense(
    node: NodeView, ctx: Context, x: Activation, weights: Value, alpha: Fraction = Fraction(1)
) -> Activation:
    """Add `alpha * x @ weights.T` to the graph; `weights` has shape outputs x inputs."""
    matrix = _quantised(node, ctx, weights)
    shape = ctx.frame(x)
    if not shape or shape[-1] != matrix.codes.shape[1]:
        found = f"{list(matrix.codes.shape[::-1])} do not fit {[1, *shape]}"
        ctx.refuse(node, f"weights of shape {found}")
    flow = affine_of(ctx, x)
    if flow is None:
        fail(
            "F009",
            "the activations of this matrix product are not quantised",
            loc=node.loc,
            help="put an activation quantiser (QuantIdentity, QuantReLU) in front of the layer",
        )
    scale, offset = (_along_channels(node, ctx, flow, part) for part in (flow.scale, flow.offset))
    joined = _join(node, matrix, scale)
    op = Dense(Const.integers(joined.weights), joined.elem)
    sums = ctx.emit(op, [flow.integers], node.loc, node.label)
    moved = Affine(sums, joined.scale * alpha, _moved_offset(matrix, offset) * alpha)
    return emit_real(ctx, node, moved, f"{node.label}_real")


def _quantised(node: NodeView, ctx: Context, weights: Value) -> Quantised:
    if isinstance(weights, Constant):
        ctx.finite(node, weights.array, "the weights")
        fail(
            "F008",
            "the weights of this matrix product are not quantised",
            loc=node.loc,
            help="use a quantised layer (Brevitas QuantLinear) with a weight quantiser",
        )
    if not isinstance(weights, Quantised) or weights.codes.ndim != 2 or not weights.codes.size:
        ctx.refuse(node, f"{node.op} needs constant weights with two axes")
    return weights


def _along_channels(node: NodeView, ctx: Context, flow: Affine, part: Array) -> Array:
    found = last_axis(part, ctx.frame(flow.integers))
    if found is None:
        fail(
            "F016",
            "the scale of the activations varies along an axis that is not summed",
            loc=node.loc,
            help="use one scale per tensor, or one per channel of the last axis",
        )
    return np.array(found, dtype=object)


def _shifted(matrix: Quantised) -> tuple[IntArray, IntType]:
    if not matrix.zero_point.any():
        return matrix.codes, matrix.elem
    lowest, highest = int(matrix.zero_point.min()), int(matrix.zero_point.max())
    elem = int_type(matrix.elem.lo - highest, matrix.elem.hi - lowest)
    return matrix.codes - matrix.zero_point, elem


def _scale_matrix(matrix: Quantised) -> Array:
    """Return the weight scales with two axes, of length 1 where they do not vary."""
    return compress(matrix.scale.reshape((1,) * (2 - matrix.scale.ndim) + matrix.scale.shape))


def _join(node: NodeView, matrix: Quantised, scale: Array) -> _Matrix:
    """Fold scales that vary along the inputs into the weights as whole multiples."""
    weights, elem = _shifted(matrix)
    both = _scale_matrix(matrix) * scale
    if both.shape[1] == 1:
        return _Matrix(weights, elem, both[:, 0])
    steps = np.array([common_step(row) for row in both], dtype=object)
    multiples = both / steps[:, np.newaxis]
    joined = weights.astype(object) * multiples
    lo, hi = int(joined.min()), int(joined.max())
    if not -(2 ** (_MAX_JOINED_BITS - 1)) <= lo <= hi < 2 ** (_MAX_JOINED_BITS - 1):
        fail(
            "F016",
            "the scales along the inputs of this matrix product have no common step that keeps the "
            f"weights within {_MAX_JOINED_BITS} bits: they would reach {lo}..{hi}",
            loc=node.loc,
            help="use one activation scale per tensor (per-output-channel weight scales are fine)",
        )
    return _Matrix(joined.astype(np.int64), int_type(lo, hi), steps)


def _moved_offset(matrix: Quantised, offset: Array) -> Array:
    """Return what a constant added to the activations adds to each output."""
    if not any(offset):
        return zero()
    weights, _ = _shifted(matrix)
    scale = _scale_matrix(matrix)
    if scale.shape[1] == 1:
        inputs = np.broadcast_to(offset, weights.shape[1])
        return weighted_sums(weights.T, inputs) * scale[:, 0]
    terms: Array = weights.astype(object) * scale * offset
    return np.asarray(terms.sum(axis=1))
