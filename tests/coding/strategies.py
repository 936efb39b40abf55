"""Random layers of few values, from empty ones to full ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from bitmason.ir.codebook import MOST_VALUES, ZERO, Codebook
from bitmason.ir.types import IntArray


def random_codes(
    rng: np.random.Generator, shape: tuple[int, ...], classes: int, zeros: float
) -> IntArray:
    """Return codes of which about that part are zeros."""
    codes = rng.integers(0, max(classes, 1), shape)
    return np.where(rng.random(shape) < (zeros if classes else 1), ZERO, codes)


@st.composite
def layers(draw: st.DrawFn) -> Codebook:
    """Return a layer of up to eight values."""
    value = st.integers(-(2**40), 2**40).filter(bool)
    values = draw(st.lists(value, max_size=MOST_VALUES, unique=True))
    zeros = draw(st.sampled_from([0, 0.3, 0.63, 0.9, 0.99, 1])) if values else 1
    shape = (draw(st.integers(1, 12)), draw(st.integers(1, 70)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Codebook(tuple(sorted(values)), random_codes(rng, shape, len(values), zeros))
