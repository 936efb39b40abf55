"""Emission of what moves elements: pad, crop, upsample, concat, reorder, global pool."""

from __future__ import annotations

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import Emission, Table, Vector, emits, ram_style
from bitmason.backends.layers.arrange import ConcatView, GlobalPoolView, ImageView, ReorderView
from bitmason.ir.graph import Node
from bitmason.ir.ops.arrange import Crop, Reorder, Upsample
from bitmason.ir.ops.pad import Pad
from bitmason.ir.types import Int


@emits("pad")
def emit_pad(layer: Layer, node: Node | None) -> Emission:
    """Return the padding of a layer."""
    view = layer.view
    assert isinstance(view, ImageView)
    assert node is not None and isinstance(node.op, Pad)
    op, elem = node.op, layer.sink.elem
    (top, left), (bottom, right) = op.low, op.high
    pixel = np.broadcast_to(np.array(op.value, np.int64), (view.channels,))
    return Emission(
        cell="bm_pad",
        summary=f"{view.height} x {view.width} pixels, {top}, {left}, {bottom}, {right} around",
        parameters={
            "WIDTH": elem.bits * layer.sink.per_lane,
            "CF": view.folds,
            "LANES": view.lanes,
            "H": view.height,
            "W": view.width,
            "TOP": top,
            "LEFT": left,
            "BOTTOM": bottom,
            "RIGHT": right,
            "STEP_Y": op.step[0],
            "STEP_X": op.step[1],
            "VALUE": Vector(tuple(elem.encode(pixel).tolist()), elem.bits),
        },
    )


@emits("crop")
def emit_crop(layer: Layer, node: Node | None) -> Emission:
    """Return the crop of a layer."""
    view = layer.view
    assert isinstance(view, ImageView)
    assert node is not None and isinstance(node.op, Crop)
    start, size, step = (
        (fill,) * (3 - len(part)) + part
        for part, fill in ((node.op.start, 0), (node.op.size, 1), (node.op.step, 1))
    )
    pe = layer.folding.pe
    return Emission(
        cell="bm_crop",
        summary=f"keeps {' x '.join(map(str, size))} of {view.height} x {view.width} pixels",
        parameters={
            "WIDTH": layer.source.width,
            "H": view.height,
            "W": view.width,
            "CF": view.folds,
            "Y0": start[0],
            "SY": step[0],
            "OUT_H": size[0],
            "X0": start[1],
            "SX": step[1],
            "OUT_W": size[1],
            "C0": start[2] // pe,
            "SC": step[2],
            "OUT_CF": size[2] // pe,
        },
    )


@emits("upsample")
def emit_upsample(layer: Layer, node: Node | None) -> Emission:
    """Return the nearest-neighbour upsampling of a layer."""
    view = layer.view
    assert isinstance(view, ImageView)
    assert node is not None and isinstance(node.op, Upsample)
    down, across = node.op.factors
    return Emission(
        cell="bm_upsample",
        summary=f"every row {down} times, every pixel {across} times",
        parameters={
            "WIDTH": layer.source.width,
            "W": view.width,
            "CF": view.folds,
            "FY": down,
            "FX": across,
            "RAM_STYLE": ram_style(view.memory),
        },
    )


@emits("concat")
def emit_concat(layer: Layer, node: Node | None) -> Emission:
    """Return the concatenation of a layer's inputs."""
    view = layer.view
    assert isinstance(view, ConcatView), node
    return Emission(
        cell="bm_concat",
        summary=f"{' + '.join(map(str, view.counts))} beats a pixel",
        parameters={
            "INPUTS": len(view.counts),
            "WIDTH": layer.sink.width,
            "COUNTS": Vector(tuple(view.counts), 32),
        },
        packed=True,
    )


@emits("reorder")
def emit_reorder(layer: Layer, node: Node | None) -> Emission:
    """Return the reordering of a layer."""
    view = layer.view
    assert isinstance(view, ReorderView)
    assert node is not None and isinstance(node.op, Reorder)
    order = node.op.order.int64()[:: layer.folding.pe] // layer.folding.pe
    bits = max(1, (view.length - 1).bit_length())
    return Emission(
        cell="bm_reorder",
        summary=f"blocks of {view.length} beats",
        parameters={
            "WIDTH": layer.source.width,
            "LENGTH": view.length,
            "RAM_STYLE": ram_style(view.memory),
            "ROM_STYLE": view.memory,
        },
        tables={"order": Table(order.reshape(-1, 1), bits)},
    )


@emits("global_pool")
def emit_global_pool(layer: Layer, node: Node | None) -> Emission:
    """Return the pool of a layer over whole images."""
    view = layer.view
    assert isinstance(view, GlobalPoolView), node
    return Emission(
        cell="bm_global_pool",
        summary=f"{view.kind} of {view.pixels} pixels, PE {view.pe}",
        parameters={
            "OP": view.kind,
            "PE": view.pe,
            "FOLDS": view.folds,
            "PIXELS": view.pixels,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
            "OUT_W": view.out_bits,
        },
    )
