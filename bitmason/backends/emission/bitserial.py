"""Emission of bit-serial products, `bm_mvu_bitserial`, and of what sets them, `bm_knobs`."""

from __future__ import annotations

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import Emission, Table, emits, ram_style
from bitmason.backends.layers.bitserial import BitSerialView
from bitmason.backends.layers.knobs import KnobsView
from bitmason.ir.graph import Node
from bitmason.ir.types import Int, IntArray


def emit_bitserial(layer: Layer, weights: IntArray) -> Emission:
    """Return the bit-serial unit of a layer with `weights[outputs, inputs]`."""
    view = layer.view
    assert isinstance(view, BitSerialView)
    shown = f"{view.groups * view.rows} x {view.columns} {view.w} weights x {view.x}"
    return Emission(
        cell="bm_mvu_bitserial",
        summary=f"{shown}, PE {view.pe}, SIMD {view.simd}, {layer.cycles} cycles",
        parameters={
            "PRODUCT": view.product,
            "MW": view.columns,
            "MH": view.rows,
            "GROUPS": view.groups,
            "LANES": view.lanes,
            "PE": view.pe,
            "SIMD": view.simd,
            "TAKE": view.take,
            "DEPTHWISE": view.depthwise,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
            "W_W": view.w.bits,
            "W_SIGNED": isinstance(view.w, Int),
            "ACC_W": view.acc_bits,
            "RUN_TIME": view.knobs,
            "KNOB_W": view.knob_bits,
            "VECTORS": view.vectors // view.groups,
            "ROM_STYLE": view.memory,
            "RAM_STYLE": ram_style(view.planes_memory),
            "STAGES": view.stages,
            "TARGET": view.target,
        },
        tables={"weights": Table(_words(view, weights), 1)},
        inputs=("s_axis", "s_knobs") if view.knobs else ("s_axis",),
        unused=() if view.knobs else ("s_knobs_tdata", "s_knobs_tvalid"),
        outputs={} if view.knobs else {"s_knobs_tready": 1},
    )


@emits("knobs")
def emit_knobs(layer: Layer, node: Node | None) -> Emission:
    """Return the layer that takes the settings of each frame."""
    view = layer.view
    assert isinstance(view, KnobsView), node
    outputs = len(layer.sinks)
    return Emission(
        cell="bm_knobs",
        summary=f"takes the settings of each frame, for {outputs - 1} layers",
        parameters={
            "WIDTH": layer.source.width,
            "BEATS": view.beats,
            "OUTPUTS": outputs,
            "SETTINGS_W": view.bits,
        },
        packed=True,
        settings=view.bits,
    )


def _words(view: BitSerialView, weights: IntArray) -> IntArray:
    """Return the bits of one memory word per row: PE rows of SIMD weights, one plane of them.

    Planes follow each other from the most significant one on, so that fewer are a shorter way.
    """
    codes = view.w.encode(weights).reshape(-1, view.pe, view.column_folds, view.simd)
    shifts = np.arange(view.w.bits)[::-1].reshape(-1, 1, 1, 1, 1)
    planes = (codes[np.newaxis] >> shifts) & 1
    return planes.transpose(1, 0, 3, 2, 4).reshape(-1, view.pe * view.simd)
