"""Reduce and scale, unrolled: a constant matrix as adders, with common sums made once.

Invariant: a graph is exact. The range of a node is that of its very sum of inputs, so no adder is
wider than its results ask for, and none overflows.

Every row adds the inputs of each magnitude of its weights, subtracting those of negative weights
(reduce), then multiplies each of these few sums by its magnitude, with shifts and adders (scale):
y = sum over v of v * (sum of the x that meet v, less the sum of the x that meet -v).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from bitmason.backends.layers.ras.adder_pairs import Shared, separate, share_pairs
from bitmason.backends.layers.ras.adder_scaling import recipe_of
from bitmason.ir.codebook import Codebook
from bitmason.ir.types import IntArray, IntType, bits_needed

NOTHING = -1  # in the place of a node: zero


@dataclass(frozen=True)
class Adder:
    """The sum, or the difference, of two nodes, one of them shifted left; left may be `NOTHING`."""

    left: int
    right: int
    left_shift: int
    right_shift: int
    subtracts: bool


@dataclass(frozen=True)
class Range:
    """The least and the greatest value of a node, both of which it can have."""

    lo: int
    hi: int

    @property
    def signed(self) -> bool:
        """Whether it has negative values."""
        return self.lo < 0

    @property
    def bits(self) -> int:
        """The fewest bits that hold it."""
        return bits_needed(self.lo, self.hi)


@dataclass(frozen=True)
class Output:
    """A row's result: a node shifted left, which may be `NOTHING`."""

    node: int
    shift: int


@dataclass(frozen=True)
class AdderGraph:
    """The adders of a layer with inputs of type `x`, each behind those that it reads.

    Nodes are numbered: first the `inputs`, then the adders. `ranges` and `depths`, the adders one
    after the other up to a node and with it, are those of all nodes. `outputs` are by rows.
    """

    x: IntType
    inputs: int
    adders: tuple[Adder, ...]
    ranges: tuple[Range, ...]
    depths: tuple[int, ...]
    outputs: tuple[Output, ...]

    @property
    def depth(self) -> int:
        """The most adders one after the other."""
        return max(
            (self.depths[out.node] for out in self.outputs if out.node != NOTHING), default=0
        )

    @cached_property
    def bits(self) -> tuple[int, ...]:
        """The bits of each node: as many as its range needs, but no more than its readers take.

        A reader may be narrower, where the other operand takes away again what is too much.
        """
        taken = [0] * len(self.ranges)
        for out in self.outputs:
            if out.node != NOTHING:
                taken[out.node] = self.ranges[out.node].bits
        for node in reversed(range(self.inputs, len(self.ranges))):
            adder = self.adders[node - self.inputs]
            taken[node] = min(taken[node], self.ranges[node].bits)
            sides = ((adder.left, adder.left_shift), (adder.right, adder.right_shift))
            for operand, shift in sides:
                if operand != NOTHING:
                    taken[operand] = max(taken[operand], taken[node] - shift)
        return (*[self.x.bits] * self.inputs, *taken[self.inputs :])

    @property
    def adder_bits(self) -> int:
        """The bits of all adders that take logic; those below a shifted operand are wires."""
        return sum(
            self.bits[node] - (0 if adder.subtracts else adder.left_shift) - adder.right_shift
            for node, adder in enumerate(self.adders, self.inputs)
        )

    def operands(self, node: int) -> tuple[int, ...]:
        """Return the nodes that a node reads; none for an input."""
        if node < self.inputs:
            return ()
        adder = self.adders[node - self.inputs]
        return tuple(one for one in (adder.left, adder.right) if one != NOTHING)

    def evaluate(self, x: IntArray) -> IntArray:
        """Return the results [..., rows] for inputs [..., columns]."""
        zero = np.zeros(x.shape[:-1], np.int64)
        values = [x[..., column].astype(np.int64) for column in range(self.inputs)]
        for adder in self.adders:
            left = (zero if adder.left == NOTHING else values[adder.left]) << adder.left_shift
            right = values[adder.right] << adder.right_shift
            values.append(left - right if adder.subtracts else left + right)
        rows = [
            zero if out.node == NOTHING else values[out.node] << out.shift for out in self.outputs
        ]
        return np.stack(rows, axis=-1)


