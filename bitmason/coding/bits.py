"""Bit strings as words: fields of any width, one behind the other, in words of 16 bits.

Invariant: the first bit of a string is the most significant one of its first word, the last word is
filled up with zeros, and a word is two bytes of a file, the lower one first.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from bitmason.ir.types import IntArray

WORD_BITS = 16
CHECK_WORDS = 2  # of a CRC-32

Bits = npt.NDArray[np.uint8]

_FIELDS_AT_ONCE = 1 << 20


class DamageError(ValueError):
    """Coded weights that no encoder wrote: damaged, truncated, or of another network."""


def words_for(bits: int) -> int:
    """Return how many words hold a string of that many bits."""
    return -(-bits // WORD_BITS)


def pack(values: IntArray, widths: IntArray) -> IntArray:
    """Return the words of some fields: of each value its lowest `width` bits."""
    starts = range(0, len(values), _FIELDS_AT_ONCE)
    parts = [_string(values[i:][:_FIELDS_AT_ONCE], widths[i:][:_FIELDS_AT_ONCE]) for i in starts]
    packed = np.packbits(np.concatenate([np.zeros(0, np.uint8), *parts]))
    return np.pad(packed, (0, len(packed) % 2)).view(">u2").astype(np.int64)


def unpack(words: IntArray) -> Bits:
    """Return the bits of some words."""
    return np.unpackbits(words.astype(">u2").view(np.uint8))


def to_bytes(words: IntArray) -> bytes:
    """Return words as a file holds them."""
    return words.astype("<u2").tobytes()


def from_bytes(data: bytes) -> IntArray:
    """Return the words of a file.

    Raises:
        DamageError: if it ends within a word.
    """
    if len(data) % 2:
        raise DamageError(f"{len(data)} bytes are no whole number of words")
    return np.frombuffer(data, "<u2").astype(np.int64)


def checked(words: IntArray, seed: int = 0) -> IntArray:
    """Return words with their checksum behind them: CRC-32, the lower half first.

    It starts from `seed`, so that a reader who expects something else finds it wrong.
    """
    crc = zlib.crc32(to_bytes(words), seed)
    return np.append(words, [crc & 0xFFFF, crc >> WORD_BITS])


def unchecked(words: IntArray, seed: int = 0) -> IntArray:
    """Return words without the checksum behind them.

    Raises:
        DamageError: if it is not theirs.
    """
    content = words[:-CHECK_WORDS]
    if len(words) < CHECK_WORDS or not np.array_equal(checked(content, seed), words):
        raise DamageError(f"the checksum of {len(words)} words is wrong")
    return content


class FieldReader:
    """Reads the fields of a string one by one."""

    def __init__(self, words: IntArray) -> None:
        """Start at the first bit."""
        self._digits = "".join(f"{word:016b}" for word in words.tolist())
        self._at = 0

    def unsigned(self, width: int) -> int:
        """Return the next field.

        Raises:
            DamageError: if the string ends before it does.
        """
        field = self._digits[self._at : self._at + width]
        if len(field) < width:
            raise DamageError("the table of contents ends in the middle of a field")
        self._at += width
        return int(field or "0", 2)

    def signed(self, width: int) -> int:
        """Return the next field, which is in two's complement."""
        value = self.unsigned(width)
        return value - (1 << width) if value >> max(width - 1, 0) else value


def _string(values: IntArray, widths: IntArray) -> Bits:
    ends = np.cumsum(widths)
    total = int(ends[-1])
    # The place of each bit in its field, counted from the least significant one.
    place = np.repeat(ends, widths) - 1 - np.arange(total)
    return (np.repeat(values, widths) >> place & 1).astype(np.uint8)
