"""Codebooks: weights of few values as codes, the form in which Reduce-and-Scale counts them.

Invariant: a codebook is a view. What a network computes stands in its integer weights alone, so
every tensor with few values has one, whoever trained it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitmason.ir.types import Array, IntArray

MOST_VALUES = 8  # with zero, where it is among them
ZERO = -1  # the code of a weight that is none


@dataclass(frozen=True, eq=False)
class Codebook:
    """The `values` of a tensor's weights that are not zero, ascending, and the code of each weight.

    `codes` has the tensor's shape: the place in `values`, or `ZERO`.
    """

    values: tuple[int, ...]
    codes: IntArray

    @property
    def weights(self) -> IntArray:
        """The tensor itself."""
        return np.array([*self.values, 0], dtype=np.int64)[self.codes]

    @property
    def non_zeros(self) -> int:
        """How many weights are not zero."""
        return int(np.count_nonzero(self.codes != ZERO))

    @property
    def sparsity(self) -> float:
        """The part of the weights that are zero."""
        return 1 - self.non_zeros / self.codes.size if self.codes.size else 0.0

    def sums(self, x: Array) -> IntArray:
        """Return the sum of the inputs that meet each value: [..., rows, values].

        `codes` is [rows, columns] here and `x` [..., columns]. The product is these sums times
        `values` (Schindler, equation 5.9, for any number of values).
        """
        chosen = np.arange(len(self.values))[:, np.newaxis, np.newaxis] == self.codes
        sums: IntArray = np.einsum("...c,vrc->...rv", x.astype(np.int64), chosen.astype(np.int64))
        return sums


def codebook_of(weights: IntArray) -> Codebook | None:
    """Return the codebook of integer weights, or None where they have too many values for one."""
    distinct = np.unique(weights)
    values = distinct[distinct != 0]
    if len(distinct) > MOST_VALUES:
        return None
    places = np.searchsorted(values, weights)
    return Codebook(tuple(values.tolist()), np.where(weights == 0, ZERO, places).astype(np.int64))
