"""Lanes to words and back: lane 0 stands in the least significant bits of every word."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def pack(values: Iterable[int], bits: int) -> int:
    """One word of lanes; negative values become two's complement."""
    word = 0
    for lane, value in enumerate(values):
        word |= (int(value) & (1 << bits) - 1) << lane * bits
    return word


def unpack(word: int, bits: int, lanes: int, *, signed: bool = False) -> list[int]:
    """The lanes of a word."""
    mask, sign = (1 << bits) - 1, 1 << bits - 1
    values = [word >> lane * bits & mask for lane in range(lanes)]
    return [(value ^ sign) - sign for value in values] if signed else values


def beats(values: IntArray, lanes: int, bits: int) -> list[int]:
    """A flat array as stream beats of ``lanes`` elements."""
    return [pack(beat, bits) for beat in values.reshape(-1, lanes).tolist()]


def mem_text(words: Iterable[int], bits: int) -> str:
    """The text of a file for ``$readmemh``, one word a line."""
    digits = -(-bits // 4)
    return "".join(f"{word & (1 << bits) - 1:0{digits}x}\n" for word in words)


def limits(bits: int, *, signed: bool) -> tuple[int, int]:
    """The least and the greatest number of an integer type."""
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def integers(
    rng: np.random.Generator, shape: int | tuple[int, ...], bits: int, *, signed: bool
) -> IntArray:
    """Random numbers of an integer type, both limits included and favoured."""
    low, high = limits(bits, signed=signed)
    values = rng.integers(low, high + 1, size=shape, dtype=np.int64)
    extreme = rng.random(shape) < 0.1
    return np.where(extreme, rng.choice(np.array([low, high]), size=shape), values)


def words(rng: np.random.Generator, count: int, bits: int) -> list[int]:
    """Random words of any width."""
    return [int.from_bytes(rng.bytes(-(-bits // 8))) % 2**bits for _ in range(count)]