@dataclass(frozen=True)
class Pipeline:
    """Where the registers of a graph are, with at most `between` adders from one to the next.

    A node is computed after `starts` registers, and `registers` more follow it. Results stand in
    registers, all of them `stages` cycles after the inputs came.
    """

    stages: int
    starts: tuple[int, ...]
    registers: tuple[int, ...]

    def register_bits(self, graph: AdderGraph) -> int:
        """Return the bits of all registers."""
        return sum(count * bits for count, bits in zip(self.registers, graph.bits, strict=True))


def pipeline(graph: AdderGraph, between: int) -> Pipeline:
    """Return where a graph has registers; `between` is 1 or more."""
    stages = max(1, ceil(graph.depth / between))
    starts = [max(0, depth - 1) // between for depth in graph.depths]
    ends = list(starts)
    for node, start in enumerate(starts):
        for operand in graph.operands(node):
            ends[operand] = max(ends[operand], start)
    for out in graph.outputs:
        if out.node != NOTHING:
            ends[out.node] = stages
    registers = (end - start for start, end in zip(starts, ends, strict=True))
    return Pipeline(stages, tuple(starts), tuple(registers))


def adder_graph(book: Codebook, x: IntType, *, shared: bool = True) -> AdderGraph:
    """Return the adders of a layer with these weights [rows, columns] and inputs of type `x`.

    Without `shared`, each row is a tree of its own but for adders that turn out to be the same.
    """
    magnitudes = np.unique(np.abs(book.weights))
    magnitudes = magnitudes[magnitudes != 0]
    rows, columns = book.codes.shape
    weights = book.weights[:, np.newaxis]
    hits = np.abs(weights) == magnitudes[:, np.newaxis]
    signs = np.where(hits, np.sign(weights), 0).reshape(-1, columns)
    longest = int(np.count_nonzero(signs, axis=1).max(initial=1))
    found = share_pairs(signs, (longest - 1).bit_length()) if shared else separate(signs)
    builder = _Builder(x, columns)
    sums = builder.reduce(found)
    count = len(magnitudes)
    outputs = [
        builder.scale(sums[row * count : (row + 1) * count], magnitudes.tolist())
        for row in range(rows)
    ]
    return builder.graph(outputs)


@dataclass(frozen=True, order=True)
class _Part:
    """A node shifted left, subtracted or added."""

    node: int
    shift: int
    subtracts: bool


class _Builder:
    """The nodes of a graph that is being made; what is there already is not made again."""

    def __init__(self, x: IntType, inputs: int) -> None:
        self._x = x
        self._inputs = inputs
        self._adders: list[Adder] = []
        self._known: dict[Adder, int] = {}
        self._ranges = [Range(x.lo, x.hi)] * inputs
        self._depths = [0] * inputs

    def graph(self, outputs: Iterable[Output]) -> AdderGraph:
        """Return what was made."""
        return AdderGraph(
            self._x,
            self._inputs,
            tuple(self._adders),
            tuple(self._ranges),
            tuple(self._depths),
            tuple(outputs),
        )

    def reduce(self, found: Shared) -> list[_Part | None]:
        """Return the node of each sum, None where nothing is to be added."""
        nodes = list(range(self._inputs))
        for pair in found.pairs:
            left, right = nodes[pair.left], nodes[pair.right]
            nodes.append(self._add(Adder(left, right, 0, 0, pair.subtracts)))
        return [
            self._sum([_Part(nodes[term.node], 0, term.subtracts) for term in terms])
            for terms in found.sums
        ]

    def scale(self, sums: Sequence[_Part | None], magnitudes: Sequence[int]) -> Output:
        """Return the result of a row: each of its sums times its magnitude."""
        terms = [
            (part.node, -size if part.subtracts else size)
            for part, size in zip(sums, magnitudes, strict=True)
            if part is not None
        ]
        recipe = recipe_of(tuple(factor for _, factor in terms))
        nodes = [node for node, _ in terms]
        exact = _Exact([self._ranges[node] for node in nodes], nodes)
        for step in recipe.steps:
            left, right = nodes[step.left], nodes[step.right]
            adder = Adder(left, right, step.left_shift, step.right_shift, step.subtracts)
            nodes.append(self._add(adder, exact))
        digits = [_Part(nodes[one.symbol], one.shift, one.subtracts) for one in recipe.digits]
        total = self._sum(digits, exact)
        if total is None:
            return Output(NOTHING, 0)
        if not total.subtracts:
            return Output(total.node, total.shift)
        return Output(self._add(Adder(NOTHING, total.node, 0, 0, True), exact), total.shift)

    def _sum(self, parts: Iterable[_Part], exact: _Exact | None = None) -> _Part | None:
        """Return the sum of some parts by a tree: what is there first and narrow is added first."""
        heap = [self._ranked(part) for part in parts]
        heapq.heapify(heap)
        while len(heap) > 1:
            left, right = heapq.heappop(heap)[-1], heapq.heappop(heap)[-1]
            heapq.heappush(heap, self._ranked(self._join(left, right, exact)))
        return heap[0][-1] if heap else None

    def _ranked(self, part: _Part) -> tuple[int, int, _Part]:
        bits = self._ranges[part.node].bits + part.shift
        return self._depths[part.node], bits, part

    def _join(self, left: _Part, right: _Part, exact: _Exact | None) -> _Part:
        """Return the sum of two parts; it is to be subtracted only if both of them are."""
        if left.subtracts and not right.subtracts:
            left, right = right, left
        low = min(left.shift, right.shift)
        differ = left.subtracts != right.subtracts
        adder = Adder(left.node, right.node, left.shift - low, right.shift - low, differ)
        return _Part(self._add(adder, exact), low, left.subtracts)

    def _add(self, adder: Adder, exact: _Exact | None = None) -> int:
        """Return the node of an adder, a new one if there is none."""
        if not adder.subtracts and adder.right < adder.left:
            shifts = adder.right_shift, adder.left_shift
            adder = Adder(adder.right, adder.left, *shifts, subtracts=False)
        if (known := self._known.get(adder)) is None:
            known = self._known[adder] = len(self._ranges)
            self._adders.append(adder)
            self._ranges.append(exact.range_of(adder, known) if exact else self._range(adder))
            before = 0 if adder.left == NOTHING else self._depths[adder.left]
            self._depths.append(1 + max(before, self._depths[adder.right]))
        elif exact:
            exact.range_of(adder, known)
        return known

    def _range(self, adder: Adder) -> Range:
        """Return the range of two nodes that have no input in common."""
        left, right = self._ranges[adder.left], self._ranges[adder.right]
        if adder.subtracts:
            return Range(left.lo - right.hi, left.hi - right.lo)
        return Range(left.lo + right.lo, left.hi + right.hi)


class _Exact:
    """The ranges of nodes that are made of the same few sums, which have no input in common."""

    def __init__(self, ranges: Sequence[Range], nodes: Sequence[int]) -> None:
        self._ranges = ranges
        size = len(nodes)
        self._factors = {node: np.eye(size, dtype=object)[i] for i, node in enumerate(nodes)}
        self._factors[NOTHING] = np.zeros(size, dtype=object)

    def range_of(self, adder: Adder, node: int) -> Range:
        """Return the range of an adder, which is that node."""
        left = self._factors[adder.left] * 2**adder.left_shift
        right = self._factors[adder.right] * 2**adder.right_shift
        factors = self._factors[node] = left - right if adder.subtracts else left + right
        ends = [
            sorted((factor * reach.lo, factor * reach.hi))
            for factor, reach in zip(factors.tolist(), self._ranges, strict=True)
        ]
        return Range(sum(lo for lo, _ in ends), sum(hi for _, hi in ends))
