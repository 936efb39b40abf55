"""Streams of coded weights for the benches, and what must come of them, read bit by bit.

Invariant: what must come out of a decoder, of damaged streams too, is found by walking through the
bits as its header says, and what must come out of a reader is what the coding package reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bitmason.coding import (
    CodeTable,
    DamageError,
    Head,
    encode_layer,
    frequencies,
    table_for,
)
from bitmason.coding.bits import checked
from bitmason.coding.streams import read
from bitmason.ir.codebook import Codebook
from hw_tests.bench.packing import IntArray
from hw_tests.bench.streams import Bench
from hw_tests.bench.wrapper import Bits, Parameter

Symbols = list[tuple[int, int]]  # symbol, code


@dataclass(frozen=True)
class Code:
    """What a decoder is built for."""

    table: CodeTable
    code_bits: int

    @property
    def end(self) -> int:
        return len(self.table.lengths) - 1

    @property
    def symbol_bits(self) -> int:
        return self.end.bit_length()

    @property
    def parameters(self) -> dict[str, Parameter]:
        return {
            "SYMBOLS": self.end + 1,
            "LENGTHS": Bits(self.table.packed, 128),
            "CODE_W": self.code_bits,
        }

    def text_of(self, symbol: int, code: int) -> str:
        """The bits of a symbol."""
        text = f"{self.table.codes[symbol]:0{self.table.lengths[symbol]}b}"
        has_code = symbol < self.end - 1 and self.code_bits
        return text + (f"{code:0{self.code_bits}b}" if has_code else "")

    def known(self) -> list[int]:
        """The symbols that have a code, but for the end."""
        return [s for s, length in enumerate(self.table.lengths[:-1]) if length]

    def draw(self, rng: np.random.Generator, count: int) -> Symbols:
        """Random symbols, the rare ones as often as the others, and the end."""
        if not self.known():
            return [(self.end, 0)]
        symbols = rng.choice(self.known(), count).tolist()
        codes = rng.integers(0, 1 << self.code_bits, count).tolist()
        pairs = zip(symbols, codes, strict=True)
        return [*((s, c if s < self.end - 1 else 0) for s, c in pairs), (self.end, 0)]

    def words_of(self, symbols: Symbols) -> list[int]:
        """The words of a stream, without a checksum."""
        text = "".join(self.text_of(*pair) for pair in symbols)
        padded = text.ljust(-(-len(text) // 16) * 16, "0")
        return [int(padded[i : i + 16], 2) for i in range(0, len(padded), 16)]

    def read(self, words: Sequence[int]) -> tuple[Symbols, bool, bool]:
        """The symbols of any words, whether they are wrong, and whether the end is in two words."""
        text = "".join(f"{word:016b}" for word in words)
        texts = {self.text_of(s, 0)[: self.table.lengths[s]]: s for s in [*self.known(), self.end]}
        found: Symbols = []
        at = 0
        while True:
            symbol = next((s for t, s in texts.items() if text.startswith(t, at)), None)
            if symbol is None:
                return [*found, (self.end, 0)], True, False
            start, at = at, at + self.table.lengths[symbol]
            if symbol == self.end:
                wrong = -(-at // 16) != len(words)
                return [*found, (symbol, 0)], wrong, start // 16 != (at - 1) // 16
            bits = self.code_bits if symbol < self.end - 1 else 0
            if at + bits >= len(text):  # nothing is left for the end
                return [*found, (self.end, 0)], True, False
            found.append((symbol, int(text[at : at + bits] or "0", 2)))
            at += bits

    def symbol_of(self, beat: int) -> tuple[int, int]:
        """What a beat of the decoder says."""
        symbol, code = beat & (1 << self.symbol_bits) - 1, beat >> self.symbol_bits
        return symbol, code if symbol < self.end - 1 and self.code_bits else 0


@dataclass(frozen=True, eq=False)
class Matrix:
    """The weights that a reader is built for."""

    codes: IntArray
    classes: int
    table: CodeTable

    @property
    def head(self) -> Head:
        rows, columns = self.codes.shape
        return Head(rows, columns, self.classes, True, self.table)

    @property
    def words(self) -> list[int]:
        """The stream, with its checksum."""
        layer = Codebook(tuple(range(1, self.classes + 1)), self.codes)
        coded = encode_layer(layer, self.table)
        assert coded.head.seed == self.head.seed or not (self.codes < 0).any()
        return [int(word) for word in coded.words]

    @property
    def parameters(self) -> dict[str, Parameter]:
        rows, columns = self.codes.shape
        code = Code(self.table, self.head.code_bits)
        size = {"ROWS": rows, "COLUMNS": columns, "SEED": Bits(self.head.seed, 32)}
        return {**size, **code.parameters}

    def crafted(self, rng: np.random.Generator) -> list[int]:
        """Words under a right checksum, of random symbols, now and then cut or too many."""
        code = Code(self.table, self.head.code_bits)
        words = code.words_of(code.draw(rng, int(rng.integers(self.codes.size // 2 + 2))))
        change = int(rng.integers(4))
        if change == 0:
            words = [*words, *rng.integers(0, 1 << 16, 1).tolist()]
        elif change == 1 and words[1:]:
            words.pop()
        return [int(word) for word in checked(np.array(words), self.head.seed)]

    def told(self, words: Sequence[int]) -> list[int] | None:
        """The beats that a stream means, None if it is damaged."""
        try:
            codes = read(self.head, np.array(words))
        except DamageError:
            return None
        return entry_beats(codes, max(1, self.head.code_bits))


def matrix(shape: tuple[int, int], classes: int, zeros: float, seed: int = 0) -> Matrix:
    """Random weights under the code that suits them best."""
    rng = np.random.default_rng(seed)
    codes = np.where(rng.random(shape) < zeros, -1, rng.integers(0, max(classes, 1), shape))
    if not (codes < 0).any():
        codes[-1, -1] = -1
    layer = Codebook(tuple(range(1, classes + 1)), codes)
    return Matrix(codes, classes, table_for([frequencies(layer)]))


def entry_beats(codes: IntArray, code_bits: int) -> list[int]:
    """The beats in which the entries of a matrix and the ends of its rows come."""
    columns = codes.shape[1]
    column_bits = max(1, (columns - 1).bit_length())
    beats = []
    for row in codes.tolist():
        entries = [(column, code) for column, code in enumerate(row) if code >= 0]
        for column, code in entries:
            ends = (column, code) == entries[-1]
            word = ((ends << 1 | 1) << column_bits | column) << code_bits | code
            beats.append(word)
        if not entries:
            beats.append(1 << 1 + column_bits + code_bits)
    return beats


def meant(beat: int, columns: int, code_bits: int) -> int:
    """A beat without what has no meaning, where it is no entry."""
    low = max(1, (columns - 1).bit_length()) + code_bits
    return beat if beat >> low & 1 else beat >> low << low


def send(bench: Bench, stream: Sequence[int]) -> None:
    """Queue the words of one stream."""
    bench.source.send(stream, [False] * (len(stream) - 1) + [True])
