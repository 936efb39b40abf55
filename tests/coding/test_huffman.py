"""Code tables: shortest under their limit, canonical, and read back symbol by symbol."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.coding.huffman import MOST_BITS, CodeTable, code_lengths

COUNTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=32).filter(any)


def huffman(counts: list[int]) -> int:
    """Return the total length of Huffman's own code: the sum of all that he merges."""
    weights, total_length = sorted(counts), 0
    while len(weights) > 1:
        pair = weights[0] + weights[1]
        total_length += pair
        weights = sorted([pair, *weights[2:]])
    return total_length


def best(counts: list[int], most: int) -> int:
    """Return the least total length there is, by trying all lengths."""
    used = [count for count in counts if count]
    return min(
        int(np.dot(used, lengths))
        for lengths in product(range(1, most + 1), repeat=len(used))
        if sum(2.0**-length for length in lengths) <= 1
    )


def total(counts: list[int], lengths: tuple[int, ...]) -> int:
    return int(np.dot(counts, lengths))


@given(COUNTS, st.integers(5, MOST_BITS))
def test_lengths_are_those_of_a_prefix_code(counts: list[int], most: int) -> None:
    lengths = code_lengths(counts, most)
    assert [bool(length) for length in lengths] == [bool(count) for count in counts]
    assert max(lengths) <= most
    assert CodeTable(lengths).is_prefix_code


@given(st.lists(st.integers(0, 40), min_size=2, max_size=5).filter(any), st.integers(3, 4))
def test_lengths_are_the_best_under_their_limit(counts: list[int], most: int) -> None:
    assert total(counts, code_lengths(counts, most)) == best(counts, most)


@given(st.lists(st.integers(1, 20), min_size=2, max_size=12))
def test_far_from_the_limit_lengths_are_huffmans(counts: list[int]) -> None:
    assert total(counts, code_lengths(counts)) == huffman(counts)


@given(COUNTS)
def test_codes_are_canonical_and_found_again(counts: list[int]) -> None:
    table = CodeTable(code_lengths(counts))
    texts = {s: f"{table.codes[s]:0{n}b}" for s, n in enumerate(table.lengths) if n}
    assert sorted(texts, key=lambda s: (len(texts[s]), s)) == sorted(texts, key=texts.__getitem__)
    for symbol, text in texts.items():
        for rest in ("0", "1"):
            window = int(text.ljust(MOST_BITS, rest), 2)
            assert table.symbol_at[window] == symbol


def test_a_single_symbol_takes_one_bit() -> None:
    table = CodeTable(code_lengths([0, 7, 0]))
    assert table.lengths == (0, 1, 0)
    assert table.symbol_at[0] == 1
    assert table.symbol_at[-1] == -1


@pytest.mark.parametrize("lengths", [(1, 1, 1), (0, 0), (13, 1), (2, 2, 2, 2, 12)])
def test_lengths_without_a_prefix_code(lengths: tuple[int, ...]) -> None:
    assert not CodeTable(lengths).is_prefix_code


def test_packed_lengths() -> None:
    assert CodeTable((1, 12, 0, 2)).packed == 0x20C1
