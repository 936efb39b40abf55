"""The tensors of a growing random network, and what is known about their numbers.

Invariant: `step` divides every number of a tensor whose grid is known, and none exceeds `reach`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, log2

import numpy as np

from hw_tests.bench.networks.quantiser import Quantiser
from hw_tests.bench.networks.steps import After
from hw_tests.bench.networks.writer import CHANNELS_LAST, DOMAIN, Array, Writer

EXACT = 2.0**22  # levels with which float32 still computes exactly, with room for one more sum
_NARROW = 2.0**10
_UNEVEN = 4  # binary digits between the scales of two channels
_DEFAULT = Quantiser(5)


@dataclass(frozen=True)
class Value:
    """One tensor.

    `size` is a typical magnitude. `steps` are the smallest and the largest of the channels' scales.
    Numbers straight from a quantiser are `codes`: 0 is among them, and nothing but arithmetic on
    integers made them. `affine` ones may have any offset; `real` ones went through a function.
    `last` tells that the file has channels last.
    """

    name: str
    shape: tuple[int, ...]
    size: float
    steps: tuple[float, float]
    reach: float
    kind: str = "codes"
    last: bool = False

    @property
    def levels(self) -> float:
        """The number of steps from 0 to the largest number."""
        return self.reach / self.steps[0] if self.steps[0] else inf

    @property
    def channel_axis(self) -> int:
        """Which axis of the file's tensor, batch included, has the channels."""
        return len(self.shape) if self.last else 1

    @property
    def is_even(self) -> bool:
        """Whether the scales of all channels have a small common step."""
        if not self.steps[0]:
            return False
        ratio = log2(self.steps[1] / self.steps[0])
        return ratio.is_integer() and ratio <= _UNEVEN

    def along(self, array: Array) -> Array:
        """Return one number per channel so that it broadcasts to the file's tensor."""
        shape = [1] * (1 + len(self.shape))
        shape[self.channel_axis] = -1
        return array.reshape(shape)


