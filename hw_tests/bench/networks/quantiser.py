"""Quantisers of random networks."""

from __future__ import annotations

from dataclasses import dataclass

from hw_tests.bench.networks.brief import Brief


@dataclass(frozen=True, repr=False)
class Quantiser(Brief):
    """A QONNX quantiser. One signed bit is bipolar; `log2_scale` None means a calibrated float."""

    bits: int
    signed: bool = True
    narrow: bool = False
    rounding: str = "ROUND"
    zero_point: int = 0
    log2_scale: int | None = None
    per_channel: bool = False

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
