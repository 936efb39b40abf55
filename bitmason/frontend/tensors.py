"""ONNX tensors to NumPy, without trusting them.

Invariant: nothing is allocated before the declared shape was compared with the bytes present.
"""

from __future__ import annotations

from math import prod
from typing import Final

import numpy as np
from onnx import TensorProto, numpy_helper

from bitmason.diagnostics import Loc, fail, quote
from bitmason.frontend.values import Constant
from bitmason.ir import Int, IntType, UInt
from bitmason.ir.types import Array

_BITS: Final[dict[int, int]] = {
    getattr(TensorProto, name): bits
    for bits, names in (
        (64, ("DOUBLE", "INT64", "UINT64")),
        (32, ("FLOAT", "INT32", "UINT32")),
        (16, ("FLOAT16", "BFLOAT16", "INT16", "UINT16")),
        (8, ("INT8", "UINT8", "BOOL")),
        (4, ("INT4", "UINT4")),
        (2, ("INT2", "UINT2")),
    )
    for name in names
    if hasattr(TensorProto, name)
}
_INTEGERS: Final[dict[int, IntType]] = {
    getattr(TensorProto, f"{prefix}INT{bits}"): kind(bits)
    for prefix, kind in (("", Int), ("U", UInt))
    for bits in (2, 4, 8, 16, 32)
    if hasattr(TensorProto, f"{prefix}INT{bits}")
}
KEPT = frozenset(np.dtype(kind) for kind in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "bool"))


def bytes_needed(tensor: TensorProto, loc: Loc) -> int:
    """Return how many bytes the elements of `tensor` take, from its shape and type alone."""
    bits = _BITS.get(tensor.data_type)
    if bits is None:
        message = f"tensor {quote(tensor.name)} has an element type that is not supported"
        fail("F014", message, loc=loc)
    if any(dim < 0 for dim in tensor.dims):
        fail("F001", f"tensor {quote(tensor.name)} has a negative dimension", loc=loc)
    elements: int = prod(tensor.dims)
    return (elements * bits + 7) // 8


def check_size(tensor: TensorProto, loc: Loc) -> None:
    """Compare the declared shape of `tensor` with the data it holds.

    Raises:
        CompileError: F001 where they differ.
    """
    needed = bytes_needed(tensor, loc)
    bits = _BITS[tensor.data_type]
    if tensor.HasField("raw_data"):
        held, unit = len(tensor.raw_data), "bytes"
    else:
        fields = (tensor.float_data, tensor.int32_data, tensor.int64_data)
        held = sum(map(len, (*fields, tensor.double_data, tensor.uint64_data)))
        unit = "elements"
        needed = needed if bits < 8 else prod(tensor.dims)
    if held != needed:
        fail(
            "F001",
            f"tensor {quote(tensor.name)} of shape {list(tensor.dims)} needs {needed} {unit}, "
            f"the file holds {held}",
            loc=loc,
            help="the file is damaged: export the model again",
        )


def to_constant(tensor: TensorProto, loc: Loc) -> Constant:
    """Return the content of `tensor`.

    Raises:
        CompileError: F001 where shape and data differ, F014 for types that no importer reads.
    """
    check_size(tensor, loc)
    try:
        array: Array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, OverflowError) as error:
        fail("F001", f"tensor {quote(tensor.name)} cannot be read: {error}", loc=loc)
    return Constant(_plain(array, tensor, loc), _INTEGERS.get(tensor.data_type))


def _plain(array: Array, tensor: TensorProto, loc: Loc) -> Array:
    if array.dtype in KEPT:
        return array
    if tensor.data_type in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
        return array.astype(np.float32)
    if tensor.data_type == TensorProto.UINT64 and array.size and array.max() > np.iinfo("i8").max:
        fail("F014", f"tensor {quote(tensor.name)} holds integers of more than 63 bits", loc=loc)
    return array.astype(np.int64)
