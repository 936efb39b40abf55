"""Emission of what joins two streams: `bm_join` and `bm_join_table`."""

from __future__ import annotations

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import Emission, Parameter, Table, emits
from bitmason.backends.layers.join import JoinView
from bitmason.ir.graph import Node
from bitmason.ir.ops.join import JoinLookup, Product, WeightedSum
from bitmason.ir.types import Int, IntArray


@emits("weighted_sum", "product")
def emit_join(layer: Layer, node: Node | None) -> Emission:
    """Return the sum or the product of two streams."""
    view = layer.view
    assert isinstance(view, JoinView)
    assert node is not None and isinstance(node.op, WeightedSum | Product)
    parameters: dict[str, Parameter] = {
        "OP": view.kind,
        "PE": view.pe,
        "IN0_W": view.a.bits,
        "IN0_SIGNED": isinstance(view.a, Int),
        "IN1_W": view.b.bits,
        "IN1_SIGNED": isinstance(view.b, Int),
        "OUT_W": view.out_bits,
        "STAGES": view.stages,
        "DSP": view.dsp,
    }
    tables: dict[str, Table] = {}
    if isinstance(node.op, Product):
        parameters |= {"SHIFT0": node.op.shifts[0], "SHIFT1": node.op.shifts[1]}
    else:
        words = _factors(view, node.op.factors.int64())
        parameters |= {"K_W": view.factor_bits, "FOLDS": len(words), "ROM_STYLE": view.memory}
        tables["factors"] = Table(words, view.factor_bits)
    summary = f"{view.kind} of {view.a} and {view.b}, PE {view.pe}"
    return Emission("bm_join", summary, parameters, tables, replicas=view.lanes)


def _factors(view: JoinView, factors: IntArray) -> IntArray:
    """Return the codes of one word per row: for each of PE channels both factors."""
    folds = view.folds
    each = np.broadcast_to(factors, (2, view.pe * folds))
    pairs = each.reshape(2, folds, view.pe).transpose(1, 2, 0)
    return Int(view.factor_bits).encode(pairs.reshape(folds, -1))


@emits("join_lookup")
def emit_join_lookup(layer: Layer, node: Node | None) -> Emission:
    """Return the table of two streams."""
    view = layer.view
    assert isinstance(view, JoinView)
    assert node is not None and isinstance(node.op, JoinLookup)
    op = node.op
    # Raw codes that no value has may hold anything; they repeat the nearest entry.
    a, b = (elem.decode(np.arange(2**elem.bits, dtype=np.int64)) for elem in (view.a, view.b))
    spans = (op.span, op.table.shape[1] // op.span)
    first, second = (
        np.clip(values - begin, 0, span - 1)
        for values, begin, span in zip((a, b), op.first, spans, strict=True)
    )
    columns = (second[:, np.newaxis] * op.span + first).reshape(-1)
    table = layer.sink.elem.encode(op.table.int64())[:, columns]
    return Emission(
        cell="bm_join_table",
        summary=f"{view.a} and {view.b} to {layer.sink.elem}, PE {view.pe}",
        parameters={
            "CHANNELS": view.channels,
            "PE": view.pe,
            "IN0_W": view.a.bits,
            "IN1_W": view.b.bits,
            "OUT_W": view.out_bits,
            "SHARED": view.shared,
            "ROM_STYLE": view.memory,
        },
        tables={"table": Table(table, view.out_bits)},
        replicas=view.lanes,
    )
