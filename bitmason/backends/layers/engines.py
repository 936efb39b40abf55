"""The engines that can build a product."""

from __future__ import annotations

from math import ceil

from bitmason.backends.design import Resources
from bitmason.ir.graph import Op
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.xnor_popcount import XnorPopcount

BITSERIAL = "bitserial"
MINIFLOAT = "minifloat"
RAS = "ras"
_SPARSE = 0.5  # below, lists of what is not zero save nothing, and take time to make
# Measured with yosys synth_xilinx -family xc7 (benchmarks/popcount_area.py).
_LUT_PER_COUNTED_BIT = {"generic": 1.65, "xilinx": 0.98}


def popcount(bits: int, target: str, stages: int) -> Resources:
    """Return the cost of counting `bits` products of bits, with registers at `stages` places."""
    lut = ceil(bits * _LUT_PER_COUNTED_BIT[target])
    return Resources(lut=lut, ff=ceil(stages * (0.15 * bits + 6)))


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
    if not isinstance(op, Dense):
        return ("parallel", BITSERIAL) if isinstance(op, Depthwise) else ()
    engines = ["parallel"]
    if op.compressed is not None:
        engines.append(MINIFLOAT)
    if op.ranks is None:  # these two take integers as they are
        engines.append(BITSERIAL)
        if op.codebook is not None and op.codebook.values:
            engines.append(RAS)
    return tuple(engines)


def is_offered(op: Op, engine: str) -> bool:
    """Return whether an engine is to be looked at where nobody asks for it."""
    return engine != RAS or (isinstance(op, Dense) and op.sparsity >= _SPARSE)
