"""Files of weights: exact, small, and never read wrongly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmason.coding import Coded, DamageError, decode, encode, encode_layer, frequencies, table_for
from bitmason.coding.bits import checked, from_bytes, to_bytes
from bitmason.coding.weights import MAGIC, table_bits
from bitmason.ir.codebook import Codebook
from tests.coding.strategies import layers, random_codes

SHAPES = ((256, 784), (256, 256), (10, 256))


def network(zeros: float, classes: int = 2, seed: int = 0) -> list[Codebook]:
    rng = np.random.default_rng(seed)
    values = tuple(v for v in range(-classes, classes) if v)[:classes]
    return [Codebook(values, random_codes(rng, shape, classes, zeros)) for shape in SHAPES]


def entropy(p: float) -> float:
    return float(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))


def same(found: tuple[Codebook, ...], wanted: list[Codebook]) -> bool:
    pairs = zip(found, wanted, strict=True)
    return all(a.values == b.values and np.array_equal(a.codes, b.codes) for a, b in pairs)


@settings(max_examples=30)
@given(st.lists(layers(), max_size=5))
def test_files_hold_the_layers(network_layers: list[Codebook]) -> None:
    coded = encode(network_layers)
    assert same(decode(coded.data), network_layers)


@pytest.mark.parametrize("zeros", [0.58, 0.63, 0.71, 0.89])
def test_ternary_networks_take_gap_entropy_and_a_sign(zeros: float) -> None:
    """Within 3 %, with everything that is in the file."""
    coded = encode(network(zeros))
    weights = sum(layer.head.rows * layer.head.columns for layer in coded.layers)
    bound = entropy(1 - zeros) + 1 - zeros
    assert bound * 0.99 < coded.bits / weights < bound * 1.03


def test_a_shared_table_and_tables_apart() -> None:
    """Layers of one density share, and small ones; large ones of different density do not."""
    assert len(encode(network(0.63)).tables) == 1
    apart = [network(0.58)[0], network(0.97)[0]]
    assert len(encode(apart).tables) == 2
    rng = np.random.default_rng(0)
    small = [Codebook((-1, 1), random_codes(rng, (8, 20), 2, zeros)) for zeros in (0.6, 0.8)]
    assert len(encode(small).tables) <= 1


def test_the_smaller_of_both_is_taken() -> None:
    for zeros in ((0.5, 0.9), (0.6, 0.65), (0.63, 0.97)):
        found = encode([network(z)[1] for z in zeros])
        tables = [table_for([frequencies(network(z)[1])]) for z in zeros]
        one = table_for([frequencies(network(z)[1]) for z in zeros])
        sizes = [
            Coded(tuple(encode_layer(network(z)[1], t) for z, t in zip(zeros, use, strict=True)))
            for use in (tables, [one, one])
        ]
        assert found.bits == min(size.bits for size in sizes)


def test_dense_layers_have_no_say_in_a_shared_table() -> None:
    rng = np.random.default_rng(0)
    sparse = [Codebook((-1, 1), random_codes(rng, (10, 60), 2, 0.8)) for _ in range(3)]
    dense = Codebook((-1, 1), random_codes(rng, (64, 64), 2, 0))
    assert len(encode(sparse).tables) == 1
    assert encode([*sparse, dense]).tables == encode(sparse).tables


@pytest.mark.parametrize("values", [(-1, 1), (-3, -1, 1, 3)])
def test_layers_without_zeros_are_dense(values: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    layer = Codebook(values, rng.integers(0, len(values), (64, 64)))
    (coded,) = encode([layer]).layers
    assert coded.head.table is None
    assert len(coded.words) == 64 * 64 * (len(values) // 2) // 16 + 2


def test_tables_cost_what_is_said() -> None:
    coded = encode(network(0.63))
    (table,) = coded.tables
    streams = sum(16 * len(layer.words) for layer in coded.layers)
    contents = 32 + table_bits(table) + sum(layer.contents_bits for layer in coded.layers)
    assert coded.bits == 64 + -(-contents // 16) * 16 + 32 + streams


DAMAGED = encode(
    [
        Codebook((-23, 19), random_codes(np.random.default_rng(1), (5, 40), 2, 0.7)),
        Codebook((-1, 1), random_codes(np.random.default_rng(2), (4, 12), 2, 0)),
        Codebook((-2, -1, 1, 2), random_codes(np.random.default_rng(3), (9, 60), 4, 0.9)),
    ]
).data


def test_each_single_wrong_bit_is_found() -> None:
    assert len(decode(DAMAGED)) == 3
    for bit in range(8 * len(DAMAGED)):
        data = bytearray(DAMAGED)
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamageError):
            decode(bytes(data))


def test_each_truncation_and_each_appendix_is_found() -> None:
    for count in range(len(DAMAGED)):
        with pytest.raises(DamageError):
            decode(DAMAGED[:count])
    for more in (b"\0", b"\0\0", DAMAGED):
        for data in (DAMAGED, encode([]).data):
            with pytest.raises(DamageError):
                decode(data + more)


@given(st.binary(max_size=200))
def test_a_file_of_anything_is_found(data: bytes) -> None:
    with pytest.raises(DamageError):
        decode(data)


@settings(max_examples=300)
@given(st.lists(st.integers(0, 0xFFFF), max_size=24), st.lists(st.integers(0, 0xFFFF), max_size=8))
def test_contents_of_anything_are_found(contents: list[int], rest: list[int]) -> None:
    """Under right checksums too: whatever is found is said, nothing else goes wrong."""
    parts = [np.array(part, dtype=np.int64) for part in ([MAGIC, len(contents)], contents, rest)]
    try:
        decode(to_bytes(np.concatenate([checked(parts[0]), checked(parts[1]), parts[2]])))
    except DamageError:
        return
    assert contents[1] == 0
    assert not rest


@settings(max_examples=200)
@given(st.integers(0, 10_000), st.integers(0, 15), st.integers(0, 15))
def test_wrong_contents_under_right_checksums_are_found(place: int, one: int, two: int) -> None:
    """Two bits of the table of contents are wrong, and all checksums of it are made anew."""
    words = from_bytes(DAMAGED)
    length = int(words[1])
    contents = words[4 : 4 + length].copy()
    contents[place % length] ^= 1 << one
    contents[place // length % length] ^= 1 << two
    parts = [words[:4], checked(contents), words[6 + length :]]
    try:
        found = decode(to_bytes(np.concatenate(parts)))
    except DamageError:
        return
    # Values may be others, which only the checksum tells.
    assert all(
        np.array_equal(a.codes, b.codes) for a, b in zip(found, decode(DAMAGED), strict=True)
    )
