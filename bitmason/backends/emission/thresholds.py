"""Emission of `Thresholds`: `bm_thresholds` or `bm_thresholds_search` with their steps."""

from __future__ import annotations

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import Emission, Table, emits
from bitmason.backends.layers.activation import CompressorView, ThresholdsView
from bitmason.ir.graph import Node
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.types import Bipolar, Int, IntArray


@emits("thresholds")
def emit_thresholds(layer: Layer, node: Node | None) -> Emission:
    """Return the thresholds of a layer."""
    view = layer.view
    if isinstance(view, CompressorView):
        return _compressor(view)
    assert isinstance(view, ThresholdsView) and node is not None
    assert isinstance(node.op, Thresholds)
    codes = Int(view.step_bits).encode(_steps_on_codes(view, node.op.steps.int64()))
    descending = node.op.descending.array.astype(np.int64)
    search = layer.engine == "search"
    return Emission(
        cell="bm_thresholds_search" if search else "bm_thresholds",
        summary=f"{view.channels} channels, {view.steps} thresholds of {view.step_bits} bits, "
        f"PE {view.pe}",
        parameters={
            "CHANNELS": view.channels,
            "PE": view.pe,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
            "OUT_W": view.out_bits,
            "STEPS": view.steps,
            "THR_W": view.step_bits,
            "BASE": view.base,
            "ROM_STYLE": view.memory,
        },
        tables={
            "steps": Table(codes, view.step_bits),
            "descending": Table(descending.reshape(-1, 1), 1),
        },
        replicas=view.lanes,
    )


def _compressor(view: CompressorView) -> Emission:
    steps = view.steps
    kind = "nearest" if steps.nearest else "cut off"
    codes = Int(view.offset_bits).encode(steps.offsets).reshape(-1, 1)
    return Emission(
        cell="bm_thresholds_float",
        summary=f"{view.channels} channels to {steps.m_bits} bits of mantissa, {kind}, "
        f"PE {view.pe}",
        parameters={
            "CHANNELS": view.channels,
            "PE": view.pe,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
            "OUT_W": view.out_bits,
            "M_BITS": steps.m_bits,
            "SUBNORMALS": steps.subnormals,
            "NEAREST": steps.nearest,
            "FRACTION": steps.fraction,
            "SHIFT": steps.shift,
            "OFFSET_W": view.offset_bits,
            "BASE": steps.base,
            "TOP": steps.top,
            "ROM_STYLE": view.memory,
        },
        tables={"offsets": Table(codes, view.offset_bits)},
        replicas=view.lanes,
    )


def _steps_on_codes(view: ThresholdsView, steps: IntArray) -> IntArray:
    """Return the steps for what travels in the stream: -1 and +1 do as 0 and 1."""
    return (steps + 2) >> 1 if isinstance(view.x, Bipolar) else steps
