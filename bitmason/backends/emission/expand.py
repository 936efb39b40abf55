"""Emission of `Expand`: one `bm_float_expand`."""

from __future__ import annotations

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import Emission, emits
from bitmason.backends.layers.expand import ExpandView
from bitmason.ir.graph import Node
from bitmason.ir.types import Int


@emits("expand")
def emit_expand(layer: Layer, node: Node | None) -> Emission:
    """Return the expanders of a layer."""
    view = layer.view
    assert isinstance(view, ExpandView)
    return Emission(
        cell="bm_float_expand",
        summary=f"{view.format} to {view.out_bits} bits, PE {view.pe}",
        parameters={
            "PE": view.pe,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
            "E_BITS": view.format.e_bits,
            "M_BITS": view.format.m_bits,
            "SUBNORMALS": view.format.subnormals,
            "OUT_W": view.out_bits,
        },
        replicas=view.lanes,
    )
