"""Products of activations and constant weights, with every scale moved behind the integers.

Invariant: scales are moved as exact fractions; where they vary along the summed elements they are
joined by whole multiples inside the weights, or refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.affine import Affine, affine_of, emit_real
from bitmason.frontend.context import Context
from bitmason.frontend.layout import rows
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.rationals import common_step, compress, last_axis, weighted_sums, zero
from bitmason.frontend.values import Activation, Constant, Quantised, Value
from bitmason.ir import Const, IntType, int_type
from bitmason.ir.ops.dense import Dense
from bitmason.ir.types import Array, IntArray

_MAX_JOINED_BITS = 16
_EXACT_INTEGERS = 2**24  # in float32


@dataclass(frozen=True, eq=False)
class Product:
    """Integer weights `(outputs, inputs)`, their type, and what the integer sums stand for.

    The real result of output `n` is `sum * scale[n] + offset[n]`; one entry serves all outputs.
    """

    weights: IntArray
    elem: IntType
    scale: Array
    offset: Array


def dense(
    node: NodeView, ctx: Context, x: Activation, weights: Value, alpha: Fraction = Fraction(1)
) -> Activation:
    """Add `alpha * x @ weights.T` to the graph; `weights` has shape outputs x inputs."""
    matrix = quantised_weights(node, ctx, weights, 2, "matrix product")
    shape = ctx.frame(x)
    if not shape or shape[-1] != matrix.codes.shape[1]:
        found = f"{list(matrix.codes.shape[::-1])} do not fit {[1, *shape]}"
        ctx.refuse(node, f"weights of shape {found}")
    x, places = rows(node, ctx, x)
    if places is not None:
        matrix = matrix.columns(places)
    flow = quantised_operand(node, ctx, x, "matrix product")
    scale, offset = (_along_channels(node, ctx, flow, part) for part in (flow.scale, flow.offset))
    moved = product(node, matrix, scale, offset, "matrix product")
    op = Dense(Const.integers(moved.weights), moved.elem)
    sums = ctx.emit(op, [flow.integers], node.loc, node.label)
    real = Affine(sums, moved.scale * alpha, moved.offset * alpha)
    return emit_real(ctx, node, real, f"{node.label}_real")


def product(node: NodeView, matrix: Quantised, scale: Array, offset: Array, what: str) -> Product:
    """Move the scales of `matrix` and of the activations, and their offset, behind the sums.

    Args:
        node: the product in the file.
        matrix: weights `(outputs, inputs)`.
        scale: of the activations; broadcasts to `(outputs, inputs)`, as does `offset`.
        offset: what is added to the scaled integers of the activations.
        what: name of the operation in messages.
    """
    joined = _join(node, matrix, scale, what)
    return replace(joined, offset=_moved_offset(matrix, offset))


def quantised_operand(node: NodeView, ctx: Context, x: Activation, what: str) -> Affine:
    """Return `x` as an affine function of integers, which a product or a pool needs."""
    flow = affine_of(ctx, x)
    if flow is None:
        fail(
            "F009",
            f"the activations of this {what} are not quantised",
            loc=node.loc,
            help="put an activation quantiser (QuantIdentity, QuantReLU) in front of the layer",
        )
    return flow


def quantised_weights(
    node: NodeView, ctx: Context, weights: Value, axes: int, what: str
) -> Quantised:
    """Return constant weights as integers; plain whole numbers stand for themselves."""
    if isinstance(weights, Constant):
        ctx.finite(node, weights.array, "the weights")
        weights = _whole(weights) or weights
    if isinstance(weights, Constant):
        fail(
            "F008",
            f"the weights of this {what} are not quantised",
            loc=node.loc,
            help=f"use a quantised layer (Brevitas {_LAYERS[what]}) with a weight quantiser",
        )
    if not isinstance(weights, Quantised) or weights.codes.ndim != axes or not weights.codes.size:
        number = {2: "two", 3: "three", 4: "four"}[axes]
        ctx.refuse(node, f"{node.op} needs constant weights with {number} axes")
    return weights


_LAYERS = {
    "matrix product": "QuantLinear",
    "convolution": "QuantConv1d, QuantConv2d",
    "transposed convolution": "QuantConvTranspose2d",
}


def _whole(weights: Constant) -> Quantised | None:
    array = weights.array
    if not array.size or np.any(array != np.round(array)) or np.abs(array).max() > _EXACT_INTEGERS:
        return None
    codes = array.astype(np.int64)
    elem = weights.elem or int_type(int(codes.min()), int(codes.max()))
    return Quantised(codes, 1 - zero(), np.zeros((), np.int64), elem)


def _along_channels(node: NodeView, ctx: Context, flow: Affine, part: Array) -> Array:
    found = last_axis(part, ctx.shape(flow.integers))
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


def _join(node: NodeView, matrix: Quantised, scale: Array, what: str) -> Product:
    """Fold scales that vary along the inputs into the weights as whole multiples."""
    weights, elem = _shifted(matrix)
    both = compress(_scale_matrix(matrix) * scale)
    if both.shape[1] == 1:
        return Product(weights, elem, both[:, 0], zero())
    steps = np.array([common_step(row) for row in both], dtype=object)
    multiples = both / steps[:, np.newaxis]
    joined = weights.astype(object) * multiples
    lo, hi = int(joined.min()), int(joined.max())
    if not -(2 ** (_MAX_JOINED_BITS - 1)) <= lo <= hi < 2 ** (_MAX_JOINED_BITS - 1):
        fail(
            "F016",
            f"the scales along the inputs of this {what} have no common step that keeps the "
            f"weights within {_MAX_JOINED_BITS} bits: they would reach {lo}..{hi}",
            loc=node.loc,
            help="use one activation scale per tensor (per-output-channel weight scales are fine)",
        )
    return Product(joined.astype(np.int64), int_type(lo, hi), steps, zero())


def _moved_offset(matrix: Quantised, offset: Array) -> Array:
    """Return what a constant added to the activations adds to each output."""
    small = compress(np.atleast_2d(offset))
    if not small.any():
        return zero()
    weights, _ = _shifted(matrix)
    scale = _scale_matrix(matrix)
    if scale.shape[1] == small.shape[0] == 1:
        inputs = np.broadcast_to(small[0], weights.shape[1])
        return weighted_sums(weights.T, inputs) * scale[:, 0]
    terms: Array = weights.astype(object) * scale * small
    return np.asarray(terms.sum(axis=1))
