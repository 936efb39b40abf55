"""Reduced precision: integers with their lowest bit planes cleared.

Invariant: what is left of a number keeps its scale. The planes below count as zeros, for negative
numbers too: in two's complement that is a floor.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bitmason.diagnostics import fail
from bitmason.ir.types import IntType

Integers = TypeVar("Integers", bound=npt.NDArray[np.signedinteger[Any]])


def clear_planes(values: Integers, planes: int) -> Integers:
    """Return `values` with their `planes` least significant bit planes cleared."""
    return (values >> planes) << planes if planes else values  # type: ignore[return-value]


def check_cleared(op: str, cleared: tuple[int, ...], weight: IntType, x: IntType) -> None:
    """Check that `cleared` planes of weights and operand leave one of each, or that it is empty.

    Raises:
        CompileError: I001 otherwise.
    """
    bits = (weight.bits, x.bits)
    pair = len(cleared) == 2
    if cleared and not (pair and all(0 <= c < b for c, b in zip(cleared, bits, strict=True))):
        fail("I001", f"{op} cannot clear {cleared} of the {bits} planes of weights and operand")
