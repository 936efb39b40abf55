"""Emission of products with coded weights: `bm_ras_coded`."""

from __future__ import annotations

from bitmason.backends.design import Layer
from bitmason.backends.emission.ras import weights_of
from bitmason.backends.emission.registry import Emission, Table, Vector, ram_style
from bitmason.backends.layers.ras.coded import CodedView, streams_of
from bitmason.backends.layers.ras.streams import LINE_BITS
from bitmason.coding.huffman import LENGTH_BITS
from bitmason.ir.graph import Op
from bitmason.ir.ops.dense import Dense
from bitmason.ir.types import Int


def emit_coded(layer: Layer, op: Op) -> Emission:
    """Return the unit of a layer, with the coded weights of `op`."""
    view = layer.view
    assert isinstance(view, CodedView) and isinstance(op, Dense)
    streams = streams_of(op.weights, view.groups)
    assert b"".join(streams.steps) == view.steps, layer.name
    mask = (1 << view.value_bits) - 1
    return Emission(
        cell="bm_ras_coded",
        summary=f"{weights_of(op)}, coded in {streams.bits} bits, {layer.cycles} cycles",
        parameters={
            "MW": view.columns,
            "MH": view.rows,
            "LANES": view.lanes,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
            "CLASSES": len(view.values),
            "VALUE_W": view.value_bits,
            "VALUES": Vector(tuple(value & mask for value in view.values), view.value_bits),
            "ACC_W": view.acc_bits,
            "SYMBOLS": view.symbols,
            "LENGTHS": Vector(view.lengths, LENGTH_BITS),
            "WORDS": view.words,
            "ROM_STYLE": view.memory,
            "RAM_STYLE": ram_style(view.vectors_memory),
        },
        tables={"weights": Table(streams.lines.reshape(-1, 1), LINE_BITS)},
    )
