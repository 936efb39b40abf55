"""Emission of `Lookup`: one `bm_lookup` with its table."""

from __future__ import annotations

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import Emission, Table, emits
from bitmason.backends.layers.activation import LookupView
from bitmason.ir.graph import Node
from bitmason.ir.ops.lookup import Lookup


@emits("lookup")
def emit_lookup(layer: Layer, node: Node | None) -> Emission:
    """Return the table of a layer."""
    view = layer.view
    assert isinstance(view, LookupView) and node is not None and isinstance(node.op, Lookup)
    # Raw codes that no value has may hold anything; they repeat the nearest entry.
    values = view.x.decode(np.arange(2**view.x.bits, dtype=np.int64))
    columns = np.clip(values - node.op.first, 0, node.op.table.shape[1] - 1)
    table = layer.sink.elem.encode(node.op.table.int64())[:, columns]
    return Emission(
        cell="bm_lookup",
        summary=f"{view.channels} channels, {view.x} to {layer.sink.elem}, PE {view.pe}",
        parameters={
            "CHANNELS": view.channels,
            "PE": view.pe,
            "IN_W": view.x.bits,
            "OUT_W": view.out_bits,
            "SHARED": view.shared,
            "ROM_STYLE": view.memory,
        },
        replicas=view.lanes,
        tables={"table": Table(table, view.out_bits)},
    )
