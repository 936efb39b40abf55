"""Matrix-vector product of one-bit values, counted instead of multiplied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from bitmason.diagnostics import fail
from bitmason.ir.constant import Const
from bitmason.ir.graph import Op
from bitmason.ir.ops.dense import check_product_operand, exact_product
from bitmason.ir.types import Array, Bipolar, IntArray, TensorType, int_type


@dataclass(frozen=True)
class XnorPopcount(Op):
    """For each row of a bipolar matrix, count the positions where operand and row agree.

    `y[..., n] = sum(x[..., k] == weights[n, k] for k)`, for `x` and `weights` in {-1, +1}. With
    K columns the product of the two is `2 * y - K` (QONNX XnorPopcountMatMul; systems of Umuroglu
    et al., FINN, 2017), an affine map that the following thresholds absorb at no cost. `groups`
    as in `Dense`.
    """

    name: ClassVar[str] = "xnor_popcount"

    weights: Const
    groups: int = 1

    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        (x,) = operands
        outputs = check_product_operand(self.name, x, self.weights, Bipolar(), self.groups)
        if not isinstance(x.elem, Bipolar):
            fail("I001", f"xnor_popcount needs a bipolar operand, found {x}")
        return TensorType((*x.shape[:-1], outputs), int_type(0, self.weights.shape[1]))

    @cached_property
    def _cast(self) -> dict[type, Array]:
        return {}

    def evaluate(self, *operands: Array) -> IntArray:
        (x,) = operands
        columns = self.weights.shape[1]
        product = exact_product(x, self.weights, (columns, 1), self._cast, self.groups)
        product += product.dtype.type(columns)
        product >>= 1
        return product
