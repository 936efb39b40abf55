"""What the layers of a trained network look like in integers.

Invariant: these are the integers that the compiler reads from the network's export.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitmason.ir.types import IntArray
from bitmason.nn.coded import CodedQuant


@dataclass(frozen=True, eq=False)
class CodedLayer:
    """A layer's weights in units of `step`: integers of few values."""

    name: str
    weights: IntArray
    step: float

    @property
    def values(self) -> tuple[int, ...]:
        """The distinct values that are not zero, ascending."""
        distinct = np.unique(self.weights)
        return tuple(distinct[distinct != 0].tolist())

    @property
    def sparsity(self) -> float:
        """The part of the weights that are zero."""
        return 1 - np.count_nonzero(self.weights) / self.weights.size


def coded_layers(net: Any) -> Iterator[CodedLayer]:
    """The layers of `net` with a `CodedQuant`, in the order of its modules."""
    for name, module in net.named_modules():
        quant = getattr(getattr(module, "weight_quant", None), "tensor_quant", None)
        if isinstance(quant, CodedQuant):
            step = quant.step.item()
            exact = module.quant_weight().value.detach().numpy() / step
            yield CodedLayer(name, np.rint(exact).astype(np.int64), step)
