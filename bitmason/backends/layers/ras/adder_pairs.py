"""Pairs of terms that several sums have in common: each is added once and then is a term itself.

Invariant: replacing each pair by its two terms, the last one first, gives back every sum exactly.

The most frequent pair comes first, until none is in two sums (Hartley, 1996). A pair becomes no
more frequent once both of its terms exist, so what was once counted is a bound for ever after:
only pairs whose bound is the greatest are counted again, and those of them that have no term in
common are taken at once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitmason.ir.types import IntArray

_WORD = 64
_AT_ONCE = 2**18  # pairs that are counted at once, for the sake of memory

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Pair:
    """The sum, or the difference, of two terms."""

    left: int
    right: int
    subtracts: bool


@dataclass(frozen=True)
class Term:
    """A part of a sum."""

    node: int
    subtracts: bool


@dataclass(frozen=True)
class Shared:
    """Sums with their common pairs taken out; terms from `len(inputs)` on are `pairs`."""

    pairs: tuple[Pair, ...]
    sums: tuple[tuple[Term, ...], ...]


def share_pairs(signs: IntArray, deepest: int) -> Shared:
    """Return the sums `signs[sums, inputs]`, of -1, 0 and 1, with their common pairs taken out.

    No pair is made of more than `deepest` additions one after the other.
    """
    sharing = _Sharing(signs, deepest)
    sharing.run()
    return sharing.result()


def separate(signs: IntArray) -> Shared:
    """Return the same sums with nothing taken out."""
    return Shared((), tuple(_terms(row) for row in signs))


def _terms(row: IntArray) -> tuple[Term, ...]:
    return tuple(Term(node, bool(row[node] < 0)) for node in np.flatnonzero(row).tolist())


class _Sharing:
    """The state of the search: for each term the sums that add it, and those that subtract it.

    A candidate is a column of three numbers: two terms, the smaller one first, and whether their
    difference is meant.
    """

    def __init__(self, signs: IntArray, deepest: int) -> None:
        self._sums = len(signs)
        self._deepest = deepest
        self._inputs = signs.shape[1]
        self._used = np.stack([_packed(signs.T > 0), _packed(signs.T < 0)])
        self._depth = np.zeros(self._inputs, np.int64)
        self._pairs: list[Pair] = []
        self._waiting: defaultdict[int, list[IntArray]] = defaultdict(list)
        self._start(signs.astype(np.float32))

    def run(self) -> None:
        """Take pairs out until no pair is in two sums."""
        level = max(self._waiting, default=0)
        while level >= 2:
            waiting = self._waiting.pop(level, None)
            if waiting is None:
                level -= 1
                continue
            self._pass(np.concatenate(waiting, axis=1), level)

    def result(self) -> Shared:
        """Return what is left of the sums."""
        signs = np.zeros((len(self._depth), self._sums), np.int8)
        for sign, used in zip((1, -1), self._used, strict=True):
            bits = np.unpackbits(used.view(np.uint8), axis=1, count=self._sums, bitorder="little")
            signs += np.int8(sign) * bits.astype(np.int8)
        return Shared(tuple(self._pairs), tuple(_terms(row) for row in signs.T))

    def _start(self, signs: npt.NDArray[np.float32]) -> None:
        """Count all pairs of inputs."""
        if self._deepest < 1:
            return
        both, balance = np.abs(signs).T @ np.abs(signs), signs.T @ signs
        for subtracts, counted in enumerate((both + balance, both - balance)):
            counts = np.triu(counted, 1).astype(np.int64) // 2
            left, right = np.nonzero(counts >= 2)
            pairs = np.stack([left, right, np.full_like(left, subtracts)])
            self._wait(pairs, counts[left, right])

    def _wait(self, pairs: IntArray, counts: IntArray) -> None:
        """Put candidates by, each where its count comes up."""
        for count in np.unique(counts[counts >= 2]).tolist():
            self._waiting[count].append(pairs[:, counts == count])

    def _pass(self, pairs: IntArray, level: int) -> None:
        """Take out pairs that are in `level` sums, as many as have no term in common."""
        counts = self._count(pairs)
        fewer = counts < level
        self._wait(pairs[:, fewer], counts[fewer])
        pairs = pairs[:, ~fewer]
        depth = np.maximum(self._depth[pairs[0]], self._depth[pairs[1]])
        pairs = pairs[:, np.lexsort((pairs[2], pairs[1], pairs[0], depth))]
        taken = _disjoint(pairs, len(self._depth))
        if not taken.all():
            self._waiting[level].append(pairs[:, ~taken])
        self._take(pairs[:, taken])

    def _count(self, pairs: IntArray) -> IntArray:
        """Return in how many sums each candidate is."""
        parts = [
            np.bitwise_count(_common(self._used, pairs[:, start : start + _AT_ONCE])).sum((0, 2))
            for start in range(0, pairs.shape[1], _AT_ONCE)
        ]
        return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)

    def _take(self, pairs: IntArray) -> None:
        """Replace pairs that have no term in common by terms of their own."""
        common = _common(self._used, pairs)
        left, right, subtracts = pairs
        adds, negated = np.bitwise_count(common).sum(axis=2)
        turned = (subtracts == 1) & (negated > adds)  # most sums need right - left
        left, right = np.where(turned, right, left), np.where(turned, left, right)
        common[:, turned] = common[::-1, turned]
        for side in range(2):
            self._used[side, left] &= ~common[side]
            self._used[side ^ subtracts, right] &= ~common[side]
        self._used = np.concatenate([self._used, common], axis=1)
        known = len(self._depth)
        depth = 1 + np.maximum(self._depth[left], self._depth[right])
        self._depth = np.concatenate([self._depth, depth])
        terms = zip(left.tolist(), right.tolist(), subtracts.tolist(), strict=True)
        self._pairs += [Pair(i, j, bool(minus)) for i, j, minus in terms]
        found = self._used.any(axis=(0, 2)) & (self._depth < self._deepest)
        for node in range(known, len(self._depth)):
            if found[node]:
                self._meet(node, np.flatnonzero(found[:node]))

    def _meet(self, node: int, others: IntArray) -> None:
        """Make candidates of a new term and all terms before it."""
        words = np.flatnonzero(self._used[:, node].any(axis=0))
        new = self._used[:, node, words]
        old = self._used[:, others[:, np.newaxis], words]
        for subtracts, sides in enumerate((new, new[::-1])):
            counts = np.bitwise_count(old & sides[:, np.newaxis]).sum((0, 2)).astype(np.int64)
            some = counts >= 2
            left = others[some]
            pairs = np.stack([left, np.full_like(left, node), np.full_like(left, subtracts)])
            self._wait(pairs, counts[some])


def _packed(bits: npt.NDArray[np.bool_]) -> Words:
    """Return rows of bits as words."""
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % _WORD)))
    packed = np.packbits(padded, axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view(np.uint64)


def _common(used: Words, pairs: IntArray) -> Words:
    """Return the sums that have each pair as it is, and those that have it negated."""
    left, right, subtracts = pairs
    return np.stack([used[side, left] & used[side ^ subtracts, right] for side in range(2)])


def _disjoint(pairs: IntArray, nodes: int) -> npt.NDArray[np.bool_]:
    """Tell which pairs have no term in common with one before them that is chosen too."""
    chosen = np.zeros(pairs.shape[1], bool)
    taken = np.zeros(nodes, bool)
    first = np.zeros(nodes, np.int64)
    free = np.arange(pairs.shape[1])
    while len(free):
        # Of several values for one place NumPy keeps the last one, which is the first pair's here.
        first[pairs[:2, free].T.ravel()[::-1]] = np.repeat(free, 2)[::-1]
        wins = free[(first[pairs[:2, free]] == free).all(axis=0)]
        chosen[wins] = True
        taken[pairs[:2, wins]] = True
        free = free[~taken[pairs[:2, free]].any(axis=0)]
    return chosen
