"""Canonical Huffman codes of limited length, the best there are.

Invariant: the lengths say it all. Codes are numbered upwards by length and, within one length, by
symbol, so the numbers of a length follow one another, and those of a longer one follow these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bitmason.ir.types import IntArray

MOST_BITS = 12
LENGTH_BITS = 4  # of a length in a table


def code_lengths(frequencies: Sequence[int], most: int = MOST_BITS) -> tuple[int, ...]:
    """Return the lengths, at most `most`, that make the shortest string; 0 for what never occurs.

    By package-merge (Larmore and Hirschberg). A single symbol gets one bit.
    """
    used = [symbol for symbol, count in enumerate(frequencies) if count]
    assert 1 <= len(used) <= 1 << most, (len(used), most)
    leaves: list[tuple[int, tuple[int, ...]]]
    leaves = sorted((int(frequencies[symbol]), (symbol,)) for symbol in used)
    coins = leaves
    for _ in range(most - 1):
        pairs = zip(coins[::2], coins[1::2], strict=False)
        packages = [(low + high, left + right) for (low, left), (high, right) in pairs]
        coins = sorted(leaves + packages)
    lengths = [0] * len(frequencies)
    for _, symbols in coins[: max(2 * len(used) - 2, 1)]:
        for symbol in symbols:
            lengths[symbol] += 1
    return tuple(lengths)


@dataclass(frozen=True)
class CodeTable:
    """A prefix code: the length of each symbol, 0 where it has none."""

    lengths: tuple[int, ...]

    @property
    def most(self) -> int:
        """The length of the longest code."""
        return max(self.lengths)

    @property
    def is_prefix_code(self) -> bool:
        """Tell whether there are codes of these lengths at all."""
        if self.most > MOST_BITS:
            return False
        taken = sum(1 << MOST_BITS - length for length in self.lengths if length)
        return 0 < taken <= 1 << MOST_BITS

    @cached_property
    def codes(self) -> IntArray:
        """The code of each symbol, 0 where it has none."""
        codes = np.zeros(len(self.lengths), dtype=np.int64)
        number, before = 0, 0
        for length, symbol in sorted((n, s) for s, n in enumerate(self.lengths) if n):
            number <<= length - before
            codes[symbol], before = number, length
            number += 1
        return codes

    @cached_property
    def symbol_at(self) -> IntArray:
        """The symbol that each string of `MOST_BITS` bits starts with, -1 where it is none."""
        found = np.full(1 << MOST_BITS, -1, dtype=np.int64)
        for symbol, length in enumerate(self.lengths):
            if length:
                spare = MOST_BITS - length
                first = int(self.codes[symbol]) << spare
                found[first : first + (1 << spare)] = symbol
        return found

    @property
    def packed(self) -> int:
        """The parameter `LENGTHS` of the decoder: the length of symbol s at bit 4*s."""
        return sum(length << LENGTH_BITS * s for s, length in enumerate(self.lengths))

    def bits_for(self, frequencies: IntArray) -> int:
        """Return the length of the string in which the symbols occur that often."""
        return int(frequencies @ np.array(self.lengths))
