"""What Reduce-and-Scale makes of a layer: how many weights are zero, how busy its adders are."""

from __future__ import annotations

from typing import Any

from bitmason.backends.design import Layer
from bitmason.backends.layers.ras.coded import CodedView
from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.layers.ras.unrolled import UnrolledView
from bitmason.ir.graph import Op
from bitmason.ir.ops.dense import Dense


def few_values(layer: Layer, op: Op | None) -> dict[str, Any] | None:
    """Return the figures of a Reduce-and-Scale layer, None for other layers.

    `steps` are those of the vectors that meet all groups of weights, one after the other; `busy` is
    the part of the adders that adds in them, None where adders have no steps.
    """
    view = layer.view
    if not isinstance(view, RasView | CodedView | UnrolledView):
        return None
    assert isinstance(op, Dense) and op.codebook is not None, layer.name
    form, adders, steps = _work(view)
    additions = op.codebook.non_zeros
    return {
        "form": form,
        "values": list(op.codebook.values),
        "zeros": round(op.codebook.sparsity, 4),
        "additions": additions,
        "adders": adders,
        "steps": steps,
        "busy": None if form == "unrolled" else round(additions / (steps * adders), 4),
    }


def _work(view: RasView | CodedView | UnrolledView) -> tuple[str, int, int]:
    """Return the form of a layer, its adders and their steps."""
    match view:
        case UnrolledView(adders=adders):
            return "unrolled", adders, 1
        case CodedView():
            return "coded", 1, len(view.steps)
        case RasView():
            return "folded" if view.code is None else "loaded", view.adders, view.words
