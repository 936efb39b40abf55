"""Claims about the lists of Reduce-and-Scale units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.backends.layers.ras.lists import (
    Lists,
    class_bits,
    encode_lists,
    encode_picks,
    index_bits,
    least_steps,
    schedule,
    signed_bits,
)
from bitmason.ir.codebook import ZERO, codebook_of
from bitmason.ir.types import Int, IntArray, IntType, UInt

Case = tuple[IntArray, int, int, int]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Codes [groups, rows, columns] of up to 7 values, PE, SIMD and scalers."""
    simd = draw(st.sampled_from([1, 2, 3, 4]))
    pe = draw(st.integers(1, 6))
    every = [s for s in range(1, pe * simd + 1) if pe * simd % s == 0]
    scalers = draw(st.sampled_from([s for s in every if s % simd == 0 or simd % s == 0]))
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 12)), simd * draw(st.integers(1, 12)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    codes = rng.integers(0, draw(st.integers(1, 7)), shape)
    codes[rng.random(shape) < draw(st.sampled_from([0.0, 0.3, 0.63, 0.97, 1.0]))] = ZERO
    return codes, pe, simd, scalers


def played(lists: Lists, values: IntArray, x: IntArray, garbage: int) -> IntArray:
    """What the lists say, word for word; adders and rows begin with whatever they hold."""
    weights = np.array([*values, 0])
    bank = np.arange(lists.adders) % lists.simd
    sums = np.full(lists.adders, garbage)
    rows = np.full((lists.scalers, lists.places), garbage)
    scaler = np.arange(lists.scalers)
    out = []
    for group in range(lists.groups):
        for step in range(lists.steps):
            at = (group, step)
            columns = lists.slots[at] * lists.simd + bank
            sums = np.where(lists.first[at], 0, sums) + x[group, columns]
            picked = sums[lists.adder[at] * lists.scalers + scaler] * weights[lists.code[at]]
            place = lists.place[at]
            rows[scaler, place] = picked + np.where(lists.opens[at], 0, rows[scaler, place])
            if lists.beats[at]:
                out.append(rows[scaler, place] @ lists.emits[at])
    return np.array(out)


@given(cases(), st.integers(0, 2**32))
def test_lists_make_the_product_whatever_was_there_before(case: Case, seed: int) -> None:
    codes, pe, simd, scalers = case
    rng = np.random.default_rng(seed)
    values = rng.choice([-23, -8, -1, 1, 2, 19, 64], 7, replace=False)
    x = rng.integers(-128, 128, (len(codes), codes.shape[2]))
    lists = schedule(codes, pe, simd, scalers)
    weights = np.array([*values, 0])[codes]
    for garbage in (0, 1000):
        found = played(lists, values, x, garbage)
        np.testing.assert_array_equal(found, np.einsum("grc,gc->gr", weights, x).ravel())


@given(cases())
def test_every_weight_is_added_once_and_no_sum_is_lost(case: Case) -> None:
    codes, pe, simd, scalers = case
    lists = schedule(codes, pe, simd, scalers)
    assert lists.non_zeros == np.count_nonzero(codes != ZERO)
    assert lists.non_zeros <= lists.slots.size
    assert lists.steps >= codes.shape[1]
    assert lists.slots.max(initial=0) < codes.shape[2] // simd
    assert lists.place.max() < lists.places <= codes.shape[1]
    assert lists.adder.max() < lists.adders // scalers
    np.testing.assert_array_equal(np.count_nonzero(lists.beats, axis=1), codes.shape[1])
    ends = np.count_nonzero(lists.code != ZERO)
    assert np.count_nonzero(lists.first) == ends


@given(cases())
def test_words_hold_what_the_lists_say(case: Case) -> None:
    codes, pe, simd, scalers = case
    values = [-23, -2, 1, 5, 8, 19, 63]
    lists = schedule(codes, pe, simd, scalers)
    words = encode_lists(lists)
    assert words.shape == (lists.groups * lists.steps, lists.adders)
    assert words.max() < 1 << lists.entry_bits
    mask = (1 << lists.slot_bits) - 1
    np.testing.assert_array_equal(words & mask, lists.slots.reshape(words.shape))
    np.testing.assert_array_equal(words >> lists.slot_bits, lists.first.reshape(words.shape))
    bits = signed_bits(values)
    picks = encode_picks(lists, values, bits)
    assert picks.shape == (lists.groups * lists.steps, scalers)
    assert 0 <= picks.min() <= picks.max() < 1 << lists.pick_bits(bits)
    value = Int(bits).decode(picks & ((1 << bits) - 1))
    chosen = np.array([*values, 0])[lists.code]
    np.testing.assert_array_equal(value, chosen.reshape(picks.shape))
    at = bits
    for numbers, width in (
        (lists.adder, index_bits(lists.adders // scalers)),
        (lists.place, index_bits(lists.places)),
        (lists.opens, 1),
        (lists.emits, 1),
    ):
        found = picks >> at & ((1 << width) - 1)
        np.testing.assert_array_equal(found, numbers.reshape(picks.shape))
        at += width
    assert at == lists.pick_bits(bits)


@given(cases())
def test_the_longest_run_is_known(case: Case) -> None:
    codes, pe, simd, scalers = case
    lists = schedule(codes, pe, simd, scalers)
    picked = np.where(lists.code == ZERO, 0, 1)
    counts = np.zeros(lists.adders, np.int64)
    longest = 1
    for group, step in np.ndindex(picked.shape[:2]):
        counts = np.where(lists.first[group, step], 0, counts) + 1
        ends = lists.adder[group, step] * scalers + np.arange(scalers)
        longest = max(longest, int((counts[ends] * picked[group, step]).max()))
    assert lists.longest == longest


@pytest.mark.parametrize("x", [UInt(8), UInt(1), Int(8), Int(1), Int(4, -3, 6), UInt(4, 9)])
@pytest.mark.parametrize("longest", [1, 2, 3, 255, 576])
def test_sums_fit_their_bits_and_no_fewer(x: IntType, longest: int) -> None:
    bits = class_bits(longest, x)
    ends = (longest * x.lo, longest * x.hi)

    def fits(width: int) -> bool:
        if not x.signed:
            return ends[1] < 1 << width
        return width > 0 and -(1 << (width - 1)) <= ends[0] and ends[1] < 1 << (width - 1)

    assert fits(bits)
    assert bits == x.bits or not fits(bits - 1)


@pytest.mark.parametrize(
    ("values", "bits"), [((1,), 2), ((-1,), 1), ((-1, 1), 2), ((-23, 19), 6), ((-128, 127), 8)]
)
def test_values_take_as_many_bits_as_they_need(values: tuple[int, ...], bits: int) -> None:
    assert signed_bits(values) == bits


def test_16_adders_lose_no_more_than_a_fiftieth_of_their_cycles() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        weights = rng.choice([-23, 0, 19], (64, 576), p=[0.185, 0.63, 0.185])
        book = codebook_of(weights)
        assert book is not None
        lists = schedule(book.codes[np.newaxis], 16, 1)
        assert lists.steps <= 1.02 * book.non_zeros / 16
        assert lists.places <= 16


@pytest.mark.parametrize("folding", [(1, 1), (8, 1), (16, 1), (4, 2), (4, 4), (16, 2, 2)])
def test_the_number_of_steps_is_known_beforehand(folding: tuple[int, ...]) -> None:
    codes = np.random.default_rng(2).choice([-1, 0, 1], (2, 64, 576), p=[0.63, 0.185, 0.185])
    least = least_steps(codes, *folding)
    assert least <= schedule(codes, *folding).steps <= 1.06 * least


@pytest.mark.parametrize(("pe", "simd", "scalers"), [(64, 1, 4), (16, 4, 4), (4, 4, 1)])
def test_several_scalers_keep_many_adders_busy(pe: int, simd: int, scalers: int) -> None:
    codes = np.random.default_rng(0).choice([-1, 0, 1], (1, 64, 576), p=[0.63, 0.185, 0.185])
    assert schedule(codes, pe, simd, scalers).balance > 0.7


def test_lists_are_the_same_every_time() -> None:
    codes = np.random.default_rng(1).integers(-1, 3, (2, 20, 40))
    first, second = (schedule(codes, 5, 2, 2) for _ in range(2))
    np.testing.assert_array_equal(encode_lists(first), encode_lists(second))
    picks, again = (encode_picks(lists, (1, 2, 3), 3) for lists in (first, second))
    np.testing.assert_array_equal(picks, again)
