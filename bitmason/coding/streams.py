"""The stream of one layer: its codes as a string of bits with a checksum, as hardware reads it.

Invariant: a stream is read with what its `Head` says and nothing else, and its checksum covers that
too: whoever expects another matrix, other codes or another table finds the stream damaged.

Sparse, with a code table: the symbols of the runs (see `gaps`), each as its Huffman code, first bit
first, and each entry's code behind it in `code_bits` bits; the end; zeros up to a whole word; the
checksum. Dense, without a table: one field of `code_bits` bits for each weight, row by row: its
code, or where zeros are among them 0 for zero and the code + 1 for others; zeros; the checksum.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from bitmason.coding import bits, gaps
from bitmason.coding.bits import DamageError
from bitmason.coding.huffman import MOST_BITS, CodeTable
from bitmason.ir.codebook import ZERO
from bitmason.ir.types import IntArray


@dataclass(frozen=True)
class Head:
    """What a reader knows of a stream beforehand.

    `classes` is the number of values that a code may mean, zero not counted; `zero` tells, of a
    dense stream, whether zeros are among its weights.
    """

    rows: int
    columns: int
    classes: int
    zero: bool
    table: CodeTable | None

    @property
    def code_bits(self) -> int:
        """Bits of a code in the stream."""
        kinds = self.classes + (self.table is None and self.zero)
        return max(kinds - 1, 0).bit_length()

    @property
    def seed(self) -> int:
        """Where the checksum starts."""
        lengths = self.table.lengths if self.table else ()
        shape = (self.rows, self.columns, self.classes, self.zero, len(lengths))
        return zlib.crc32(struct.pack("<IIBBB", *shape) + bytes(lengths))


def dense_bits(head: Head) -> int:
    """Return the length of a dense string."""
    return head.rows * head.columns * head.code_bits


def sparse_bits(head: Head, frequencies: IntArray) -> int:
    """Return the length of a sparse string in which the symbols occur that often."""
    assert head.table is not None
    entries = int(np.sum(frequencies[: gaps.escape_of(len(frequencies))]))
    return head.table.bits_for(frequencies) + entries * head.code_bits


def write(head: Head, codes: IntArray) -> IntArray:
    """Return the words of a stream: `codes` [rows, columns] in the form that `head` says."""
    assert codes.shape == (head.rows, head.columns), (codes.shape, head)
    if head.table is None:
        fields = codes.ravel() + int(head.zero)
        widths = np.full(fields.size, head.code_bits, dtype=np.int64)
    else:
        fields, widths = _sparse_fields(head.table, head.code_bits, codes)
    return bits.checked(bits.pack(fields, widths), head.seed)


def read(head: Head, words: IntArray) -> IntArray:
    """Return the codes of a stream.

    Raises:
        DamageError: if the stream was not written with this head.
    """
    string = bits.unpack(bits.unchecked(words, head.seed))
    if head.table is None:
        return _read_dense(head, string)
    symbols, entries = _read_symbols(head.table, head.code_bits, string)
    runs = gaps.runs_from(symbols, len(head.table.lengths))
    # The zeros of the last symbol, an escape's too, lie before a weight that is none of them.
    ends_in_entry = symbols[-2:-1] < gaps.escape_of(len(head.table.lengths))
    if int(symbols[:-1].sum()) + len(entries) - ends_in_entry.sum() >= head.rows * head.columns:
        raise DamageError(f"a symbol leads out of the {head.rows} x {head.columns} matrix")
    _check_codes(entries, head.classes)
    return gaps.codes_of(gaps.gaps_from(runs), entries, (head.rows, head.columns))


def _sparse_fields(table: CodeTable, code_bits: int, codes: IntArray) -> tuple[IntArray, IntArray]:
    """Return what follows one another in a sparse string, and the widths: symbol, code, symbol."""
    distances, entries = gaps.gaps_of(codes)
    size = len(table.lengths)
    symbols = gaps.symbols_of(gaps.runs_of(distances), size)
    is_entry = symbols < gaps.escape_of(size)
    fields, widths = np.zeros((2, len(symbols), 2), dtype=np.int64)
    fields[:, 0], widths[:, 0] = table.codes[symbols], np.array(table.lengths)[symbols]
    fields[is_entry, 1], widths[is_entry, 1] = entries, code_bits
    return fields.ravel(), widths.ravel()


def _read_dense(head: Head, string: bits.Bits) -> IntArray:
    total = dense_bits(head)
    if len(string) != bits.words_for(total) * bits.WORD_BITS or string[total:].any():
        raise DamageError(f"{len(string)} bits are not {head.rows} x {head.columns} dense codes")
    fields = _fields(string[:total].reshape(-1, head.code_bits)) if head.code_bits else 0
    codes = np.full((head.rows, head.columns), -int(head.zero), dtype=np.int64)
    codes.reshape(-1)[:] += fields
    _check_codes(codes[codes != ZERO], head.classes)
    return codes


def _read_symbols(table: CodeTable, code_bits: int, string: bits.Bits) -> tuple[IntArray, IntArray]:
    """Return the symbols of a string up to the end, and the codes of the entries among them."""
    size = len(table.lengths)
    end = size - 1
    padded = np.append(string, np.zeros(MOST_BITS, np.uint8))
    symbol_at = table.symbol_at[_windows(padded)]  # if one started at that bit
    lengths = np.array([*table.lengths, 0])  # that of no symbol, -1, is 0
    # Nothing follows the end, nor what is no code.
    steps = np.array([*lengths[:end] + code_bits, 0, 0])
    steps[gaps.escape_of(size)] -= code_bits
    starts = _starts(steps[symbol_at])
    symbols = symbol_at[starts]
    if symbols[-1] != end:
        raise DamageError(f"no code of the table at bit {starts[-1]}")
    if bits.words_for(int(starts[-1] + lengths[end])) * bits.WORD_BITS != len(string):
        raise DamageError("the end is not in the last word")
    is_entry = symbols < gaps.escape_of(size)
    behind = (starts + lengths[symbols])[is_entry, np.newaxis] + np.arange(code_bits)
    return symbols, _fields(padded[behind])


def _windows(padded: bits.Bits) -> IntArray:
    """Return the `MOST_BITS` bits from each bit on as a number."""
    count = len(padded) - MOST_BITS + 1
    windows = np.zeros(count, dtype=np.int32)
    for place in range(MOST_BITS):
        windows = 2 * windows + padded[place : place + count]
    return windows


def _starts(steps: IntArray) -> IntArray:
    """Return the bits at which the symbols start, up to the one that no other follows."""
    ahead = steps.tolist()
    last = len(ahead) - 1  # one behind the string, where nothing starts
    starts, at = [0], 0
    while (step := ahead[at]) and at + step <= last:
        at += step
        starts.append(at)
    return np.array(starts, dtype=np.int64)


def _fields(rows: bits.Bits) -> IntArray:
    """Return the number that each row of bits is."""
    return rows @ (1 << np.arange(rows.shape[1], dtype=np.int64)[::-1])


def _check_codes(codes: IntArray, classes: int) -> None:
    if codes.size and codes.max() >= classes:
        raise DamageError(f"code {codes.max()} is none of {classes}")
