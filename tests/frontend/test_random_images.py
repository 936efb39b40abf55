"""Random networks of images against the QONNX executor, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.frontend.exact_images import claim, conv, ints, powers
from tests.frontend.onnx_models import Net, f32


class _Grower:
    """Grows a network step by step; every value is a quantised image of known shape."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        shape = (int(self.rng.integers(1, 4)) * 2, *self.rng.integers(4, 8, 2).tolist())
        self.net = Net(1, *shape)
        self.images: list[tuple[str, tuple[int, ...]]] = []
        self.keep("x", shape)

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def keep(self, x: str, shape: tuple[int, ...]) -> None:
        """Quantise `x` in some way and let later steps use it."""
        if self.rng.random() < 0.2:
            made = self.net.node("BipolarQuant", x, self.net.const(f32(self.pick(0.5, 2.0))))
        else:
            channels = shape[0] if self.rng.random() < 0.2 else 1
            scale = powers(1, channels, 1, 1, seed=int(self.rng.integers(99)))
            zero_point = float(self.pick(0, 0, 0, 2, -3))
            made = self.net.quant(x, scale, zero_point, bits=float(self.pick(2, 4, 5)))
        self.images.append((made, shape))

    def step(self) -> None:
        x, shape = self.images[int(self.rng.integers(len(self.images)))]
        self.pick(self.convolve, self.pool, self.join, self.part, self.enlarge, self.turn)(x, shape)

    def convolve(self, x: str, shape: tuple[int, ...]) -> None:
        groups = self.pick(1, 1, 2, shape[0])
        groups = groups if shape[0] % groups == 0 else 1
        outputs, kernel = groups * self.pick(1, 2), self.rng.integers(1, 4, 2).tolist()
        strides, pads = self.rng.integers(1, 3, 2).tolist(), self.rng.integers(0, 3, 4).tolist()
        padded = (shape[1] + pads[0] + pads[2], shape[2] + pads[1] + pads[3])
        if min(np.subtract(padded, kernel)) < 0:
            return
        form = {"strides": strides, "pads": pads, "group": groups}
        found = conv(self.net, x, outputs, shape[0] // groups, *kernel, **form)
        rows, columns = ((n - k) // s + 1 for n, k, s in zip(padded, kernel, strides, strict=True))
        self.keep(self.pick(found, self.net.node("Relu", found)), (outputs, rows, columns))

    def pool(self, x: str, shape: tuple[int, ...]) -> None:
        if min(shape[1:]) < 2:
            return
        rows, columns = (n // 2 for n in shape[1:])
        form: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
        op = self.pick("MaxPool", "AveragePool")
        self.keep(self.net.node(op, x, **form), (shape[0], rows, columns))

    def join(self, x: str, shape: tuple[int, ...]) -> None:
        others = [name for name, other in self.images if other == shape]
        op, other = self.pick("Add", "Sub", "Mul", "Concat"), self.pick(*others)
        if op == "Concat":
            self.keep(self.net.node(op, x, other, axis=1), (2 * shape[0], *shape[1:]))
        else:
            self.keep(self.net.node(op, x, other), shape)

    def part(self, x: str, shape: tuple[int, ...]) -> None:
        if shape[0] % 2:
            return
        half = (shape[0] // 2, *shape[1:])
        first = self.net.node("Split", x, outputs=2, axis=1)
        self.keep(first, half)
        self.keep(f"{first}b", half)

    def enlarge(self, x: str, shape: tuple[int, ...]) -> None:
        if max(shape[1:]) > 8:
            return
        scales = self.net.const(f32([1, 1, 2, 1]))
        larger = self.net.node("Resize", x, "", scales, mode="nearest")
        self.keep(larger, (shape[0], 2 * shape[1], shape[2]))

    def turn(self, x: str, shape: tuple[int, ...]) -> None:
        """Shuffle the channels, or swap rows and columns."""
        if shape[0] % 2:
            self.keep(self.net.node("Transpose", x, perm=[0, 1, 3, 2]), (shape[0], *shape[:0:-1]))
            return
        apart = self.net.node("Reshape", x, self.net.const(ints(1, 2, -1, *shape[1:])))
        mixed = self.net.node("Transpose", apart, perm=[0, 2, 1, 3, 4])
        self.keep(self.net.node("Reshape", mixed, self.net.const(ints(1, *shape))), shape)


@pytest.mark.parametrize("seed", range(24))
def test_random_networks(seed: int) -> None:
    grower = _Grower(seed)
    while len(grower.images) < 7:
        grower.step()
    outputs = [name for name, _ in grower.images[-3:]]
    claim(grower.net, *outputs, frames=2)
