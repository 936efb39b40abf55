"""Emission of ArgMax, width converters, register slices, forks and FIFOs."""

from __future__ import annotations

from bitmason.backends.design import FifoView, Layer
from bitmason.backends.emission.registry import Emission, emits
from bitmason.backends.layers.arg_max import ArgMaxView
from bitmason.backends.layers.width_converter import WidthConverterView
from bitmason.ir.graph import Node
from bitmason.ir.types import Int


@emits("arg_max")
def emit_arg_max(layer: Layer, node: Node | None) -> Emission:
    """Return the classifier of a layer."""
    view = layer.view
    assert isinstance(view, ArgMaxView), node
    return Emission(
        cell="bm_argmax",
        summary=f"index of the largest of {view.channels} elements, PE {view.pe}",
        parameters={
            "CHANNELS": view.channels,
            "PE": view.pe,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
        },
    )


@emits("width_converter")
def emit_width_converter(layer: Layer, node: Node | None) -> Emission:
    """Return the width converter in front of a layer."""
    view = layer.view
    assert isinstance(view, WidthConverterView), node
    return Emission(
        cell="bm_width_converter",
        summary=f"from {view.per_beat_in} to {view.per_beat_out} elements per beat",
        parameters={
            "ELEM_W": view.elem_bits,
            "IN_N": view.per_beat_in,
            "OUT_N": view.per_beat_out,
            "LANES": view.lanes,
        },
    )


@emits("register")
def emit_register(layer: Layer, node: Node | None) -> Emission:
    """Return the register slice that stands for a network without integer layers."""
    assert layer.view is None, node
    return Emission(
        cell="bm_skid",
        summary="passes the quantised input on",
        parameters={"WIDTH": layer.source.width},
    )


@emits("fork")
def emit_fork(layer: Layer, node: Node | None) -> Emission:
    """Return the fork behind a layer that several others read."""
    assert layer.view is None, node
    return Emission(
        cell="bm_fork",
        summary=f"hands every beat to {len(layer.sinks)} readers",
        parameters={"OUTPUTS": len(layer.sinks), "WIDTH": layer.source.width},
        packed=True,
    )


@emits("fifo")
def emit_fifo(layer: Layer, node: Node | None) -> Emission:
    """Return a FIFO between two layers."""
    view = layer.view
    assert isinstance(view, FifoView), node
    return Emission(
        cell="bm_fifo",
        summary=f"{view.depth} beats {view.purpose}",
        parameters={"WIDTH": layer.source.width, "DEPTH": view.depth, "STYLE": view.style},
        outputs={"count": view.depth.bit_length()},
    )
