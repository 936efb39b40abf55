"""Convolutions and pools of random networks.

Invariant: geometry is brought to the nearest that ONNX allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd, prod
from typing import Any

import numpy as np

from hw_tests.bench.networks.quantiser import Quantiser
from hw_tests.bench.networks.steps import Pair, Step
from hw_tests.bench.networks.values import Value, Values
from hw_tests.bench.networks.writer import CHANNELS_LAST, DOMAIN, Array

_MAX_CHANNELS = 12


@dataclass(frozen=True)
class Geometry:
    """Kernel, stride, dilation and padding for as many axes as the image has."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    result: tuple[int, ...]

    def attributes(self) -> dict[str, Any]:
        """Return what ONNX writes."""
        return {
            "kernel_shape": list(self.kernel),
            "strides": list(self.stride),
            "dilations": list(self.dilation),
            "pads": [*self.low, *self.high],
        }


def fitted(step: Step, x: Value, *, pool: bool = False) -> Geometry:
    """Return the geometry of a step that fits an image."""
    axes = len(x.shape) - 1
    rows = [_along(step, axis, x.shape[axis - 2], pool=pool) for axis in (0, 1)[-axes:]]
    return Geometry(*zip(*rows, strict=True))


def _along(step: Step, axis: int, extent: int, *, pool: bool) -> tuple[int, ...]:
    low, high = step.pads[axis], step.pads[2 + axis]
    kernel, stride, dilation = step.kernel[axis], step.stride[axis], step.dilation[axis]
    # A window in the padding alone would be answered before its frame arrives.
    reach = (kernel - 1) * dilation
    if pool:  # a window in the padding alone has no largest element
        low, high = min(low, (kernel - 1) // 2), min(high, (kernel - 1) // 2)
        dilation = 1 if low or high else dilation
    low, high = min(low, reach), min(high, reach)
    padded = extent + low + high
    kernel = min(kernel, padded) if pool is False or not (low or high) else kernel
    if (kernel - 1) * dilation + 1 > padded:
        dilation = 1
    if kernel > padded:
        kernel, low, high, padded = extent, 0, 0, extent
    return kernel, stride, dilation, low, high, (padded - (kernel - 1) * dilation - 1) // stride + 1


def conv(net: Values, step: Step, x: Value, *, last: bool) -> Value:
    """Add a convolution; `last` in the channels-last domain."""
    x = net.operand(x, zero=any(step.pads), even=True)
    geometry, channels = fitted(step, x), x.shape[0]
    groups = channels if step.groups == 0 else gcd(step.groups, channels)
    outputs = groups * max(1, min(step.channels, _MAX_CHANNELS // groups))
    weights, scale, size = _weights(net, step, (outputs, channels // groups, *geometry.kernel), 0)
    place = (0, *range(2, weights.ndim), 1)
    domain = CHANNELS_LAST if last and len(x.shape) == 3 else ""
    x = net.placed(x, last=bool(domain))
    if domain:
        weights, scale = (a.transpose(place) if a.ndim else a for a in (weights, scale))
    name = _constant_weights(net, step, weights, scale)
    if domain and not step.whole:
        net.note_shape(name, weights.shape)
    made = net.emit("Conv", x, name, domain=domain, group=groups, **geometry.attributes())
    return _summed(net, x, replace(made, shape=(outputs, *geometry.result)), weights, scale, size)


def conv_transpose(net: Values, step: Step, x: Value) -> Value:
    """Add a transposed convolution."""
    x = net.placed(net.operand(x, zero=True, even=True), last=False)
    channels, axes = x.shape[0], len(x.shape) - 1
    groups = channels if step.groups == 0 else gcd(step.groups, channels)
    outputs = max(1, min(step.channels, _MAX_CHANNELS // groups))
    rows = [_spread(step, axis, x.shape[axis - 2]) for axis in (0, 1)[-axes:]]
    kernel, stride, dilation, low, high, behind, result = zip(*rows, strict=True)
    weights, scale, size = _weights(net, step, (channels, outputs, *kernel), 1)
    name = _constant_weights(net, step, weights, scale)
    made = net.emit(
        "ConvTranspose", x, name, group=groups, kernel_shape=list(kernel), strides=list(stride),
        dilations=list(dilation), pads=[*low, *high], output_padding=list(behind),
    )  # fmt: skip
    shape = (groups * outputs, *result)
    per_output = np.moveaxis(weights, 1, 0)
    return _summed(net, x, replace(made, shape=shape), per_output, scale, size)


def _spread(step: Step, axis: int, extent: int) -> tuple[int, ...]:
    kernel, stride, dilation = step.kernel[axis], step.stride[axis], step.dilation[axis]
    behind = min(step.variant, stride - 1)
    full = stride * (extent - 1) + (kernel - 1) * dilation + 1 + behind
    low = min(step.pads[axis], (kernel - 1) * dilation, full - 1)
    high = min(step.pads[2 + axis], (kernel - 1) * dilation, full - 1 - low)
    return kernel, stride, dilation, low, high, behind, full - low - high


def _weights(
    net: Values, step: Step, shape: tuple[int, ...], outputs_axis: int
) -> tuple[Array, Array, float]:
    """Return integer weights, their scale, and the typical magnitude of their sums."""
    quantiser = step.weight
    lo, hi = (-1, 1) if quantiser.bipolar else (quantiser.lo, quantiser.hi)
    codes = net.rng.integers(lo, hi + 1, shape)
    if quantiser.bipolar:
        codes = net.rng.choice([-1, 1], shape)
    if quantiser.values:
        codes = quantiser.draw(net.rng, shape)
    scale = np.asarray(1.0, np.float32)
    if not step.whole:
        by_output = [n if axis == outputs_axis else 1 for axis, n in enumerate(shape)]
        scale = net.scale_for(quantiser, 0.4, by_output if quantiser.per_channel else ())
    inputs = prod(shape) / shape[outputs_axis]
    size = float(np.sqrt(inputs * np.mean(codes**2.0)) * scale.mean())
    return codes, scale, max(size, 1e-3)


def _constant_weights(net: Values, step: Step, codes: Array, scale: Array) -> str:
    name = net.constant(net.fresh("weights"), codes * scale)
    if step.whole:
        return name
    quantiser = Quantiser(step.weight.bits, step.weight.signed, step.weight.narrow)
    return net.quantise(name, net.fresh("w"), quantiser, scale)


def _summed(net: Values, x: Value, made: Value, weights: Array, scale: Array, size: float) -> Value:
    most = float(np.abs(weights).reshape(len(weights), -1).sum(axis=1).max())
    steps = (x.steps[0] * float(scale.min()), x.steps[1] * float(scale.max()))
    reach = x.reach * most * float(scale.max())
    kind = "affine" if net.dyadic else "real"
    return net.known(replace(made, size=x.size * size, steps=steps, reach=reach, kind=kind))


def pool(net: Values, step: Step, x: Value, *, last: bool) -> Value:
    """Add MaxPool or AveragePool."""
    average = step.op == "AveragePool"
    if average:
        x = net.operand(x, zero=any(step.pads))
    last = last and not average and len(x.shape) == 3
    if last:  # qonnx has no shapes for unequal padding and dilation
        step = replace(step, pads=(*step.pads[:2], *step.pads[:2]), dilation=(1, 1))
    geometry = fitted(replace(step, dilation=(1, 1)) if average else step, x, pool=True)
    attributes = geometry.attributes()
    x = net.placed(x, last=last)
    if average:
        attributes = {key: value for key, value in attributes.items() if key != "dilations"}
        attributes["count_include_pad"] = 1
    made = net.emit(step.op, x, domain=CHANNELS_LAST if last else "", **attributes)
    made = replace(made, shape=(x.shape[0], *geometry.result))
    return _mean(net, made, prod(geometry.kernel)) if average else made


def over_image(net: Values, step: Step, x: Value) -> Value:
    """Add GlobalAveragePool or GlobalMaxPool."""
    average = step.op == "GlobalAveragePool"
    x = net.placed(net.operand(x) if average else x, last=False)
    made = replace(net.emit(step.op, x), shape=(x.shape[0], *(1 for _ in x.shape[1:])))
    return _mean(net, made, prod(x.shape[1:])) if average else made


def _mean(net: Values, made: Value, count: int) -> Value:
    if count & (count - 1):
        net.exact = False
    steps = (made.steps[0] / count, made.steps[1] / count)
    kind = "affine" if net.dyadic and not count & (count - 1) else "real"
    return net.known(replace(made, steps=steps, kind=kind, size=made.size / count**0.25))


def truncated(net: Values, step: Step, x: Value) -> Value:
    """Add an average pool whose sum loses its low bits, as Brevitas has it."""
    bits = 3 + step.variant % 3
    quantiser = Quantiser(bits, signed=step.variant % 2 == 0)
    x = net.placed(net.quantised(x, quantiser), last=False)
    axes = len(x.shape) - 1
    kernel: Pair = (2, 2) if axes == 2 and min(x.shape[1:]) > 1 else (1, min(2, x.shape[-1]))
    plain = Step("AveragePool", kernel=kernel, stride=step.stride)
    geometry = fitted(plain, x, pool=True)
    count = prod(geometry.kernel)
    mean = net.emit("AveragePool", x, kernel_shape=list(geometry.kernel),
                    strides=list(geometry.stride))  # fmt: skip
    grown = bits + count.bit_length() - 1
    scale = np.float32(x.steps[0] / count)
    numbers: list[Any] = [scale, 0.0, float(grown)]
    form: dict[str, Any] = {}
    if net.version > 1:
        numbers += [np.float32(scale * count)]
        form = {"signed": int(quantiser.signed), "narrow": 0}
    rounding = "ROUND" if step.variant % 4 > 1 else "FLOOR"
    given = [net.constant(net.fresh("trunc"), np.float32(n)) for n in (*numbers, float(bits))]
    made = net.emit("Trunc", mean, *given, domain=DOMAIN, rounding_mode=rounding, **form)
    step_out = float(scale) * (count if form else 1)
    # The first version keeps the scale of the sums for their upper bits.
    reach = step_out * 2.0**bits
    return replace(made, shape=(x.shape[0], *geometry.result), kind="codes",
                   steps=(step_out, step_out), reach=reach, size=reach / 4)  # fmt: skip
