"""What memories cost, and where they are best kept."""

from __future__ import annotations

from bitmason.backends.design import Prices, Resources

STYLES = ("block", "logic")
STANDARD = Prices()
# Configurations of one 18-kbit block RAM as a read-only memory: words x bits.
_BRAM18_SHAPES = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))
_ROM_WORDS_PER_LUT = 64
BRAM18_BITS = 18 * 1024


def rom(words: int, bits: int, style: str, prices: Prices = STANDARD) -> tuple[str, Resources]:
    """Return the style and the cost of a memory of `words` x `bits`; the cheaper style if empty.

    A single word is a constant and costs nothing. LUT memories hold 64 words in one LUT6.
    """
    if words <= 1:
        return "logic", Resources()
    in_luts = Resources(lut=_lut_rom(words, bits), ff=bits)
    in_blocks = Resources(bram18=_blocks(words, bits))
    if not style:
        style = "block" if in_blocks.price(prices) < in_luts.price(prices) else "logic"
    return style, in_blocks if style == "block" else in_luts


def _lut_rom(words: int, bits: int) -> int:
    if words <= _ROM_WORDS_PER_LUT // 2:  # two tables of five inputs share a LUT6
        return -(-bits // 2)
    banks = -(-words // _ROM_WORDS_PER_LUT)
    multiplexer = 0 if banks == 1 else -(-banks // 3)
    return bits * (banks + multiplexer)


def lut_ram(words: int, bits: int) -> int:
    """Return the LUTs of a two-port LUT memory: two LUTs hold 64 words of one bit."""
    if words <= 32:
        return -(-bits * 4 // 6)
    return bits * 2 * -(-words // _ROM_WORDS_PER_LUT)


def ram(words: int, bits: int, style: str, prices: Prices = STANDARD) -> tuple[str, Resources]:
    """Return the style and the cost of a memory with one write and one read port."""
    if words * bits == 0:
        return "logic", Resources()
    in_luts = Resources(lut=lut_ram(words, bits), ff=bits)
    in_blocks = Resources(bram18=_blocks(words, bits))
    if not style:
        style = "block" if in_blocks.price(prices) < in_luts.price(prices) else "logic"
    return style, in_blocks if style == "block" else in_luts


def _blocks(words: int, bits: int) -> int:
    """Return the block RAMs of 18 kbit that hold `words` x `bits`."""
    return min(-(-words // w) * -(-bits // b) for w, b in _BRAM18_SHAPES)
