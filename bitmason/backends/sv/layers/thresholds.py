"""SystemVerilog for `Thresholds`: `bm_thresholds` or `bm_thresholds_search` with their tables."""

from __future__ import annotations

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.layers.activation import ThresholdsView
from bitmason.backends.packing import pack_words
from bitmason.backends.sv.registry import Emission, emits
from bitmason.ir.graph import Node
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.types import Bipolar, Int, IntArray


@emits("thresholds")
def emit_thresholds(layer: Layer, node: Node | None, module: str) -> Emission:
    """Return the thresholds of a layer."""
    view = layer.view
    assert isinstance(view, ThresholdsView) and node is not None
    assert isinstance(node.op, Thresholds)
    codes = Int(view.step_bits).encode(_steps_on_codes(view, node.op.steps.int64()))
    descending = node.op.descending.array.astype(np.int64)
    search = layer.engine == "search"
    tables = _search_tables if search else _comparator_table
    return Emission(
        cell="bm_thresholds_search" if search else "bm_thresholds",
        summary=f"{view.channels} channels, {view.steps} thresholds of {view.step_bits} bits, "
        f"PE {view.pe}",
        parameters={
            "CHANNELS": view.channels,
            "PE": view.pe,
            "IN_W": view.x.bits,
            "IN_SIGNED": isinstance(view.x, Int),
            "OUT_W": view.out_bits,
            "STEPS": view.steps,
            "THR_W": view.step_bits,
            "BASE": view.base,
            "INIT_PREFIX" if search else "INIT_FILE": f"{module}_steps"
            + ("" if search else ".mem"),
            "ROM_STYLE": view.memory,
        },
        memories=tables(view, codes, descending, f"{module}_steps"),
        replicas=view.lanes,
    )


def _steps_on_codes(view: ThresholdsView, steps: IntArray) -> IntArray:
    """Return the steps for what travels in the stream: -1 and +1 do as 0 and 1."""
    return (steps + 2) >> 1 if isinstance(view.x, Bipolar) else steps


def _comparator_table(
    view: ThresholdsView, codes: IntArray, descending: IntArray, name: str
) -> dict[str, str]:
    """Return one word per fold: the thresholds of PE channels, then PE direction bits."""
    steps = pack_words(codes.reshape(view.folds, -1), view.step_bits)
    turned = pack_words(descending.reshape(view.folds, -1), 1)
    shift = view.pe * view.steps * view.step_bits
    words = [low | high << shift for low, high in zip(steps, turned, strict=True)]
    return {f"{name}.mem": _hex_lines(words, shift + view.pe)}


def _search_tables(
    view: ThresholdsView, codes: IntArray, descending: IntArray, name: str
) -> dict[str, str]:
    """Return one table per lane and search depth; the layout is that of bm_thresholds_search."""
    files: dict[str, str] = {}
    for depth in range(view.depth):
        stride = 2 ** (view.depth - 1 - depth)
        index = (2 * np.arange(2**depth) + 1) * stride - 1
        words = np.where(index < view.steps, codes[:, np.minimum(index, view.steps - 1)], 0)
        if depth == 0:
            words = words | (descending << view.step_bits)[:, np.newaxis]
        bits = view.step_bits + (depth == 0)
        for lane in range(view.pe):
            files[f"{name}_{lane}_{depth}.mem"] = _hex_lines(
                words[lane :: view.pe].reshape(-1).tolist(), bits
            )
    return files


def _hex_lines(words: list[int], bits: int) -> str:
    digits = -(-bits // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)
