"""Multipliers, and whether look-up tables or DSP blocks make them at less cost."""

from __future__ import annotations

from math import ceil

from bitmason.backends.design import Prices, Resources
from bitmason.ir.types import IntType

MULTIPLIERS = ("lut", "dsp")


def multiplier_luts(a_bits: int, b_bits: int) -> int:
    """Return the look-up tables of one product, by the model of FINN-R (arXiv 1809.04570)."""
    bits = a_bits + b_bits
    return (2 * ceil(bits / 6) - 1) * bits


def takes_dsp(
    wanted: str,
    operands: tuple[IntType, IntType],
    in_luts: Resources,
    in_blocks: Resources,
    prices: Prices,
) -> bool:
    """Return whether to build with DSP blocks: as `wanted` says, the cheaper way if it is empty.

    A product with a single bit is a row of gates, whatever the model of its cost says.
    """
    if wanted:
        return wanted == "dsp"
    is_product = min(operand.bits for operand in operands) > 1
    return is_product and in_blocks.price(prices) < in_luts.price(prices)
