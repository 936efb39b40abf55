"""Emission of `Compress` and `Decompress`: a `bm_float_compressor` or `bm_float_decompressor`."""

from __future__ import annotations

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import Emission, Parameter, emits
from bitmason.backends.layers.float_link import FloatLinkView
from bitmason.ir.graph import Node
from bitmason.ir.types import Int


@emits("compress", "decompress")
def emit_float_link(layer: Layer, node: Node | None) -> Emission:
    """Return the engines of a layer."""
    view = layer.view
    assert isinstance(view, FloatLinkView)
    if view.knobs:
        return _with_knobs(view)
    parameters: dict[str, Parameter] = {
        "LANES": view.at_once,
        "E_BITS": view.format.e_bits,
        "M_BITS": view.format.m_bits,
        "BIAS": view.format.bias,
        # Ranks that are never negative are codes without their sign.
        "RANKS": isinstance(view.ranks, Int),
    }
    if view.compresses:
        parameters |= {"LARGEST": view.format.top, "NEAREST": view.nearest}
        return Emission("bm_float_compressor", f"float32 to {view.format}", parameters)
    parameters |= {
        "SUBNORMALS": view.format.subnormals,
        "IN_W": view.ranks.bits,
    }
    return Emission("bm_float_decompressor", f"{view.format} to float32", parameters)


def _with_knobs(view: FloatLinkView) -> Emission:
    """Return engines whose format is that of the frame."""
    parameters: dict[str, Parameter] = {
        "LANES": view.at_once,
        "E_MAX": view.format.e_bits,
        "M_MAX": view.format.m_bits,
        "FULL": view.format.is_full,
        "BEATS": view.beats,
    }
    formats = f"formats of up to {view.format.e_bits} + {view.format.m_bits} bits"
    inputs = ("s_axis", "s_knobs")
    if view.compresses:
        parameters |= {"NEAREST": view.nearest}
        cell, summary = "bm_float_compressor_knobs", f"float32 to {formats}"
        return Emission(cell, summary, parameters, inputs=inputs)
    cell, summary = "bm_float_decompressor_knobs", f"{formats} to float32"
    return Emission(cell, summary, parameters, inputs=inputs)
