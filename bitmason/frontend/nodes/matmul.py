"""Matrix products: MatMul and Gemm."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from bitmason.frontend.context import Context
from bitmason.frontend.layout import transpose
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.product import dense
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Constant, Quantised, Value
from bitmason.ir.ops.real import AddConst
from bitmason.ir.types import Array


@imports("MatMul")
def matmul(node: NodeView, ctx: Context) -> Value:
    """Import MatMul with constant weights on either side."""
    left, right = ctx.value(node, 0), ctx.value(node, 1)
    if isinstance(left, Activation) and isinstance(right, Activation):
        ctx.refuse(node, "MatMul needs constant weights, both of its operands are activations")
    if isinstance(left, Activation):
        return dense(node, ctx, ctx.activation(node, 0), _transposed(right))
    x = ctx.activation(node, 1)
    rank = len(ctx.frame(x))
    if rank < 2:
        ctx.refuse(node, "weights on the left need an activation of two axes besides the batch")
    swap = (*range(rank - 2), rank - 1, rank - 2)
    turned = transpose(node, ctx, x, swap)
    return transpose(node, ctx, dense(node, ctx, turned, left), swap)


@imports("Gemm")
def gemm(node: NodeView, ctx: Context) -> Value:
    """Import Gemm: `alpha * a @ b + beta * c` with constant `b` and `c`."""
    if not isinstance(ctx.value(node, 0), Activation):
        ctx.refuse(node, "Gemm needs the activation first and the weights second")
    x = ctx.activation(node, 0)
    if node.integer("transA", 0):
        ctx.refuse(node, "Gemm with transA would turn the batch axis into channels")
    weights = ctx.value(node, 1)
    if not node.integer("transB", 0):
        weights = _transposed(weights)
    alpha = Fraction(float(np.float32(node.number("alpha", 1.0))))
    if alpha == 0:
        ctx.refuse(node, "Gemm with alpha 0 ignores its weights")
    product = dense(node, ctx, x, weights, alpha)
    if not node.has_input(2):
        return product
    return _biased(node, ctx, product)


def _biased(node: NodeView, ctx: Context, product: Activation) -> Activation:
    bias: Array = ctx.constant(node, 2, "the bias")
    beta = node.number("beta", 1.0)
    if beta != 1.0:
        bias = bias.astype(np.float64) * beta
    value = ctx.for_frame(node, bias, product, "a bias")
    return ctx.emit(AddConst(value), [product], node.loc, f"{node.label}_bias")


def _transposed(weights: Value) -> Value:
    """Return weights as outputs x inputs; those of other ranks are refused later."""
    match weights:
        case Quantised(codes=codes) if codes.ndim == 2:
            return weights.transposed((1, 0))
        case Constant(array=array) if array.ndim == 2:
            return replace(weights, array=array.T)
    return weights
