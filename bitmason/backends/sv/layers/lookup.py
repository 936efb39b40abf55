"""SystemVerilog for `Lookup`: one `bm_lookup` with a table per lane."""

from __future__ import annotations

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.layers.activation import LookupView
from bitmason.backends.packing import mem_file
from bitmason.backends.sv.registry import Emission, emits
from bitmason.ir.graph import Node
from bitmason.ir.ops.lookup import Lookup


@emits("lookup")
def emit_lookup(layer: Layer, node: Node | None, module: str) -> Emission:
    """Return the table of a layer."""
    view = layer.view
    assert isinstance(view, LookupView) and node is not None and isinstance(node.op, Lookup)
    # Raw codes that no value has may hold anything; they repeat the nearest entry.
    values = view.x.decode(np.arange(2**view.x.bits, dtype=np.int64))
    columns = np.clip(values - node.op.first, 0, node.op.table.shape[1] - 1)
    table = layer.sink.elem.encode(node.op.table.int64())[:, columns]
    name = f"{module}_table"
    lanes = 1 if view.shared else view.pe
    return Emission(
        cell="bm_lookup",
        summary=f"{view.channels} channels, {view.x} to {layer.sink.elem}, PE {view.pe}",
        parameters={
            "CHANNELS": view.channels,
            "PE": view.pe,
            "IN_W": view.x.bits,
            "OUT_W": view.out_bits,
            "SHARED": view.shared,
            "INIT_PREFIX": name,
            "ROM_STYLE": view.memory,
        },
        replicas=view.lanes,
        memories={
            f"{name}_{lane}.mem": mem_file(table[lane::lanes].reshape(-1, 1), view.out_bits)
            for lane in range(lanes)
        },
    )
