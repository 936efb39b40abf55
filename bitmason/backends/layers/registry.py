"""The planner of each operation: what foldings it may have and the layer that each gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from bitmason.backends.design import Layer, Port, Prices
from bitmason.backends.layers.memory import STANDARD
from bitmason.diagnostics import did_you_mean, fail
from bitmason.ir.graph import Folding, Node, Op
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import IntType, TensorType


@dataclass(frozen=True)
class Options:
    """What holds for every layer of a design."""

    clock_mhz: float = 200.0
    target: str = "generic"
    prices: Prices = STANDARD


@dataclass(frozen=True)
class Site:
    """A node to be planned, with what surrounds it.

    `sources` are the types of its operands. Where a `windows` operation feeds it, that is
    `window`, for images of type `image`: the two are folded together.
    """

    node: Node
    sources: tuple[TensorType, ...]
    options: Options = Options()
    window: Windows | None = None
    image: TensorType | None = None

    @property
    def source(self) -> TensorType:
        """The type of the only operand."""
        (source,) = self.sources
        return source

    @property
    def elem(self) -> IntType:
        """The element type of the only operand."""
        return self.source.int_elem

    @property
    def prices(self) -> Prices:
        """What resources are worth."""
        return self.options.prices

    @property
    def pixels(self) -> int:
        """Vectors along the last axis of a frame of the result: pixels of an image."""
        type_ = self.node.type
        return type_.size // type_.shape[-1] if type_.shape else 1


class Planner(ABC):
    """Knows how one kind of operation is built."""

    ops: ClassVar[tuple[type[Op], ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for op in cls.ops:
            assert op not in PLANNERS, f"two planners for {op.name}"
            PLANNERS[op] = cls()

    @abstractmethod
    def plan(self, site: Site, folding: Folding) -> Layer:
        """Return the layer for `folding`.

        Raises:
            CompileError: B001 when the folding is not possible, naming the nearest that is.
        """

    def sketch(self, site: Site, folding: Folding) -> Layer | None:
        """Return about what `plan` does where that takes long, or None where it does not.

        Raises:
            CompileError: as `plan` does.
        """
        return None

    @abstractmethod
    def foldings(self, site: Site, arriving: Port | None) -> Iterator[Folding]:
        """Yield the legal foldings; `arriving` is the first stream before the layer, if known."""


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


def along(arriving: Port | None, channels: int) -> list[int]:
    """Return the channels at once to try: whole beats of the stream, where they divide a pixel."""
    if arriving is not None and channels % arriving.per_lane == 0:
        return [arriving.per_lane * beats for beats in divisors(channels // arriving.per_lane)]
    return divisors(channels)


def lanes_of(arriving: Port | None, pixels: int) -> int:
    """Return the pixels side by side that a layer can take as they arrive, or 1."""
    return arriving.lanes if arriving is not None and pixels % arriving.lanes == 0 else 1


def check_divides(what: str, value: int, total: int, unit: str, node: Node) -> None:
    """Check that a folding factor divides what it folds.

    Raises:
        CompileError: B001 with the nearest legal values.
    """
    check_among(what, value, divisors(total), f"does not divide the {total} {unit}", node)


def check_among(what: str, value: int, legal: list[int], why: str, node: Node) -> None:
    """Check that a folding factor is one of `legal`.

    Raises:
        CompileError: B001 with the nearest legal values.
    """
    if value in legal:
        return
    nearest = min(legal, key=lambda d: (abs(d - value), d))
    shown = ", ".join(map(str, legal if len(legal) <= 16 else [*legal[:8], "...", *legal[-7:]]))
    fail(
        "B001",
        f"{what} = {value} {why} of this layer",
        loc=node.loc,
        notes=[f"legal values are {shown}"],
        help=f"the nearest is {what} = {nearest}",
    )


def check_name(key: str, wanted: str, legal: tuple[str, ...], node: Node) -> None:
    """Check a named choice, which an empty string leaves open.

    Raises:
        CompileError: B001 with the names that are possible.
    """
    if wanted and wanted not in legal:
        fail(
            "B001",
            f"{key} = '{wanted}' cannot build this layer",
            loc=node.loc,
            notes=[f"possible here: {', '.join(repr(choice) for choice in legal)}"],
            help=did_you_mean(wanted, legal) or f"use {key} = '{legal[0]}'",
        )


def check_no_lanes(folding: Folding, node: Node) -> None:
    """Check that a layer which takes one pixel at a time is asked for no more.

    Raises:
        CompileError: B001 otherwise.
    """
    check_among("mmv", folding.mmv, [1], "is more than the one pixel at a time", node)
