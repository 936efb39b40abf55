"""What Reduce-and-Scale units meet: random weights of few values, and frames of vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hw_tests.bench import golden
from hw_tests.bench.packing import IntArray, beats, integers

Frame = Callable[[np.random.Generator], tuple[list[int], list[int]]]


def codes_of(
    seed: int, size: tuple[int, int, int], values: int, zeros: float, *, bare: bool
) -> IntArray:
    """Codes of so many values, groups by neurons by elements, and -1 for the part of zeros.

    With `bare` rows the first and the last ones are empty, and the second one has a single weight.
    """
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, values, size)
    codes[rng.random(size) < zeros] = -1
    if bare:
        codes[:, [0, 1, -1]] = -1
        codes[:, 1, -1] = 0
    return codes


def frame_of(
    matrices: IntArray, lanes: int, in_bits: int, in_signed: bool, acc_bits: int, take: int = 1
) -> Frame:
    """Return frames of a vector for each group and lane, `take` elements of each lane a beat."""

    def frame(rng: np.random.Generator) -> tuple[list[int], list[int]]:
        sent: list[int] = []
        wanted: list[int] = []
        for matrix in matrices:
            xs = integers(rng, (lanes, matrix.shape[1]), in_bits, signed=in_signed)
            sums = np.stack([golden.matvec(x, matrix) for x in xs])
            sent += _side_by_side(xs, take, in_bits)
            wanted += _side_by_side(sums, 1, acc_bits)
        return sent, wanted

    return frame


def _side_by_side(rows: IntArray, elements: int, bits: int) -> list[int]:
    """Beats of one vector per lane, that many elements of each."""
    lanes = rows.reshape(len(rows), -1, elements)
    return beats(lanes.swapaxes(0, 1), len(rows) * elements, bits)
