"""FINN's MultiThreshold: activations as counts of thresholds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from bitmason.frontend.affine import Affine, emit_real
from bitmason.frontend.context import Context
from bitmason.frontend.layout import arrange
from bitmason.frontend.node_view import NodeView
from bitmason.frontend.registry import imports
from bitmason.frontend.values import Activation, Value
from bitmason.ir import Const
from bitmason.ir.ops.staircase import Staircase

_DEFAULT_LAYOUTS = {2: "NC", 3: "NWC", 4: "NCHW"}  # of tensors of so many axes, as qonnx has it


@imports("MultiThreshold")
def multi_threshold(node: NodeView, ctx: Context) -> Value:
    """Import MultiThreshold: `out_scale * (how many thresholds are reached) + out_bias`."""
    x = ctx.activation(node, 0)
    steps = ctx.constant(node, 1, "the thresholds")
    if steps.ndim != 2 or not steps.size:
        ctx.refuse(node, f"MultiThreshold has thresholds of shape {list(steps.shape)}")
    if len(steps) > 1:
        x = _channels_last(node, ctx, x, len(steps))
    scale, bias = (
        Fraction(ctx.finite(node, np.array(node.number(name, default)), name).item())
        for name, default in (("out_scale", 1.0), ("out_bias", 0.0))
    )
    if scale == 0:
        ctx.refuse(node, "MultiThreshold has out_scale 0")
    counts = ctx.emit(Staircase(Const(steps)), [x], node.loc, node.label)
    ctx.stands_for(counts, node.outputs[0])
    affine = Affine(counts, np.array([scale], object), np.array([bias], object))
    return emit_real(ctx, node, affine, f"{node.label}_real")


def _channels_last(node: NodeView, ctx: Context, x: Activation, channels: int) -> Activation:
    """Return `x` with the axis that has its own thresholds as the last one of the graph."""
    frame = ctx.frame(x)
    layout = node.text("data_layout", "") or _DEFAULT_LAYOUTS.get(1 + len(frame), "NC")
    place = (layout.index("C") if "C" in layout else 1) - 1
    if not 0 <= place < len(frame) or frame[place] != channels:
        ctx.refuse(
            node,
            f"MultiThreshold has thresholds for {channels} channels of {[1, *frame]} values in "
            f"layout {layout}",
        )
    if ctx.axes(x)[place] == (len(ctx.shape(x)) - 1,):
        return x
    others = [axis for axis in range(len(frame)) if axis != place]
    return arrange(node, ctx, x, (*others, place))
