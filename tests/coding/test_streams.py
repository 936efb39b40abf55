"""Streams: what they say bit by bit, and that each wrong bit and each cut is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from bitmason.coding import CodeTable, DamageError, Head, encode_layer, frequencies, table_for
from bitmason.coding.bits import CHECK_WORDS, WORD_BITS, checked, words_for
from bitmason.coding.gaps import LEAST_SYMBOLS
from bitmason.coding.streams import dense_bits, read, sparse_bits, write
from bitmason.ir.codebook import Codebook
from bitmason.ir.types import IntArray
from tests.coding.strategies import layers, random_codes

CODES = random_codes(np.random.default_rng(0), (6, 30), 2, 0.6)
# Alphabet of 5: runs 0 to 2, escape of 3, end.
TABLE = CodeTable((1, 2, 4, 3, 4))
SPARSE = Head(6, 30, 2, True, TABLE)
DENSE = Head(6, 30, 2, True, None)
BOTH = pytest.mark.parametrize("head", [SPARSE, DENSE], ids=["sparse", "dense"])


def text_of(words: IntArray) -> str:
    return "".join(f"{word:016b}" for word in words.tolist())


def test_a_sparse_stream_bit_by_bit() -> None:
    codes = np.array([[-1, 1, 0, -1, -1], [-1, -1, -1, 1, -1]])
    words = write(Head(2, 5, 2, True, TABLE), codes)
    # run 1, code 1; run 0, code 0; run 5 = escape, run 2, code 1; end
    assert text_of(words[:-2]) == ("101" + "00" + "110" + "11101" + "1111").ljust(32, "0")


def test_a_dense_stream_bit_by_bit() -> None:
    codes = np.array([[-1, 1], [0, -1]])
    assert text_of(write(Head(2, 2, 2, True, None), codes)[:-2]) == "00100100".ljust(16, "0")
    pairs = np.array([[0, 1, 1]])
    assert text_of(write(Head(1, 3, 2, False, None), pairs)[:-2]) == "011".ljust(16, "0")


def test_the_checksum_is_that_of_a_standard() -> None:
    """CRC-32 of the characters from 1 to 8 is 0x9AE0DAAF."""
    words = np.frombuffer(b"12345678", "<u2").astype(np.int64)
    assert checked(words)[-2:].tolist() == [0xDAAF, 0x9AE0]


@given(layers())
def test_streams_hold_the_codes(layer: Codebook) -> None:
    counts = frequencies(layer)
    table = table_for([counts])
    for chosen in (table, None):
        coded = encode_layer(layer, chosen)
        assert np.array_equal(coded.codebook.codes, layer.codes)
        assert coded.codebook.values == layer.values
        count = counts[len(table.lengths) - LEAST_SYMBOLS]
        bits = sparse_bits(coded.head, count) if chosen else dense_bits(coded.head)
        assert words_for(bits) + CHECK_WORDS == len(coded.words)


@BOTH
def test_each_single_wrong_bit_is_found(head: Head) -> None:
    words = write(head, CODES)
    assert np.array_equal(read(head, words), CODES)
    for bit in range(WORD_BITS * len(words)):
        damaged = words.copy()
        damaged[bit // WORD_BITS] ^= 1 << bit % WORD_BITS
        with pytest.raises(DamageError, match="checksum"):
            read(head, damaged)


@BOTH
def test_each_truncation_is_found(head: Head) -> None:
    words = write(head, CODES)
    for count in range(len(words)):
        with pytest.raises(DamageError):
            read(head, words[:count])


@BOTH
def test_wrong_words_under_a_right_checksum_never_do_more_than_that(head: Head) -> None:
    """What is read from any words is a matrix of codes, or it is found damaged."""
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(300):
        words = rng.integers(0, 1 << WORD_BITS, rng.integers(0, 12))
        try:
            codes = read(head, checked(words, head.seed))
        except DamageError:
            found += 1
        else:
            assert codes.shape == CODES.shape
            assert -1 <= codes.min() <= codes.max() < head.classes
    assert found > 100


@pytest.mark.parametrize(
    "other",
    [
        Head(5, 36, 2, True, TABLE),
        Head(6, 30, 3, True, TABLE),
        Head(6, 30, 2, True, CodeTable((1, 2, 4, 4, 3))),
        Head(6, 30, 2, True, None),
    ],
)
def test_a_stream_of_something_else_is_found(other: Head) -> None:
    with pytest.raises(DamageError):
        read(other, write(SPARSE, CODES))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no code of the table at bit 0"),
        ("0000", "no code of the table"),
        ("1111" + "0" * 16, "the end is not in the last word"),
        ("110" * 60 + "1111", "a symbol leads out of the 6 x 30 matrix"),
        ("01" * 181 + "1111", "a symbol leads out of the 6 x 30 matrix"),
    ],
)
def test_what_is_wrong_under_a_right_checksum(text: str, message: str) -> None:
    padded = text.ljust(WORD_BITS * words_for(len(text)), "0")
    words = np.array(
        [int(padded[i : i + 16], 2) for i in range(0, len(padded), 16)], dtype=np.int64
    )
    with pytest.raises(DamageError, match=message):
        read(SPARSE, checked(words, SPARSE.seed))


def test_codes_without_a_value_are_found() -> None:
    three = Head(6, 30, 3, True, TABLE)
    codes = np.where(CODES == 1, 3, CODES)
    with pytest.raises(DamageError, match="code 3 is none of 3"):
        read(three, write(three, codes))
