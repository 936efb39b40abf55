"""Quantisers of random networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hw_tests.bench.networks.brief import Brief


@dataclass(frozen=True, repr=False)
class Quantiser(Brief):
    """A QONNX quantiser. One signed bit is bipolar; `log2_scale` None means a calibrated float.

    Where there are `values`, weights are drawn from these integers and, a part of `zeros`, zero.
    """

    bits: int
    signed: bool = True
    narrow: bool = False
    rounding: str = "ROUND"
    zero_point: int = 0
    log2_scale: int | None = None
    per_channel: bool = False
    values: tuple[int, ...] = ()
    zeros: float = 0.0

    @property
    def bipolar(self) -> bool:
        """Whether the values are -1 and +1."""
        return self.bits == 1 and self.signed

    @property
    def lo(self) -> int:
        """Smallest integer."""
        return -(2 ** (self.bits - 1)) + self.narrow if self.signed else 0

    @property
    def hi(self) -> int:
        """Largest integer."""
        return int(2 ** (self.bits - self.signed)) - 1 - int(self.narrow and not self.signed)

    def draw(self, rng: np.random.Generator, shape: Sequence[int]) -> NDArray[np.int64]:
        """Return weights of the few values."""
        chosen = rng.choice(self.values, shape)
        return np.where(rng.random(shape) < self.zeros, 0, chosen)
