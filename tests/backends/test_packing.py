"""Claims about the packing of codes into beats and memory words."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.backends.packing import (
    bytes_per_beat,
    mem_file,
    pack_elements,
    pack_words,
    unpack_elements,
)
from bitmason.ir.types import IntArray


def as_integer(row: IntArray, bits: int) -> int:
    """The definition: element 0 in the least significant bits."""
    return sum(int(code) << (bits * lane) for lane, code in enumerate(row))


@st.composite
def frames_of_codes(draw: st.DrawFn) -> tuple[IntArray, int, int]:
    bits = draw(st.integers(1, 62))
    per_beat = draw(st.integers(1, 20))
    shape = (draw(st.integers(0, 4)), per_beat * draw(st.integers(1, 5)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    codes = rng.integers(0, 2**bits, shape)
    codes[rng.random(shape) < 0.2] = 2**bits - 1
    return codes, bits, per_beat


@given(frames_of_codes())
def test_beats_hold_element_zero_in_their_lowest_bits(case: tuple[IntArray, int, int]) -> None:
    codes, bits, per_beat = case
    beats = pack_elements(codes, bits, per_beat)
    assert beats.dtype == np.uint8
    assert beats.shape == (
        len(codes),
        codes.shape[1] // per_beat,
        bytes_per_beat(bits, per_beat),
    )
    for beat, row in zip(
        beats.reshape(-1, beats.shape[2]), codes.reshape(-1, per_beat), strict=True
    ):
        assert int.from_bytes(beat.tobytes(), "little") == as_integer(row, bits)


@given(frames_of_codes())
def test_unpacking_inverts_packing(case: tuple[IntArray, int, int]) -> None:
    codes, bits, per_beat = case
    unpacked = unpack_elements(pack_elements(codes, bits, per_beat), bits, per_beat)
    assert unpacked.dtype == np.int64
    np.testing.assert_array_equal(unpacked, codes)


def test_parts_of_a_large_array_are_joined_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.random.default_rng(1).integers(0, 8, (7, 30))
    whole = pack_elements(codes, 3, 5)
    monkeypatch.setattr("bitmason.backends.packing._ELEMENTS_AT_ONCE", 12)
    np.testing.assert_array_equal(pack_elements(codes, 3, 5), whole)
    np.testing.assert_array_equal(unpack_elements(whole, 3, 5), codes)


@given(frames_of_codes())
def test_words_and_memory_lines_are_the_same_integers(case: tuple[IntArray, int, int]) -> None:
    codes, bits, _ = case
    expected = [as_integer(row, bits) for row in codes]
    digits = -(-bits * codes.shape[1] // 4)
    assert pack_words(codes, bits) == expected
    assert mem_file(codes, bits) == "".join(f"{word:0{digits}x}\n" for word in expected)


@pytest.mark.parametrize(("code", "bits"), [(-1, 4), (16, 4), (2, 1), (256, 8), (1 << 16, 16)])
def test_rejects_codes_that_do_not_fit(code: int, bits: int) -> None:
    codes = np.array([[0, code]])
    with pytest.raises(AssertionError, match=rf"do not fit {bits} bits"):
        pack_elements(codes, bits, 1)
    with pytest.raises(AssertionError, match=rf"do not fit {bits} bits"):
        mem_file(codes, bits)


def test_rejects_a_partial_beat() -> None:
    with pytest.raises(AssertionError, match="10 elements do not fill beats of 4"):
        pack_elements(np.zeros((1, 10), np.int64), 2, 4)
    with pytest.raises(AssertionError, match="beats of 2 bytes do not hold 5 elements of 4 bits"):
        unpack_elements(np.zeros((1, 1, 2), np.uint8), 4, 5)


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_packs_a_data_set_in_seconds(bits: int) -> None:
    codes = np.random.default_rng(2).integers(0, 2**bits, (10_000, 784))
    start = time.perf_counter()
    np.testing.assert_array_equal(unpack_elements(pack_elements(codes, bits, 49), bits, 49), codes)
    # About 0.3 s on an idle machine; a Python loop over elements would take a minute.
    assert time.perf_counter() - start < 5.0
