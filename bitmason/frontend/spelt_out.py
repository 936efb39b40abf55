"""Integer weights that a file turns into real numbers by Cast, Sub and Mul.

Invariant: the codes, zero point and scale found here stand for the very numbers that those
operators compute, rounded to float32 as they do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from bitmason.frontend.node_view import NodeView
from bitmason.frontend.rationals import rational, zero
from bitmason.frontend.values import Constant, Quantised, Value
from bitmason.ir.types import Array, broadcasts

_FLOATS = frozenset({TensorProto.FLOAT, TensorProto.DOUBLE})


def spelt_out_quantiser(node: NodeView, operands: Sequence[Value]) -> Quantised | None:
    """Return the result of `node` as scaled integers if it is a step of dequantising constants."""
    match node.op, operands:
        case "Cast", [Constant(array=array, elem=elem)]:
            if elem is not None and array.dtype.kind in "iu" and node.integer("to", 1) in _FLOATS:
                codes = array.astype(np.int64)
                return Quantised(codes, 1 - zero(), np.zeros((), np.int64), elem)
        case "Cast", [Quantised() as found] if node.integer("to", 1) == TensorProto.FLOAT:
            return found
        case "Sub", [Quantised() as found, Constant(array=array)]:
            return _shifted(found, array)
        case "Mul", [Quantised() as found, Constant(array=array)]:
            return _scaled(found, array)
        case "Mul", [Constant(array=array), Quantised() as found]:
            return _scaled(found, array)
    return None


def _shifted(found: Quantised, array: Array) -> Quantised | None:
    fits = broadcasts(array.shape, found.codes.shape) and np.all(array == np.round(array))
    if not fits or found.zero_point.any() or not _is_unscaled(found):
        return None
    return Quantised(found.codes, found.scale, array.astype(np.int64), found.elem)


def _scaled(found: Quantised, array: Array) -> Quantised | None:
    fits = broadcasts(array.shape, found.codes.shape) and np.all(np.isfinite(array) & (array > 0))
    if not fits or not _is_unscaled(found):
        return None
    return Quantised(found.codes, rational(array), found.zero_point, found.elem)


def _is_unscaled(found: Quantised) -> bool:
    return found.scale.size == 1 and found.scale.reshape(-1)[0] == 1
