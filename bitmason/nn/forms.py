"""How many negative and positive values the weights of a layer may have (Schindler, table 5.8).

Invariant: a form counts values; which weights get them is a matter of clusters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Form:
    """`negatives` values below zero, `positives` above it, and zero itself where `zero` says so."""

    negatives: int
    positives: int
    zero: bool = True

    def __post_init__(self) -> None:
        if self.negatives < 1 or self.positives < 1:
            counts = f"{self.negatives} negative and {self.positives} positive values"
            raise ValueError(f"a form has values on both sides of zero, not {counts}")
        if not self.zero and (self.negatives, self.positives) != (1, 1):
            raise ValueError("only the binary form can do without zero")

    @property
    def intervals(self) -> int:
        """How many intervals the weights fall into, which is the number of values."""
        return self.negatives + self.positives + int(self.zero)

    @property
    def signs(self) -> tuple[int, ...]:
        """The sign of each interval's value, from the lowest interval to the highest."""
        return (-1,) * self.negatives + (0,) * int(self.zero) + (1,) * self.positives


TERNARY: Final = Form(1, 1)
FORMS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "binary": Form(1, 1, zero=False),
        "ternary": TERNARY,
        "quaternary+": Form(1, 2),
        "quaternary-": Form(2, 1),
        "quinary": Form(2, 2),
        "septenary": Form(3, 3),
    }
)
