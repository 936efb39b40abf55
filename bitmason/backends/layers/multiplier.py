"""Multipliers, and whether look-up tables or DSP blocks make them at less cost."""

from __future__ import annotations

from math import ceil

from bitmason.backends.design import Prices, Resources

MULTIPLIERS = ("lut", "dsp")


def multiplier_luts(a_bits: int, b_bits: int) -> int:
    """Return the look-up tables of one product, by the model of FINN-R (arXiv 1809.04570)."""
    bits = a_bits + b_bits
    return (2 * ceil(bits / 6) - 1) * bits


def takes_dsp(wanted: str, in_luts: Resources, in_blocks: Resources, prices: Prices) -> bool:
    """Return whether to build with DSP blocks: as `wanted` says, the cheaper way if it is empty."""
    if wanted:
        return wanted == "dsp"
    return in_blocks.price(prices) < in_luts.price(prices)
