"""Emission of Reduce-and-Scale products: `bm_ras`, or adders made for a layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import (
    Adders,
    Emission,
    Parameter,
    Table,
    Vector,
    ram_style,
)
from bitmason.backends.layers.ras.folded import RasView, lists_of
from bitmason.backends.layers.ras.lists import encode_lists, encode_picks
from bitmason.backends.layers.ras.loaded import CODED_BITS, coded_lists_of
from bitmason.backends.layers.ras.unrolled import UnrolledView
from bitmason.coding.bits import WORD_BITS
from bitmason.coding.gaps import MOST_SYMBOLS
from bitmason.coding.huffman import LENGTH_BITS
from bitmason.ir.ops.dense import Dense
from bitmason.ir.types import Int


def emit_ras(layer: Layer, op: Dense) -> Emission:
    """Return the unit of a layer, with its lists for the weights of `op`."""
    view = layer.view
    assert isinstance(view, RasView) and op.codebook is not None
    lists = lists_of(op.weights, view.groups, view.pe, view.simd, view.scalers)
    assert (lists.steps, lists.places) == (view.steps, view.places), layer.name
    picks = encode_picks(lists, op.codebook.values, view.value_bits)
    unit = Emission(
        cell="bm_ras",
        summary=f"{weights_of(op)}, PE {view.pe}, SIMD {view.simd}, {layer.cycles} cycles",
        parameters={
            "MW": view.columns,
            "GROUPS": view.groups,
            "LANES": view.lanes,
            "PE": view.pe,
            "SIMD": view.simd,
            "TAKE": view.simd,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
            "VALUE_W": view.value_bits,
            "SUM_W": view.sum_bits,
            "ACC_W": view.acc_bits,
            "STEPS": view.steps,
            "SCALERS": view.scalers,
            "PLACES": view.places,
            "ROM_STYLE": view.memory,
            "RAM_STYLE": ram_style(view.vectors_memory),
            "DSP": view.dsp,
        },
        tables={
            "lists": Table(encode_lists(lists), view.entry_bits),
            "picks": Table(picks, view.pick_bits),
        },
    )
    return unit if view.code is None else _loaded(unit, view, op)


def _loaded(unit: Emission, view: RasView, op: Dense) -> Emission:
    """Return a unit whose lists are loaded from a stream in memory."""
    coded = coded_lists_of(op.weights, view.groups, view.pe, view.simd, view.scalers)
    assert view.code is not None and coded.code.start == view.code.start, view
    code = view.code
    last = np.arange(code.words) == code.words - 1
    words = coded.words | last.astype(np.int64) << WORD_BITS
    stream: dict[str, Parameter] = {
        "RUNS": code.runs,
        "SYMBOLS": len(code.lengths),
        "LENGTHS": Vector(code.lengths + (0,) * (MOST_SYMBOLS - len(code.lengths)), LENGTH_BITS),
        "SEED": Vector((code.seed,), 32),
        "CODED": code.words,
        "LIST_STYLE": ram_style(code.memory),
    }
    return replace(
        unit,
        cell="bm_ras_booted",
        summary=f"{unit.summary}, lists loaded from {WORD_BITS * code.words} bits",
        parameters={**unit.parameters, **stream},
        tables={**unit.tables, "lists": Table(words.reshape(-1, 1), CODED_BITS)},
        outputs={"loaded": 1, "lists_error": 1},
    )


def emit_unrolled(layer: Layer, op: Dense) -> Emission:
    """Return the adders of a layer for the weights of `op`."""
    view = layer.view
    assert isinstance(view, UnrolledView)
    return Emission(
        cell="ras_unrolled",
        summary=f"{weights_of(op)}, unrolled to {view.adders} adders, {layer.cycles} cycles",
        parameters={"LANES": view.lanes},
        adders=Adders(op.weights, view.x, view.acc_bits, view.between),
    )


def weights_of(op: Dense) -> str:
    """Return the weights of a product in words."""
    assert op.codebook is not None
    rows, columns = op.weights.shape
    values = ", ".join(map(str, op.codebook.values))
    return f"{rows} x {columns} weights of {values}, {op.codebook.sparsity:.0%} zero"
