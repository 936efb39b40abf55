"""Emission of `Depthwise` and `Pool`: `bm_vvu` or `bm_mvu_bitserial`, and `bm_pool`."""

from __future__ import annotations

from bitmason.backends.design import Layer
from bitmason.backends.emission.bitserial import emit_bitserial
from bitmason.backends.emission.registry import Emission, Parameter, Table, emits
from bitmason.backends.layers.bitserial import BitSerialView
from bitmason.backends.layers.depthwise import TapsView
from bitmason.ir.graph import Node
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.types import Bipolar, Int, IntArray


@emits("pool")
def emit_pool(layer: Layer, node: Node | None) -> Emission:
    """Return the pool of a layer."""
    view = layer.view
    assert isinstance(view, TapsView), node
    return Emission(
        cell="bm_pool",
        summary=f"{view.kind} of {view.taps} taps, PE {view.pe}, SIMD {view.simd}",
        parameters={"OP": view.kind, **_sizes(view), "OUT_W": view.out_bits},
        replicas=view.lanes,
    )


@emits("depthwise")
def emit_depthwise(layer: Layer, node: Node | None) -> Emission:
    """Return the depthwise product of a layer."""
    view = layer.view
    assert node is not None and isinstance(node.op, Depthwise)
    if isinstance(view, BitSerialView):
        return emit_bitserial(layer, node.op.weights.int64())
    assert isinstance(view, TapsView) and view.w is not None
    return Emission(
        cell="bm_vvu",
        summary=f"{view.channels} x {view.taps} {view.w} weights, PE {view.pe}, SIMD {view.simd}",
        parameters={
            "ENGINE": "select" if isinstance(view.w, Bipolar) else "parallel",
            "CHANNELS": view.channels,
            **_sizes(view),
            "W_W": view.w.bits,
            "W_SIGNED": isinstance(view.w, Int),
            "ACC_W": view.out_bits,
            "ROM_STYLE": view.memory,
            "DSP": view.dsp,
        },
        tables={"weights": Table(_words(view, node.op.weights.int64()), view.w.bits)},
        replicas=view.lanes,
    )


def _sizes(view: TapsView) -> dict[str, Parameter]:
    return {
        "PE": view.pe,
        "TAPS": view.taps,
        "SIMD": view.simd,
        "IN_W": view.x.bits,
        "IN_SIGNED": isinstance(view.x, Int),
        "STAGES": view.stages,
    }


def _words(view: TapsView, weights: IntArray) -> IntArray:
    """Return the codes of one memory word per row: SIMD taps of PE channels, group after group."""
    assert view.w is not None
    groups = view.w.encode(weights).reshape(-1, view.pe, view.folds, view.simd)
    return groups.transpose(0, 2, 3, 1).reshape(-1, view.simd * view.pe)
