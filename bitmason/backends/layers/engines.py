"""The engines that can build a product."""

from __future__ import annotations

from bitmason.ir.graph import Op
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.xnor_popcount import XnorPopcount

BITSERIAL = "bitserial"


def is_reducible(op: Op) -> bool:
    """Return whether the precision of a product may change from frame to frame."""
    return isinstance(op, Dense | Depthwise) and bool(op.cleared)


def engines_of(op: Op) -> tuple[str, ...]:
    """Return the engines of a product, none for other operations; the first one is the default.

    Where precision changes from frame to frame there is but one.
    """
    if is_reducible(op):
        return (BITSERIAL,)
    if isinstance(op, XnorPopcount):
        return ("xnor", BITSERIAL)
    return ("parallel", BITSERIAL) if isinstance(op, Dense | Depthwise) else ()
