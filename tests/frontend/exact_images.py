"""Small networks of images whose arithmetic is exact in float32.

Invariant: every scale is a power of two and every integer is small, so that the QONNX executor and
the imported graph must give the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto

from bitmason.ir.types import Array
from tests.frontend.onnx_models import Net, assert_equal_to_executor, f32, imported, on_grid


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


def kernels(*shape: int, seed: int = 0, reach: int = 7) -> Array:
    """Return weights on a grid of 1/4."""
    return f32(np.random.default_rng(seed).integers(-reach, reach + 1, shape) * 0.25)


def powers(*shape: int, seed: int = 5) -> Array:
    """Return scales that are powers of two."""
    return f32(2.0 ** np.random.default_rng(seed).integers(-2, 3, shape))


def conv(net: Net, x: str, *shape: int, seed: int = 0, **attributes: Any) -> str:
    """Add a Conv of activations `x` with quantised weights of `shape`."""
    weights = net.quant(net.const(kernels(*shape, seed=seed)), 0.25, narrow=1)
    return net.node(attributes.pop("op", "Conv"), x, weights, **attributes)


def claim(net: Net, *outputs: str, frames: int = 3, seed: int = 1) -> None:
    """Claim: the imported graph computes what the executor does, bit for bit."""
    assert_equal_to_executor(net.model(*outputs), on_grid(frames, *net.shape[1:], seed=seed))


def values_of(model: ModelProto, op: str) -> list[Any]:
    """Return the nodes of the imported graph that have this operation."""
    return [node for node in imported(model).graph.nodes if node.op.name == op]
