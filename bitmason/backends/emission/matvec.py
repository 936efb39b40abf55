"""Emission of `Dense` and `XnorPopcount`: a `bm_mvu` or `bm_mvu_bitserial`."""

from __future__ import annotations

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.emission.bitserial import emit_bitserial
from bitmason.backends.emission.coded import emit_coded
from bitmason.backends.emission.ras import emit_ras, emit_unrolled
from bitmason.backends.emission.registry import Emission, Parameter, Table, emits
from bitmason.backends.layers.bitserial import BitSerialView
from bitmason.backends.layers.matvec import MatVecView
from bitmason.backends.layers.ras.coded import CodedView
from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.layers.ras.unrolled import UnrolledView
from bitmason.ir.custom_float import floor_log2
from bitmason.ir.graph import Node
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.types import Bipolar, Int, IntArray


@emits("dense", "xnor_popcount")
def emit_matvec(layer: Layer, node: Node | None) -> Emission:
    """Return the matrix-vector unit of a layer."""
    view = layer.view
    assert node is not None and isinstance(node.op, Dense | XnorPopcount)
    if isinstance(view, BitSerialView):
        return emit_bitserial(layer, node.op.weights.int64())
    if isinstance(view, RasView):
        assert isinstance(node.op, Dense)
        return emit_ras(layer, node.op)
    if isinstance(view, CodedView):
        return emit_coded(layer, node.op)
    if isinstance(view, UnrolledView):
        assert isinstance(node.op, Dense)
        return emit_unrolled(layer, node.op)
    assert isinstance(view, MatVecView)
    return Emission(
        cell="bm_mvu",
        summary=f"{view.rows} x {view.columns} {view.w} weights, PE {view.pe}, SIMD {view.simd}, "
        f"{layer.cycles} cycles",
        parameters={
            "ENGINE": view.dot,
            "MW": view.columns,
            "MH": view.rows,
            "PE": view.pe,
            "SIMD": view.simd,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
            "W_W": view.stored_bits,
            "W_SIGNED": view.codes is None and isinstance(view.w, Int),
            "ACC_W": view.acc_bits,
            "ROM_STYLE": view.memory,
            "STAGES": view.stages,
            "TARGET": view.target,
            "DSP": view.dsp,
            "GROUPS": view.groups,
            "LANES": view.lanes,
            **_floats(view),
        },
        tables={"weights": Table(_words(view, node.op.weights.int64()), view.stored_bits)},
    )


def _floats(view: MatVecView) -> dict[str, Parameter]:
    """Return the parameters of what turns ranks and codes of floating-point numbers into these."""
    found: dict[str, Parameter] = {}
    if view.ranks is not None:
        found |= {
            "X_W": view.factor.bits,
            "X_E": view.ranks.e_bits,
            "X_M": view.ranks.m_bits,
            "X_SUBNORMALS": view.ranks.subnormals,
        }
    if view.codes is not None:
        found |= {
            "F_W": view.w.bits + (view.w.lo >= 0),  # with a sign
            "F_E": view.codes.e_bits,
            "F_M": view.codes.m_bits,
            "F_SUBNORMALS": view.codes.subnormals,
            "F_SHIFT": floor_log2(view.codes.unit),
        }
    return found


def _words(view: MatVecView, weights: IntArray) -> IntArray:
    """Return the codes of one memory word per row: PE rows of SIMD weights, fold after fold."""
    assert isinstance(view.w, Bipolar) == (view.dot != "parallel")
    row_folds = view.groups * view.row_folds
    if view.codes is not None:
        codes = view.codes.encode(weights.astype(np.float64))
    else:
        codes = view.w.encode(weights)
    folded = codes.reshape(row_folds, view.pe, view.column_folds, view.simd)
    return folded.transpose(0, 2, 1, 3).reshape(row_folds * view.column_folds, -1)
