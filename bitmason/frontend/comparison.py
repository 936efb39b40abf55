"""What a comparison of two engines found.

Invariant: a difference is counted once, as a mismatch or as a proven tie; sums lose no count, they
only stop listing details.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

SHOWN: Final = 8


@dataclass(frozen=True)
class Difference:
    """One element where executor and golden model differ, or lie too far apart.

    For a quantiser, `position` is the golden model's place on the integer grid and `distance` that
    from the nearest rounding boundary. `bound` is what rounding may have moved the executor.
    """

    reason: str
    tensor: str
    value: str
    index: tuple[int, ...]
    golden: float
    executor: float
    position: float
    distance: float
    bound: float

    def __str__(self) -> str:
        place = ", ".join(map(str, self.index))
        return (
            f"%{self.value}[{place}] ({self.tensor}): {self.reason}; golden {self.golden:g}, "
            f"executor {self.executor:g}, position {self.position:.9g}, "
            f"{self.distance:.3g} from a boundary, bound {self.bound:.3g}"
        )


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what was found; of `mismatches` and `ambiguous`, the first few."""

    samples: int = 0
    quantised: int = 0
    mismatched: int = 0
    mismatches: tuple[Difference, ...] = ()
    ambiguous_count: int = 0
    ambiguous: tuple[Difference, ...] = ()
    outputs: int = 0
    identical_outputs: int = 0
    max_output_difference: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether every difference is a proven float32 tie."""
        return self.mismatched == 0

    def numbered_from(self, frame: int) -> Comparison:
        """Return the same comparison for frames that are counted from `frame`."""
        mismatches, ambiguous = (
            tuple(replace(one, index=(one.index[0] + frame, *one.index[1:])) for one in found)
            for found in (self.mismatches, self.ambiguous)
        )
        return replace(self, mismatches=mismatches, ambiguous=ambiguous)

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.samples + other.samples,
            self.quantised + other.quantised,
            self.mismatched + other.mismatched,
            (self.mismatches + other.mismatches)[:SHOWN],
            self.ambiguous_count + other.ambiguous_count,
            (self.ambiguous + other.ambiguous)[:SHOWN],
            self.outputs + other.outputs,
            self.identical_outputs + other.identical_outputs,
            max(self.max_output_difference, other.max_output_difference),
        )
