"""Which steps of a cell take a beat and which emit one, for the cells that follow a fixed pattern.

Invariant: a pattern is one period of the cell that its layer is built from, as the header of the
cell states it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bitmason.backends.design import Layer
from bitmason.backends.layers.arrange import ConcatView, GlobalPoolView, ImageView
from bitmason.backends.layers.windows import WindowView
from bitmason.backends.timing.kernel import EMITS
from bitmason.ir.graph import Graph
from bitmason.ir.ops.arrange import Crop, Upsample
from bitmason.ir.ops.pad import Pad

Codes = npt.NDArray[np.uint8]
_FIRST = 1  # takes a beat from the first input


def pattern_of(layer: Layer, graph: Graph) -> Codes:
    """Return the steps of one frame, or of one pixel where all are alike."""
    match layer.view:
        case ConcatView(counts):
            turns = np.repeat(np.arange(1, len(counts) + 1), counts)
            return (turns + EMITS).astype(np.uint8)
        case GlobalPoolView() as view:
            taken = np.full(view.pixels * view.folds, _FIRST, np.uint8)
            taken[-view.folds :] += EMITS
            return taken
    view = layer.view
    assert isinstance(view, ImageView)
    op = next(node.op for node in graph.nodes if node.name == layer.name)
    match op:
        case Pad():
            return _pad(op, view)
        case Crop():
            return _crop(op, view)
        case Upsample():
            return _upsample(op, view)
    raise AssertionError(f"no pattern for {layer.op}")


def _pad(op: Pad, view: ImageView) -> Codes:
    (top, left), (down, across) = op.low, op.step
    rows = top + (view.height - 1) * down + 1 + op.high[0]
    columns = left + (view.width - 1) * across + 1 + op.high[1]
    takes = np.zeros((rows, columns), np.uint8)
    if view.lanes == 1:
        image = np.s_[top : rows - op.high[0] : down, left : columns - op.high[1] : across]
        takes[image] = _FIRST
        return np.repeat(takes.reshape(-1), view.folds) + np.uint8(EMITS)
    # Several pixels a beat: a row takes its beats one after the other, from the first that shows
    # a pixel of the image on.
    beats = np.zeros((rows, columns // view.lanes), np.uint8)
    begin = left // view.lanes
    beats[top : top + view.height, begin : begin + view.width // view.lanes] = _FIRST
    return beats.reshape(-1) + np.uint8(EMITS)


def _crop(op: Crop, view: ImageView) -> Codes:
    start, size, step = (
        (fill,) * (3 - len(part)) + part
        for part, fill in ((op.start, 0), (op.size, 1), (op.step, 1))
    )
    kept = np.zeros((view.height, view.width, view.folds), np.uint8)
    per_fold = view.channels // view.folds
    apart = step[2] if per_fold == 1 else 1
    last = (start[2] + (size[2] - 1) * step[2]) // per_fold
    words = np.s_[start[2] // per_fold : last + 1 : apart]
    rows, columns = (
        np.s_[start[axis] : start[axis] + (size[axis] - 1) * step[axis] + 1 : step[axis]]
        for axis in (0, 1)
    )
    kept[rows, columns, words] = EMITS
    return kept.reshape(-1) + np.uint8(_FIRST)


def _upsample(op: Upsample, view: ImageView) -> Codes:
    down, across = op.factors
    takes = np.zeros((down, view.width, across, view.folds), np.uint8)
    takes[0, :, 0] = _FIRST
    return takes.reshape(-1) + np.uint8(EMITS)


def parallel_windows(view: WindowView) -> Codes:
    """Return the steps of one frame of a parallel window generator."""
    shape = view.geometry
    (kh, kw), (sh, sw), (dh, dw) = shape.kernel, shape.stride, shape.dilation
    rows, columns = shape.positions
    back = ((view.lanes_out - 1) * sw + (kw - 1) * dw) // view.lanes_in
    apart = sw if view.lanes_in == 1 else 1
    count = columns // view.lanes_out
    emits = np.zeros((shape.height, shape.width // view.lanes_in, shape.folds), np.uint8)
    first = (kh - 1) * dh
    emits[
        first : first + (rows - 1) * sh + 1 : sh, back : back + (count - 1) * apart + 1 : apart
    ] = EMITS
    return emits.reshape(-1) + np.uint8(_FIRST)
