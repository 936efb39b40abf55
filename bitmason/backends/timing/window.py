"""The loops of the serial window generator, bm_window, and the period that they give."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from bitmason.backends.timing import kernel

Pair = tuple[int, int]
_FRAMES = 6


@dataclass(frozen=True)
class Geometry:
    """An image of `height` x `width` pixels and the windows over it.

    A pixel is `blocks` x `words` words; the words of a block stay together in the windows.
    """

    height: int
    width: int
    kernel: Pair
    stride: Pair
    dilation: Pair
    blocks: int
    words: int

    @property
    def folds(self) -> int:
        """Words of one pixel."""
        return self.blocks * self.words

    @property
    def positions(self) -> Pair:
        """Windows down and across."""
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.stride, self.dilation
        return (
            (self.height - (kh - 1) * dh - 1) // sh + 1,
            (self.width - (kw - 1) * dw - 1) // sw + 1,
        )


def window_parameters(geometry: Geometry, depth: int) -> list[int]:
    """Return the parameters of a WINDOW cell that holds `depth` pixels.

    Loops run from the innermost outwards: words, taps of a row, rows of taps, blocks, windows of a
    row, rows of windows, frames. With each goes how far the read position moves, in words, and how
    many words become free.
    """
    height, width = geometry.height, geometry.width
    blocks, words, folds = geometry.blocks, geometry.words, geometry.folds
    (kh, kw), (sh, sw), (dh, dw) = geometry.kernel, geometry.stride, geometry.dilation
    rows, columns = geometry.positions
    reach = ((kh - 1) * dh * width + (kw - 1) * dw) * folds
    free_row = (sh * width - (columns - 1) * sw) * folds
    free_frame = (height * width - (rows - 1) * sh * width - (columns - 1) * sw) * folds
    back = reach + folds - 1  # from the last word of a window to its first
    counts = [words, kw, kh, blocks, columns, rows]
    moves = [
        1,
        dw * folds - (words - 1),
        (dh * width - (kw - 1) * dw) * folds - (words - 1),
        1 - reach,
        sw * folds - back,
        free_row - back,
        free_frame - back,
    ]
    frees = [0, 0, 0, 0, sw * folds, free_row, free_frame]
    return [depth * folds, *counts, *moves, *frees]


@cache
def window_period(geometry: Geometry, depth: int) -> int:
    """Return the cycles between frames of a generator that nothing else holds up."""
    loops = window_parameters(geometry, depth)
    counts = loops[1:7]
    beats = np.array([geometry.height * geometry.width * geometry.folds, np.prod(counts)], np.int64)
    one = np.array([0, 1], np.int64)
    ends, _, _, done = kernel.run(
        np.array([kernel.WINDOW], np.int64),
        np.array([loops], np.int64),
        np.zeros(1, np.uint8),
        one, np.array([0], np.int64), one, np.array([1], np.int64),
        beats, 0, np.array([1], np.int64), _FRAMES, 0,
    )  # fmt: skip
    assert done, "a window generator never waits for itself"
    return int(ends[0, -1] - ends[0, -2])
