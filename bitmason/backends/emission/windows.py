"""Emission of `Windows`: `bm_window` or `bm_window_parallel`."""

from __future__ import annotations

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import Emission, Parameter, emits, ram_style
from bitmason.backends.layers.windows import WindowView
from bitmason.ir.graph import Node


@emits("windows")
def emit_windows(layer: Layer, node: Node | None) -> Emission:
    """Return the window generator of a layer."""
    view = layer.view
    assert isinstance(view, WindowView), node
    shape = view.geometry
    word = view.per_word * view.elem_bits
    parameters: dict[str, Parameter] = {
        "WIDTH": word,
        "H": shape.height,
        "W": shape.width,
        "KH": shape.kernel[0],
        "KW": shape.kernel[1],
        "SH": shape.stride[0],
        "SW": shape.stride[1],
        "DH": shape.dilation[0],
        "DW": shape.dilation[1],
        "RAM_STYLE": ram_style(view.memory),
    }
    kernel = f"{shape.kernel[0]} x {shape.kernel[1]} windows of {shape.height} x {shape.width}"
    if view.parallel:
        parameters |= {"CF": shape.folds, "LANES_IN": view.lanes_in}
        summary = f"{kernel}, {view.per_word} channels of all taps, {view.lanes_out} at once"
        return Emission("bm_window_parallel", summary, parameters)
    parameters |= {"BLOCKS": shape.blocks, "WORDS": shape.words, "DEPTH": view.depth}
    summary = f"{kernel}, {view.per_word} channels at once, {view.depth} pixels kept"
    return Emission("bm_window", summary, parameters)