class Values(Writer):
    """Writes what follows operations, and keeps the books on magnitudes and exactness."""

    def __init__(self, seed: int, version: int, *, dyadic: bool) -> None:
        super().__init__(seed, version)
        self.dyadic = dyadic
        self.exact = dyadic
        self._count = 0

    def fresh(self, stem: str) -> str:
        """Return a name that nothing has yet."""
        self._count += 1
        return f"{stem}_{self._count}"

    def emit(self, op: str, x: Value, *more: str, domain: str = "", **attrs: object) -> Value:
        """Add a node whose result is as its first operand."""
        if domain == CHANNELS_LAST and x.name != "x":
            self.note_shape(x.name, self.file_shape(x))
        name = self.node(op, [x.name, *more], self.fresh(op.lower()), domain, **attrs)
        return replace(x, name=name)

    def integers(self, *numbers: int) -> str:
        """Add a list of integers."""
        return self.constant(self.fresh("ints"), np.array(numbers, np.int64), np.int64)

    def file_shape(self, x: Value) -> list[int]:
        """Return the shape of a tensor as the file has it."""
        return [1, *x.shape[1:], x.shape[0]] if x.last else [1, *x.shape]

    def placed(self, x: Value, *, last: bool) -> Value:
        """Return an image with its channels at the place where an operator wants them."""
        if x.last == last or len(x.shape) != 3:
            return x
        perm = [0, 2, 3, 1] if last else [0, 3, 1, 2]
        return replace(self.emit("Transpose", x, perm=perm), last=last)

    def known(self, x: Value) -> Value:
        """Note whether float32 still has all digits of `x`."""
        self.exact = self.exact and x.levels <= EXACT
        return x

    def scale_for(self, quantiser: Quantiser, size: float, shape: Sequence[int] = ()) -> Array:
        """Return a float32 scale that spreads numbers of this size over the quantiser's range."""
        reach = max(1, abs(quantiser.lo), quantiser.hi)
        scale = 2.5 * size / reach * self.rng.uniform(0.6, 1.1)
        if self.dyadic:
            scale = 2.0 ** round(log2(scale))
        spread = self.rng.integers(0, 3, shape) if quantiser.per_channel else np.zeros(shape)
        return np.asarray(np.float32(scale) * 2.0**spread, np.float32)

    def quantised(self, x: Value, quantiser: Quantiser, scale: Array | None = None) -> Value:
        """Put a quantiser behind `x`."""
        if scale is None:
            row = self.scale_for(quantiser, x.size, (x.shape[0],) if quantiser.per_channel else ())
            scale = x.along(row) if quantiser.per_channel else row
        name = self.quantise(x.name, self.fresh("quant"), quantiser, scale)
        lo, hi = (-1, 1) if quantiser.bipolar else (quantiser.lo, quantiser.hi)
        widest = max(abs(lo - quantiser.zero_point), abs(hi - quantiser.zero_point))
        steps = (float(scale.min()), float(scale.max()))
        reach = widest * steps[1]
        return replace(x, name=name, size=0.5 * reach + steps[0] / 4, steps=steps, reach=reach,
                       kind="codes")  # fmt: skip

    def operand(self, x: Value, *, zero: bool = False, even: bool = False) -> Value:
        """Return `x` as narrow integers; with `zero` 0 is one of its numbers."""
        fits = x.kind == "codes" or (x.kind == "affine" and self.dyadic and not zero)
        if fits and x.levels <= _NARROW and (x.is_even or not even):
            return x
        return self.quantised(x, _DEFAULT)

    def on_grid_of(self, x: Value, other: Value) -> Value:
        """Return `x` so that it has a small common step with `other`."""
        ratio = log2(x.steps[0] / other.steps[0]) if x.steps[0] and other.steps[0] else 0.5
        if ratio.is_integer() and x.is_even and other.is_even and abs(ratio) <= 8:
            return x
        power = round(log2(max(x.size, 1e-6) / 4 / other.steps[0]))
        scale = np.asarray(other.steps[0] * 2.0 ** min(max(power, -4), 4), np.float32)
        return self.quantised(x, _DEFAULT, scale)

    def finished(self, x: Value, after: After) -> Value:
        """Put everything that `after` says behind `x`."""
        if after.bias:
            x = self._biased(x)
        if after.norm and len(x.shape) > 1:
            x = self._normalised(x)
        if after.function:
            x = self._function(x, after.function)
        if after.thresholds and after.quantiser is not None:
            return self._thresholds(x, after.quantiser)
        return x if after.quantiser is None else self.quantised(x, after.quantiser)

    def _constants_near(self, x: Value, size: float) -> Array:
        """Return one number per channel, on the grid of `x` where it has one."""
        row = self.rng.normal(0, size, x.shape[0])
        step = x.steps[0] if self.dyadic else 0.0
        return np.asarray(np.round(row / step) * step if step else row, np.float32)

    def _biased(self, x: Value) -> Value:
        row = self._constants_near(x, 0.5 * x.size)
        made = self.emit("Add", x, self.constant(self.fresh("bias"), x.along(row)))
        kind = "real" if x.kind == "real" or not self.dyadic else "affine"
        reach = x.reach + float(np.abs(row).max())
        return self.known(replace(made, kind=kind, reach=reach))

    def _normalised(self, x: Value) -> Value:
        """Add a batch normalisation; factors may be negative."""
        rng, channels = self.rng, x.shape[0]
        # The standard's operator takes channels first, qonnx's channels last.
        domain = CHANNELS_LAST if x.last else ""
        mean, beta = self._constants_near(x, 0.3 * x.size), np.zeros(channels)
        if self.dyadic:
            gamma = 2.0 ** rng.integers(-1, 2, channels)
            var, epsilon = 4.0 ** rng.integers(-1, 2, channels), 0.0
        else:
            gamma, epsilon = rng.uniform(0.5, 1.5, channels), 1e-5
            var, beta = rng.uniform(0.3, 2, channels), rng.normal(0, 0.3 * x.size, channels)
        gamma = gamma * rng.choice([1, 1, 1, -1], channels)
        rows = [self.constant(self.fresh("norm"), row) for row in (gamma, beta, mean, var)]
        made = self.emit("BatchNormalization", x, *rows, domain=domain, epsilon=epsilon)
        factor = np.abs(gamma) / np.sqrt(var + epsilon)
        steps = (x.steps[0] * factor.min(), x.steps[1] * factor.max())
        reach = (x.reach + np.abs(mean).max()) * factor.max() + np.abs(beta).max()
        size = x.size * float(np.median(factor))
        kind = "real" if x.kind == "real" or not self.dyadic else "affine"
        return self.known(replace(made, kind=kind, steps=steps, reach=float(reach), size=size))

    def _function(self, x: Value, function: str) -> Value:
        if function == "Clip":
            ends = [self.constant(self.fresh("end"), end) for end in (-1.0, 1.0)]
            made = self.emit("Clip", x, *ends)
            step = min(x.steps[0], 1.0)
            return replace(made, kind="real", steps=(step, step), size=min(x.size, 1.0))
        if function == "LeakyRelu":
            made = self.emit("LeakyRelu", x, alpha=0.125)
            return self.known(replace(made, kind="real", steps=(x.steps[0] / 8, x.steps[1])))
        made = replace(self.emit(function, x), kind="real")
        if function == "Relu":
            return made
        self.exact = False
        return replace(made, steps=(0.0, 0.0), reach=1.0, size=0.5)

    def _thresholds(self, x: Value, quantiser: Quantiser) -> Value:
        """Count thresholds, as FINN has activations."""
        bits = min(quantiser.bits, 4)
        rows = x.shape[0] if quantiser.per_channel else 1
        raw = np.sort(self.rng.normal(0, 1.2 * x.size, (rows, 2**bits - 1)), axis=1)
        step = x.steps[0] / 2 if self.dyadic and x.steps[0] else 0.0
        table = np.round(raw / step) * step if step else raw
        bias = -(2 ** (bits - 1)) if quantiser.signed else 0
        scale = float(self.scale_for(Quantiser(bits, quantiser.signed), max(x.size, 0.1)))
        layout = "NHWC" if x.last else {3: "NCHW", 2: "NCW"}.get(len(x.shape), "NC")
        made = self.emit(
            "MultiThreshold", x, self.constant(self.fresh("steps"), table), domain=DOMAIN,
            out_scale=scale, out_bias=bias * scale, data_layout=layout,
            out_dtype=f"{'INT' if quantiser.signed else 'UINT'}{bits}",
        )  # fmt: skip
        reach = scale * 2**bits
        return replace(made, kind="codes", steps=(scale, scale), reach=reach, size=reach / 3)
