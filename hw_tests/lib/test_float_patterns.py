"""Every engine of custom floating point equals the golden model on millions of patterns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from bitmason.ir.custom_float import CustomFloat
from hw_tests.floats.patterns import boundaries, drawn
from hw_tests.lib.float_patterns.formats import DECODED, ENCODED, EXPANDED, FORMATS, ROUNDINGS
from hw_tests.lib.float_patterns.program import Engines, Words, running
from hw_tests.lib.float_patterns.top import ENCODERS

BLOCK = 1 << 16
SHORT, LONG = 200_000, 10_000_000
NARROW = 13  # bits of formats the boundaries of which are all tried


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    with running() as found:
        yield found


def test_encoders_equal_golden(engines: Engines) -> None:
    _encoders_equal_golden(engines, SHORT, 4)


@pytest.mark.slow
def test_encoders_equal_golden_on_many_patterns(engines: Engines) -> None:
    _encoders_equal_golden(engines, LONG, 1)


def test_decoders_equal_golden_on_all_codes(engines: Engines) -> None:
    rng = np.random.default_rng(2)
    codes = np.concatenate([np.arange(BLOCK), rng.integers(0, 2**31, BLOCK)]).astype(np.uint32)
    numbers, fixed = engines.decode(codes)
    for form, found in zip(DECODED, numbers, strict=True):
        np.testing.assert_array_equal(found, _decoded(form, codes), str(form))
    for form, found in zip(EXPANDED, fixed, strict=True):
        ranks = form.ranks_of(codes % 2**form.bits)
        np.testing.assert_array_equal(found, form.fixed(ranks), str(form))
    for form in FORMATS:
        found = engines.decompress(codes, form)
        np.testing.assert_array_equal(found, _decoded(form, codes), str(form))


def test_codes_come_back_from_their_numbers(engines: Engines) -> None:
    codes = np.arange(BLOCK, dtype=np.uint32)
    numbers, _ = engines.decode(codes)
    for form, patterns in zip(ENCODED, numbers, strict=False):
        magnitude = codes % 2 ** (form.bits - 1)
        kept = (codes < 2 ** min(form.bits, 31)) & (magnitude <= form.top)
        own = kept & ((codes == 0) | (magnitude >= form.first))
        back = engines.encode(patterns[own])
        for (encoded, rounding), found in zip(ENCODERS, back, strict=True):
            if encoded is form:
                np.testing.assert_array_equal(found, codes[own], f"{form} {rounding}")


def _encoders_equal_golden(engines: Engines, count: int, thin: int) -> None:
    """Of `count` patterns and more, among them one in `thin` of all at which codes change."""
    patterns = _patterns(count, thin)
    assert len(patterns) >= count
    for start in range(0, len(patterns), BLOCK):
        block = patterns[start : start + BLOCK]
        for (form, rounding), found in zip(ENCODERS, engines.encode(block), strict=True):
            wanted = form.encode_bits(block, rounding)
            np.testing.assert_array_equal(found, wanted, f"{form} {rounding}")
            if form in FORMATS:
                found = engines.compress(block, form, rounding)
                np.testing.assert_array_equal(found, wanted, f"{form} {rounding} at run time")


def _patterns(count: int, thin: int) -> Words:
    rng = np.random.default_rng(1)
    hard = [boundaries(form) for form in ENCODED if form.bits <= NARROW]
    each = -(-count // (2 * len(ENCODED)))
    some = [draw(form, rng, each) for form in ENCODED for draw in (drawn, _near_ties)]
    turns = np.unique(np.concatenate(hard))
    return np.concatenate([rng.choice(turns, len(turns) // thin, replace=False), *some])


def _near_ties(form: CustomFloat, rng: np.random.Generator, count: int) -> Words:
    """Numbers with one bit more than a format has, and another bit anywhere."""
    patterns = drawn(form, rng, count)
    kept = np.uint32(2**32 - 2 ** (22 - form.m_bits if form.m_bits < 22 else 0))
    return np.asarray(patterns & kept | np.uint32(1) << rng.integers(0, 31, count, np.uint32))


def _decoded(form: CustomFloat, codes: Words) -> Words:
    return form.decode(codes % 2**form.bits).astype(np.float32).view(np.uint32)


def test_all_formats_are_there() -> None:
    shapes = {(form.e_bits, form.m_bits) for form in FORMATS}
    assert shapes == {(e, m) for e in range(2, 7) for m in range(7)}
    assert len(ENCODERS) == len(ENCODED) * len(ROUNDINGS)
