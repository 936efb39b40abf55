"""The weights of a network as a file: streams of its layers behind a table of contents.

Invariant: every bit of a file is under a checksum whose place does not depend on bits that are not,
so each single wrong bit is found, and so is each truncation, because the table of contents says how
long the file is.

A file is words (see `bits`): `MAGIC`; the length of the table of contents; the CRC-32 of these two;
the table of contents; its CRC-32; the streams of the layers in their order (see `streams`). The
table of contents is a string of fields:
    code tables (16 bits), layers (16);
    for each code table: symbols (6), and of each symbol the length of its code (4);
    for each layer: 0 or the number of its code table, from 1 (16); rows (32); columns (32);
        values (4); zeros are among the weights (1); bits of a value (6), and each value in two's
        complement; words of its stream, checksum included (32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bitmason.coding import bits, streams
from bitmason.coding.bits import DamageError, FieldReader
from bitmason.coding.gaps import LEAST_SYMBOLS, MOST_SYMBOLS, frequencies_of, gaps_of, runs_of
from bitmason.coding.huffman import LENGTH_BITS, CodeTable, code_lengths
from bitmason.coding.streams import Head
from bitmason.ir.codebook import MOST_VALUES, ZERO, Codebook
from bitmason.ir.types import IntArray

MAGIC = 0xB3C1  # of this version
MOST_WEIGHTS = 1 << 28  # of a layer

_PREAMBLE_WORDS = 2
_SIZE_BITS, _COUNT_BITS, _VALUES_BITS, _WIDTH_BITS, _SYMBOLS_BITS = 32, 16, 4, 6, 6

Field = tuple[int, int]  # a value, its width
Contents = tuple[tuple[int, ...], Head, int]  # of a layer: values, head, words of its stream
Counts = list[IntArray]  # how often each symbol occurs, by the size of the alphabet


@dataclass(frozen=True, eq=False)
class CodedLayer:
    """A layer: what its codes mean, and the words of its stream."""

    values: tuple[int, ...]
    head: Head
    words: IntArray

    @property
    def codebook(self) -> Codebook:
        """The weights again."""
        return Codebook(self.values, streams.read(self.head, self.words))

    @property
    def contents_bits(self) -> int:
        """What the table of contents says of it, in bits."""
        return sum(width for _, width in _layer_fields(self, 0))


@dataclass(frozen=True, eq=False)
class Coded:
    """The coded weights of a network."""

    layers: tuple[CodedLayer, ...]

    @cached_property
    def tables(self) -> tuple[CodeTable, ...]:
        """The code tables, each once."""
        tables = (layer.head.table for layer in self.layers)
        return tuple(dict.fromkeys(table for table in tables if table is not None))

    @cached_property
    def data(self) -> bytes:
        """The file."""
        contents = _pack(self._fields())
        preamble = np.array([MAGIC, len(contents)])
        parts = [bits.checked(preamble), bits.checked(contents)]
        return bits.to_bytes(np.concatenate([*parts, *(layer.words for layer in self.layers)]))

    @property
    def bits(self) -> int:
        """The size of the file, all of it, in bits."""
        return 8 * len(self.data)

    def _fields(self) -> list[Field]:
        numbers: dict[CodeTable | None, int] = {None: 0}
        numbers |= {table: number for number, table in enumerate(self.tables, 1)}
        fields = [(len(self.tables), _COUNT_BITS), (len(self.layers), _COUNT_BITS)]
        for table in self.tables:
            fields += _table_fields(table)
        for layer in self.layers:
            fields += _layer_fields(layer, numbers[layer.head.table])
        return fields


def encode(layers: Sequence[Codebook]) -> Coded:
    """Return the weights of layers [outputs, inputs], coded.

    Each layer is sparse or dense. The sparse ones have a code table each or share one, whichever
    makes the smaller file.
    """
    counted = [frequencies(layer) for layer in layers]
    own = [table_for([count]) for count in counted]
    apart = [
        encode_layer(layer, table if _gains(layer, count, table, table_bits(table)) else None)
        for layer, count, table in zip(layers, counted, own, strict=True)
    ]
    together = [encode_layer(*pair) for pair in zip(layers, _shared(layers, counted), strict=True)]
    return min(Coded(tuple(together)), Coded(tuple(apart)), key=lambda coded: coded.bits)


def encode_layer(layer: Codebook, table: CodeTable | None) -> CodedLayer:
    """Return one layer [outputs, inputs], sparse with that code table, or dense."""
    assert 1 <= layer.codes.size <= MOST_WEIGHTS and len(layer.values) <= MOST_VALUES, layer.values
    head = _head(layer, table)
    return CodedLayer(layer.values, head, streams.write(head, layer.codes))


def decode(data: bytes) -> tuple[Codebook, ...]:
    """Return the layers of a file.

    Raises:
        DamageError: if it is no file of ours, or any part of it is missing or wrong.
    """
    words = bits.from_bytes(data)
    magic, length = bits.unchecked(words[: _PREAMBLE_WORDS + bits.CHECK_WORDS]).tolist()
    if magic != MAGIC:
        raise DamageError(f"the file starts with {magic:#06x}, not {MAGIC:#06x}")
    rest = words[_PREAMBLE_WORDS + bits.CHECK_WORDS :]
    contents, coded = rest[: length + bits.CHECK_WORDS], rest[length + bits.CHECK_WORDS :]
    found = _read_contents(FieldReader(bits.unchecked(contents)))
    ends = np.cumsum([0, *(size for _, _, size in found)])
    if len(coded) != ends[-1]:
        raise DamageError(f"{len(coded)} words of weights, not {ends[-1]}")
    parts = np.split(coded, ends[1:-1])
    layers = [(values, head) for values, head, _ in found]
    return tuple(
        CodedLayer(*layer, part).codebook for layer, part in zip(layers, parts, strict=False)
    )


def frequencies(layer: Codebook) -> Counts:
    """Return how often the symbols of each alphabet occur in a layer."""
    runs = runs_of(gaps_of(layer.codes)[0])
    return [frequencies_of(runs, size) for size in range(LEAST_SYMBOLS, MOST_SYMBOLS + 1)]


def table_for(counted: Sequence[Counts]) -> CodeTable:
    """Return the code table with which some layers and the table itself take the least bits."""
    summed = [np.sum(of_size, axis=0) for of_size in zip(*counted, strict=True)]
    tables = [CodeTable(code_lengths(of_size.tolist())) for of_size in summed]
    pairs = zip(tables, summed, strict=True)
    return tables[int(np.argmin([table.bits_for(n) + table_bits(table) for table, n in pairs]))]


def table_bits(table: CodeTable) -> int:
    """Return what a code table takes of the table of contents."""
    return sum(width for _, width in _table_fields(table))


def _shared(layers: Sequence[Codebook], counted: Sequence[Counts]) -> list[CodeTable | None]:
    """Return one code table for all layers that it makes smaller than dense, None for others."""
    chosen = list(range(len(layers)))
    table = None
    while chosen:
        table = table_for([counted[i] for i in chosen])
        left = [i for i in chosen if _gains(layers[i], counted[i], table)]
        if left == chosen:
            break
        chosen = left
    return [table if i in chosen else None for i in range(len(layers))]


def _gains(layer: Codebook, counts: Counts, table: CodeTable, more: int = 0) -> bool:
    """Tell whether a layer takes less sparse, with `more` bits to it, than dense."""
    count = counts[len(table.lengths) - LEAST_SYMBOLS]
    sparse = streams.sparse_bits(_head(layer, table), count)
    words = bits.words_for(streams.dense_bits(_head(layer, None))) - bits.words_for(sparse)
    return bits.WORD_BITS * words > more


def _head(layer: Codebook, table: CodeTable | None) -> Head:
    zero = bool(np.any(layer.codes == ZERO))
    rows, columns = layer.codes.shape
    return Head(rows, columns, len(layer.values), zero, table)


def _table_fields(table: CodeTable) -> list[Field]:
    size = (len(table.lengths), _SYMBOLS_BITS)
    return [size, *((length, LENGTH_BITS) for length in table.lengths)]


def _layer_fields(layer: CodedLayer, number: int) -> list[Field]:
    head = layer.head
    width = max((value.bit_length() + 1 for value in layer.values), default=0)
    return [
        (number, _COUNT_BITS),
        (head.rows, _SIZE_BITS),
        (head.columns, _SIZE_BITS),
        (head.classes, _VALUES_BITS),
        (int(head.zero), 1),
        (width, _WIDTH_BITS),
        *((value, width) for value in layer.values),
        (len(layer.words), _SIZE_BITS),
    ]


def _read_contents(fields: FieldReader) -> list[Contents]:
    tables, layers = fields.unsigned(_COUNT_BITS), fields.unsigned(_COUNT_BITS)
    known = [None, *(_read_table(fields) for _ in range(tables))]
    return [_read_layer(fields, known) for _ in range(layers)]


def _read_table(fields: FieldReader) -> CodeTable:
    size = fields.unsigned(_SYMBOLS_BITS)
    table = CodeTable(tuple(fields.unsigned(LENGTH_BITS) for _ in range(size)))
    if not LEAST_SYMBOLS <= size <= MOST_SYMBOLS or not table.is_prefix_code:
        raise DamageError(f"no prefix code has the lengths {table.lengths}")
    return table


def _read_layer(fields: FieldReader, tables: Sequence[CodeTable | None]) -> Contents:
    number = fields.unsigned(_COUNT_BITS)
    rows, columns = fields.unsigned(_SIZE_BITS), fields.unsigned(_SIZE_BITS)
    classes, zero = fields.unsigned(_VALUES_BITS), bool(fields.unsigned(1))
    width = fields.unsigned(_WIDTH_BITS)
    values = tuple(fields.signed(width) for _ in range(classes))
    words = fields.unsigned(_SIZE_BITS)
    if number >= len(tables) or not 1 <= rows * columns <= MOST_WEIGHTS:
        raise DamageError(f"a layer of {rows} x {columns} weights has code table {number}")
    if not classes + zero or list(values) != sorted({*values} - {0}) or classes > MOST_VALUES:
        raise DamageError(f"a layer cannot have the values {values}")
    return values, Head(rows, columns, classes, zero, tables[number]), words


def _pack(fields: Sequence[Field]) -> IntArray:
    values, widths = zip(*fields, strict=True)
    return bits.pack(np.array(values), np.array(widths))
