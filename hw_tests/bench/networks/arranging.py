"""Joins and rearrangements of random networks.

Invariant: what does not fit (an odd number of channels to be halved, images of other sizes to be
joined) is cut or left as it is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hw_tests.bench.networks.quantiser import Quantiser
from hw_tests.bench.networks.steps import Step
from hw_tests.bench.networks.values import Value, Values

_MAX_EXTENT = 14
_MAX_CHANNELS = 12


def join(net: Values, step: Step, a: Value, b: Value) -> Value:
    """Add a sum, difference or product of two values, which are cut to one shape."""
    a, b = (net.placed(net.operand(x, zero=step.op == "Mul"), last=False) for x in (a, b))
    shape = tuple(map(min, a.shape, b.shape))
    a, b = (cut(net, x, (0,) * len(shape), shape) for x in (a, b))
    if step.op == "Mul":
        steps = tuple(s * t for s, t in zip(a.steps, b.steps, strict=True))
        made = net.emit("Mul", a, b.name)
        reach, size = a.reach * b.reach, a.size * b.size
    else:
        b = net.on_grid_of(b, a) if a.is_even else b
        if not a.is_even:
            a, b = net.on_grid_of(a, b), net.on_grid_of(b, a)
        steps = (min(a.steps[0], b.steps[0]), max(a.steps[1], b.steps[1]))
        made = net.emit(step.op, a, b.name)
        reach, size = a.reach + b.reach, a.size + b.size
    kind = "affine" if net.dyadic else "real"
    return net.known(replace(made, steps=(steps[0], steps[1]), reach=reach, size=size, kind=kind))


def concat(net: Values, step: Step, a: Value, b: Value) -> Value:
    """Join two values along the channels, or along another axis in which they differ least."""
    a, b = (net.placed(net.operand(x), last=False) for x in (a, b))
    axis = step.variant % len(a.shape) if step.variant > 3 else 0
    if axis == 0 and a.shape[0] + b.shape[0] > _MAX_CHANNELS:
        return a
    if axis and a.shape[axis] + b.shape[axis] > _MAX_EXTENT:
        return a
    shape = [min(pair) for pair in zip(a.shape, b.shape, strict=True)]
    parts = []
    for x in (a, b):
        shape[axis] = x.shape[axis]
        parts.append(cut(net, x, (0,) * len(shape), tuple(shape)))
    if axis:  # scales must not vary along rows and columns
        parts = _on_one_scale(net, *parts)
    a, b = parts
    made = net.emit("Concat", a, b.name, axis=1 + axis)
    is_same = a.kind == b.kind == "codes" and a.steps == b.steps
    kind = "codes" if is_same and axis else "affine" if net.dyadic else "real"
    shape[axis] = a.shape[axis] + b.shape[axis]
    return replace(
        made, shape=tuple(shape), kind=kind, size=(a.size + b.size) / 2,
        steps=(min(a.steps[0], b.steps[0]), max(a.steps[1], b.steps[1])),
        reach=max(a.reach, b.reach),
    )  # fmt: skip


def _on_one_scale(net: Values, a: Value, b: Value) -> list[Value]:
    if a.kind == b.kind == "codes" and a.steps == b.steps and a.steps[0] == a.steps[1]:
        return [a, b]
    quantiser = Quantiser(4)
    scale = net.scale_for(quantiser, max(a.size, b.size))
    return [net.quantised(x, quantiser, scale) for x in (a, b)]


def cut(net: Values, x: Value, start: tuple[int, ...], shape: tuple[int, ...]) -> Value:
    """Keep `shape` elements from `start` on."""
    moved = [a for a, n in enumerate(shape) if n != x.shape[a]]
    if not moved:
        return x
    begin = net.integers(*(start[a] for a in moved))
    end = net.integers(*(start[a] + shape[a] for a in moved))
    made = net.emit("Slice", x, begin, end, net.integers(*(1 + a for a in moved)))
    return replace(made, shape=shape)


def split(net: Values, step: Step, x: Value) -> list[Value]:
    """Add Split along the channels, unequal where `variant` says so."""
    x, channels = net.placed(x, last=False), x.shape[0]
    if channels == 1:
        return [x]
    first = min(max(step.channels, 1), channels - 1)
    names = [net.fresh("split"), net.fresh("split")]
    net.split(x.name, net.integers(first, channels - first), names)
    parts = zip(names, (first, channels - first), strict=True)
    return [replace(x, name=name, shape=(n, *x.shape[1:])) for name, n in parts]


def slice_of(net: Values, step: Step, x: Value) -> Value:
    """Add Slice of channels, rows and columns, with steps."""
    x = net.placed(x, last=False)
    wanted = [(step.channels - 1, 1 + step.variant % 2)]
    wanted += [(step.pads[axis], step.stride[axis]) for axis in (0, 1)[-(len(x.shape) - 1) :]]
    starts = [min(start, n - 1) for (start, _), n in zip(wanted, x.shape, strict=True)]
    steps = [step for _, step in wanted]
    ends = [max(s + 1, n - step.pads[3]) for s, n in zip(starts, x.shape, strict=True)]
    lists = (starts, ends, range(1, 1 + len(x.shape)), steps)
    made = net.emit("Slice", x, *(net.integers(*row) for row in lists))
    kept = (-(-(end - start) // by) for start, end, by in zip(starts, ends, steps, strict=True))
    return replace(made, shape=tuple(kept))


def resize(net: Values, step: Step, x: Value) -> Value:
    """Add nearest-neighbour Resize by whole factors."""
    x = net.placed(x, last=False)
    wanted = step.kernel[-(len(x.shape) - 1) :]
    factors = [f if f * n <= _MAX_EXTENT else 1 for f, n in zip(wanted, x.shape[1:], strict=True)]
    scales = net.constant(net.fresh("scales"), [1.0, 1.0, *map(float, factors)])
    form = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    made = net.emit("Resize", x, "", scales, mode="nearest", **(form if step.variant % 2 else {}))
    extents = (factor * n for factor, n in zip(factors, x.shape[1:], strict=True))
    return replace(made, shape=(x.shape[0], *extents))


def blocks(net: Values, step: Step, x: Value) -> Value:
    """Add DepthToSpace or SpaceToDepth in blocks of two."""
    x = net.placed(x, last=False)
    if len(x.shape) != 3:
        return x
    channels, rows, columns = x.shape
    if step.op == "DepthToSpace":
        if channels % 4 or 2 * max(rows, columns) > _MAX_EXTENT:
            return x
        mode = ("DCR", "CRD")[step.variant % 2]
        made = net.emit("DepthToSpace", x, blocksize=2, mode=mode)
        return replace(made, shape=(channels // 4, 2 * rows, 2 * columns))
    if rows % 2 or columns % 2 or 4 * channels > _MAX_CHANNELS:
        return x
    made = net.emit("SpaceToDepth", x, blocksize=2)
    return replace(made, shape=(4 * channels, rows // 2, columns // 2))


def pad(net: Values, step: Step, x: Value) -> Value:
    """Add Pad with 0 or with another number on the grid."""
    x = net.placed(net.operand(x, zero=True), last=False)
    axes = (0, 1)[-(len(x.shape) - 1) :]
    low, high = ([step.pads[2 * end + axis] for axis in axes] for end in (0, 1))
    is_even = net.dyadic and x.steps[0] == x.steps[1]
    value = x.steps[0] * (step.variant - 1) if is_even and step.groups == 0 else 0.0
    number = net.constant(net.fresh("value"), np.float32(value))
    made = net.emit("Pad", x, net.integers(0, 0, *low, 0, 0, *high), number)
    shape = (n + a + b for n, a, b in zip(x.shape[1:], low, high, strict=True))
    return replace(made, shape=(x.shape[0], *shape), reach=max(x.reach, abs(value)))


def shuffle(net: Values, step: Step, x: Value) -> Value:
    """Add a channel shuffle: Reshape, Transpose, Reshape."""
    x, channels = net.placed(net.operand(x), last=False), x.shape[0]
    groups = next((g for g in (step.groups, 2, 3) if g > 1 and channels % g == 0), 1)
    shape = (1, groups, channels // groups, *x.shape[1:])
    apart = net.emit("Reshape", x, net.integers(*shape))
    mixed = net.emit("Transpose", apart, perm=[0, 2, 1, *range(3, len(shape))])
    return net.emit("Reshape", mixed, net.integers(1, *x.shape))


def swap(net: Values, step: Step, x: Value) -> Value:
    """Transpose rows and columns."""
    x = net.placed(x, last=False)
    if len(x.shape) != 3:
        return x
    made = net.emit("Transpose", x, perm=[0, 1, 3, 2])
    return replace(made, shape=(x.shape[0], *x.shape[:0:-1]))
