"""The planner of each operation: what foldings it may have and the layer that each gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from bitmason.backends.design import Layer
from bitmason.diagnostics import fail
from bitmason.ir.graph import Folding, Node, Op
from bitmason.ir.types import TensorType


@dataclass(frozen=True)
class Options:
    """What holds for every layer of a design."""

    clock_mhz: float = 200.0
    target: str = "generic"


class Planner(ABC):
    """Knows how one kind of operation is built."""

    ops: ClassVar[tuple[type[Op], ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for op in cls.ops:
            assert op not in PLANNERS, f"two planners for {op.name}"
            PLANNERS[op] = cls()

    @abstractmethod
    def plan(self, node: Node, source: TensorType, folding: Folding, options: Options) -> Layer:
        """Return the layer for `folding`.

        Raises:
            CompileError: B001 when the folding is not possible, naming the nearest that is.
        """

    @abstractmethod
    def foldings(self, node: Node, source: TensorType, arriving: int) -> Iterator[Folding]:
        """Yield the legal foldings; `arriving` elements per beat come from the layer before."""


PLANNERS: dict[type[Op], Planner] = {}


def planner_of(node: Node) -> Planner:
    """Return the planner for a node's operation.

    Raises:
        CompileError: B003 when it has no hardware.
    """
    if type(node.op) not in PLANNERS:
        fail(
            "B003",
            f"'{node.op.name}' has no hardware between quantised layers",
            loc=node.loc,
            help="move it before the first quantiser or behind the last layer",
        )
    return PLANNERS[type(node.op)]


def divisors(n: int) -> list[int]:
    """Return the divisors of `n`, ascending."""
    small = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return small + [n // d for d in reversed(small) if d * d != n]


def check_divides(what: str, value: int, total: int, unit: str, node: Node) -> None:
    """Check that a folding factor divides what it folds.

    Raises:
        CompileError: B001 with the nearest legal values.
    """
    if value < 1 or total % value:
        legal = divisors(total)
        nearest = min(legal, key=lambda d: (abs(d - value), d))
        shown = ", ".join(map(str, legal if len(legal) <= 16 else [*legal[:8], "...", *legal[-7:]]))
        fail(
            "B001",
            f"{what} = {value} does not divide the {total} {unit} of this layer",
            loc=node.loc,
            notes=[f"legal values are {shown}"],
            help=f"the nearest is {what} = {nearest}",
        )
