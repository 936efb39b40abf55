"""Compressors and decompressors in RTL and in HLS C++ equal the golden model on every float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hw_tests.floats.proof import PLAYED, check, check_all, make_program

_SHARE = 1 << 22
_STEP = 1025  # odd, so that all of the low bits come, and the share goes once around


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_program(tmp_path_factory.mktemp("proof"))


def test_engines_equal_the_golden_model_on_a_share_of_all_patterns(program: Path) -> None:
    first = 0x7FFF
    patterns = np.uint32(first) + np.arange(_SHARE, dtype=np.uint32) * np.uint32(_STEP)
    assert len(np.unique(patterns >> 23)) == 2**9
    assert check(program, first, _SHARE, _STEP) == _SHARE


def test_codes_stand_for_numbers_with_these_codes() -> None:
    for form, rounding in PLAYED:
        codes = np.flatnonzero((np.arange(2**form.bits) % 2 ** (form.bits - 1)) <= form.top)
        numbers = form.decode(codes).astype(np.float32).view(np.uint32)
        again = form.encode_bits(numbers, rounding)
        used = (codes % 2 ** (form.bits - 1)) >= form.first
        assert np.array_equal(again, np.where(used, codes, 0))


@pytest.mark.slow
def test_engines_equal_the_golden_model_on_all_patterns(program: Path) -> None:
    done: list[int] = []
    check_all(program, 2, done.append)
    assert sum(done) == 2**32
