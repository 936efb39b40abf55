"""Random convolutional networks, as the frontend would import them.

Invariant: every network can be lowered; each value's users and kinds are drawn, so branches meet,
pools stand anywhere and permutations lie between any two layers.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from bitmason.diagnostics import Loc
from bitmason.ir import Bipolar, Builder, Const, Graph, Int, IntType, Op, Real, TensorType, UInt
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.arrange import Concat, Crop, Upsample
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.join import Product, WeightedSum
from bitmason.ir.ops.pad import Pad
from bitmason.ir.ops.pooling import GlobalPool, MaxPool, SumPool
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.real import AddConst, Clip, LeakyRelu, MulConst, Unary
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.staircase import Staircase

WEIGHTS: st.SearchStrategy[IntType] = st.sampled_from([Int(3), Bipolar()])
ACTIVATIONS: st.SearchStrategy[IntType] = st.sampled_from([UInt(2), Int(3), Bipolar()])
PLACE = Loc("net.onnx", "node")


class Sketch:
    """A network that grows layer by layer, with short ways to add what tests need."""

    def __init__(self, seed: int = 0) -> None:
        self.builder = Builder("net")
        self.rng = np.random.default_rng(seed)

    def input(self, elem: IntType | Real, *shape: int, name: str = "x") -> str:
        return self.builder.input(name, TensorType(shape, elem), PLACE)

    def add(self, op: Op, *operands: str, name: str = "") -> str:
        return self.builder.add(op, operands, Loc("net.onnx", name or op.name), name)

    def shape(self, value: str) -> tuple[int, ...]:
        return self.builder.type_of(value).shape

    def elem(self, value: str) -> IntType | Real:
        return self.builder.type_of(value).elem

    def weights(self, elem: IntType, *shape: int) -> Const:
        if isinstance(elem, Bipolar):
            return Const.integers(self.rng.choice([-1, 1], shape))
        return Const.integers(self.rng.integers(elem.lo, elem.hi, shape, endpoint=True))

    def conv(
        self,
        x: str,
        outputs: int,
        kernel: tuple[int, int],
        *,
        name: str = "conv",
        weight: IntType | None = None,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
    ) -> str:
        elem = weight or Int(3)
        weights = self.weights(elem, outputs, *kernel, self.shape(x)[2] // groups)
        return self.add(Conv(weights, elem, stride, dilation, groups), x, name=name)

    def dense(self, x: str, outputs: int, weight: IntType | None = None, name: str = "fc") -> str:
        elem = weight or Int(3)
        return self.add(Dense(self.weights(elem, outputs, self.shape(x)[-1]), elem), x, name=name)

    def dequantise(self, x: str, *, per_channel: bool = True) -> str:
        count = self.shape(x)[-1] if per_channel else 1
        scale = tuple(Fraction(int(n), 16) for n in self.rng.integers(1, 9, count))
        offset = tuple(Fraction(int(n), 8) for n in self.rng.integers(-9, 9, count))
        return self.add(Dequantise(scale, offset), x)

    def norm(self, x: str, *, positive: bool = False) -> str:
        shape = (self.shape(x)[-1],)
        factor = self.rng.normal(0, 1, shape).astype(np.float32)
        factor = np.abs(factor) if positive else factor
        scaled = self.add(MulConst(Const(factor)), x)
        shift = self.rng.normal(0, 1, shape).astype(np.float32)
        return self.add(AddConst(Const(shift)), scaled)

    def quantise(self, x: str, out: IntType, name: str = "act") -> str:
        one, zero = Const(np.float32(0.5)), Const(np.float32(0))
        return self.add(Quantise(one, zero, out), x, name=name)

    def staircase(self, x: str, count: int, name: str = "act") -> str:
        steps = np.sort(self.rng.normal(0, 2, (self.shape(x)[-1], count)), axis=1)
        return self.add(Staircase(Const(steps)), x, name=name)

    def finish(self, *outputs: str) -> Graph:
        return self.builder.finish(outputs)


class _Grower:
    """Draws layers; `current` is an integer image, `earlier` holds others to join with."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.net = Sketch(draw(st.integers(0, 999)))
        self.earlier: list[str] = []

    def number(self, lo: int, hi: int) -> int:
        return self.draw(st.integers(lo, hi))

    def pair(self, lo: int, hi: int) -> tuple[int, int]:
        return self.number(lo, hi), self.number(lo, hi)

    def start(self) -> str:
        shape = (self.number(1, 6), self.number(1, 6), self.draw(st.sampled_from([1, 2, 4, 6])))
        x = self.net.input(Real(), *shape)
        return self.net.quantise(x, self.draw(ACTIVATIONS))

    def activation(self, x: str) -> str:
        net = self.net
        real = net.dequantise(x, per_channel=self.draw(st.booleans()))
        if self.draw(st.booleans()):
            real = net.norm(real)
        if self.draw(st.booleans()):
            low = self.pair(0, 1)
            kernel = (min(2, net.shape(x)[0]), min(2, net.shape(x)[1]))
            low = (min(low[0], kernel[0] - 1), min(low[1], kernel[1] - 1))
            real = net.add(MaxPool(kernel, self.pair(1, 2), low=low), real, name="pool")
        between: list[Op] = [Clip(lo=0.0), LeakyRelu(Const(np.float32(0.25))), Unary("tanh")]
        chosen = self.draw(st.none() | st.sampled_from(between))
        real = real if chosen is None else net.add(chosen, real)
        if self.draw(st.integers(0, 3)) == 0:
            return net.staircase(real, self.number(1, 5))
        if self.draw(st.integers(0, 3)) == 0:
            real = net.add(Transpose(tuple(self.draw(st.permutations(range(3))))), real)
            real = net.add(Clip(hi=2.0), real)
        return net.quantise(real, self.draw(ACTIVATIONS))

    def conv(self, x: str) -> str:
        net = self.net
        height, width, channels = net.shape(x)
        if self.draw(st.booleans()) and not isinstance(net.elem(x), Bipolar):
            x = net.add(Pad(self.pair(0, 1), self.pair(0, 1)), x, name="conv_pad")
            height, width, channels = net.shape(x)
        sizes = st.sampled_from([1, 2, 3, 9])
        kernel = (min(self.draw(sizes), height), min(self.draw(sizes), width))
        groups = self.draw(st.sampled_from([g for g in (1, 2, channels) if channels % g == 0]))
        fits = kernel[0] * 2 - 1 <= height and kernel[1] * 2 - 1 <= width
        dilation = self.pair(1, 2) if fits else (1, 1)
        made = net.conv(
            x,
            groups * self.number(1, 2),
            kernel,
            weight=self.draw(WEIGHTS),
            stride=self.pair(1, 2),
            dilation=dilation,
            groups=groups,
        )
        return self.activation(made)

    def max_pool(self, x: str) -> str:
        height, width, _ = self.net.shape(x)
        kernel = (self.number(1, min(3, height)), self.number(1, min(3, width)))
        low = (self.number(0, kernel[0] // 2), self.number(0, kernel[1] // 2))
        return self.net.add(MaxPool(kernel, self.pair(1, 2), low=low, high=low), x, name="pool")

    def sum_pool(self, x: str) -> str:
        net = self.net
        height, width, _ = net.shape(x)
        kernel = (self.number(1, min(3, height)), self.number(1, min(3, width)))
        bits = net.add(Bit(), x) if isinstance(net.elem(x), Bipolar) else x
        every = self.draw(st.booleans())
        op = GlobalPool("sum") if every else SumPool(kernel, self.pair(1, 2))
        return self.activation(net.add(op, bits, name="mean"))

    def shuffle(self, x: str) -> str:
        net = self.net
        height, width, channels = net.shape(x)
        groups = 2 if channels % 2 == 0 else 1
        apart = net.add(Reshape((height, width, groups, channels // groups)), x)
        swapped = net.add(Transpose((0, 1, 3, 2)), apart)
        return net.add(Reshape((height, width, channels)), swapped, name="shuffle")

    def turn(self, x: str) -> str:
        perm = tuple(self.draw(st.permutations(range(3))))
        return self.net.add(Transpose(perm), x, name="turn")

    def join(self, x: str) -> str:
        net = self.net
        same = [other for other in self.earlier if net.shape(other) == net.shape(x)]
        other = self.draw(st.sampled_from(same)) if same else x
        a, b = (
            net.add(Bit(), value) if isinstance(net.elem(value), Bipolar) else value
            for value in (x, other)
        )
        columns = self.draw(st.sampled_from([1, net.shape(x)[-1]]))
        factors = Const.integers(net.rng.integers(-3, 4, (2, columns)))
        op = Product((1, 0)) if self.draw(st.booleans()) else WeightedSum(factors)
        return self.activation(net.add(op, a, b, name="join"))

    def concat(self, x: str) -> str:
        net = self.net
        same = [other for other in self.earlier if net.shape(other)[:2] == net.shape(x)[:2]]
        other = self.draw(st.sampled_from(same)) if same else x
        if net.shape(x)[2] + net.shape(other)[2] > 12:
            return x
        return net.add(Concat(), x, other)

    def crop(self, x: str) -> str:
        size = tuple(self.number(1, min(4, extent)) for extent in self.net.shape(x))
        return self.net.add(Crop((0, 0, 0), size, (1, 1, 1)), x)

    def upsample(self, x: str) -> str:
        small = max(self.net.shape(x)[:2]) <= 4
        return self.net.add(Upsample(self.pair(1, 2)), x) if small else x

    def twice(self, x: str) -> str:
        """Quantise an integer again to its own grid, and let both be used."""
        self.earlier.append(x)
        real = self.net.add(Dequantise((Fraction(1, 2),)), x)
        elem = self.net.elem(x)
        assert not isinstance(elem, Real)
        return self.net.quantise(real, elem, "again")

    def end(self, x: str) -> list[str]:
        net = self.net
        outputs = [x] if self.draw(st.booleans()) else []
        if self.draw(st.booleans()):
            size = int(np.prod(net.shape(x)))
            x = net.add(Transpose(tuple(self.draw(st.permutations(range(3))))), x)
            x = net.add(Reshape((size,)), x, name="flat")
            if self.draw(st.booleans()):
                x = net.quantise(net.dequantise(x), UInt(2), "flat_act")
            if self.draw(st.integers(0, 3)):
                x = net.dense(x, self.number(1, 4), self.draw(WEIGHTS))
        if self.draw(st.booleans()):
            real = net.dequantise(x, per_channel=self.draw(st.booleans()))
            label = self.draw(st.booleans())
            return [*outputs, net.add(ArgMax(), real, name="label") if label else real]
        return [*outputs, x]


_LAYERS: tuple[Callable[[_Grower, str], str], ...] = (
    *(_Grower.conv, _Grower.conv, _Grower.max_pool, _Grower.sum_pool, _Grower.shuffle),
    *(_Grower.turn, _Grower.join, _Grower.concat, _Grower.crop, _Grower.upsample, _Grower.twice),
)


@st.composite
def conv_networks(draw: st.DrawFn, max_layers: int = 6) -> Graph:
    """Random convolutional networks of small images."""
    grower = _Grower(draw)
    x = grower.start()
    for layer in draw(st.lists(st.sampled_from(_LAYERS), max_size=max_layers)):
        grower.earlier.append(x)
        x = layer(grower, x)
    return grower.net.finish(*dict.fromkeys(grower.end(x)))
