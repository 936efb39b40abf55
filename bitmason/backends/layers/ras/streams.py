"""Matrices of few values as coded streams that a unit decodes step by step, for each vector anew.

Invariant: a step is a symbol, or one more end of a row that its run goes on through or that is left
at the end; `steps` tells of every one what it does, whatever the alphabet is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitmason.coding import CodeTable, Head, frequencies
from bitmason.coding.bits import CHECK_WORDS, WORD_BITS
from bitmason.coding.gaps import MOST_SYMBOLS, escape_of, gaps_of, runs_of, symbols_of
from bitmason.coding.huffman import code_lengths
from bitmason.coding.streams import sparse_bits, write
from bitmason.ir.codebook import Codebook
from bitmason.ir.types import IntArray

ROW_ENDS, VECTOR_ENDS = 1, 2  # what a step does
_ALMOST = 1.02
LINE_BITS = WORD_BITS + 1  # of a word and whether it is the last one of its stream


@dataclass(frozen=True, eq=False)
class Streams:
    """The streams of some matrices, one after the other, under one code table.

    `lines` are words, with `1 << WORD_BITS` on the last one of each matrix; `steps` has for each
    step of each matrix `ROW_ENDS` and `VECTOR_ENDS`.
    """

    table: CodeTable
    lines: IntArray
    steps: tuple[bytes, ...]

    @property
    def bits(self) -> int:
        """Bits of memory."""
        return LINE_BITS * len(self.lines)

    @property
    def symbols(self) -> int:
        """Symbols of the alphabet."""
        return len(self.table.lengths)

    @property
    def lengths(self) -> tuple[int, ...]:
        """The length of each symbol's code, as many as an alphabet has at most."""
        return self.table.lengths + (0,) * (MOST_SYMBOLS - self.symbols)


def code_streams(codes: IntArray, classes: int) -> Streams:
    """Return the streams of `codes[groups, rows, columns]` (see `Codebook`) of so many values."""
    books = [Codebook(tuple(range(1, classes + 1)), matrix) for matrix in codes]
    table = _table([frequencies(book) for book in books])
    head = Head(codes.shape[1], codes.shape[2], classes, zero=True, table=table)
    size = len(table.lengths)
    found = [symbols_of(runs_of(gaps_of(matrix)[0]), size) for matrix in codes]
    pairs = zip(codes, found, strict=True)
    lines = [_lines(head, table, matrix, symbols) for matrix, symbols in pairs]
    steps = tuple(_steps(symbols, size, codes.shape[1:]) for symbols in found)
    return Streams(table, np.concatenate(lines), steps)


def _table(counted: list[list[IntArray]]) -> CodeTable:
    """Return the table with the fewest symbols to decode of those that take hardly more memory.

    A large alphabet needs fewer escapes; the table itself is logic.
    """
    summed = [np.sum(of_size, axis=0) for of_size in zip(*counted, strict=True)]
    tables = [CodeTable(code_lengths(count.tolist())) for count in summed]
    sizes = [table.bits_for(count) for table, count in zip(tables, summed, strict=True)]
    enough = _ALMOST * min(sizes)
    near = [i for i, size in enumerate(sizes) if size <= enough]
    return tables[min(near, key=lambda i: int(summed[i].sum()))]


def _lines(head: Head, table: CodeTable, codes: IntArray, symbols: IntArray) -> IntArray:
    """Return a stream; without its last word where that has but a rest of the end."""
    words = write(head, codes)[:-CHECK_WORDS]
    size = sparse_bits(head, np.bincount(symbols, minlength=len(table.lengths)))
    if (size - table.lengths[-1]) // WORD_BITS != (size - 1) // WORD_BITS:
        words = words[:-1]
    words[-1] |= 1 << WORD_BITS
    return words


def _steps(symbols: IntArray, size: int, shape: tuple[int, ...]) -> bytes:
    rows, columns = shape
    runs = symbols[:-1]
    behind = np.cumsum(runs + (runs != escape_of(size)))
    at = behind - (runs != escape_of(size))  # where the entry of a symbol is
    ends = np.diff(at // columns, prepend=0)
    left = rows - (int(at[-1]) // columns if len(at) else 0)
    counts = np.append(np.maximum(ends, 1), left)
    found = np.repeat(np.append(ends > 0, True), counts).astype(np.uint8) * ROW_ENDS
    found[-1] |= VECTOR_ENDS
    return found.tobytes()


def dense_bits(weights: IntArray) -> int:
    """Return the bits of weights with as many for each as its kinds need."""
    return weights.size * (len(np.unique(weights)) - 1).bit_length()
