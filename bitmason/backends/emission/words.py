"""Emission of `Pack` and `Unpack`: one `bm_pack` or `bm_unpack`."""

from __future__ import annotations

from bitmason.backends.design import Layer
from bitmason.backends.emission.registry import Emission, emits
from bitmason.backends.layers.words import WordsView
from bitmason.ir.graph import Node


@emits("pack", "unpack")
def emit_words(layer: Layer, node: Node | None) -> Emission:
    """Return the layer between elements and words."""
    view = layer.view
    assert isinstance(view, WordsView)
    ways = (f"beats of {view.beat_bits} bits", f"words of {view.word_bits} bits")
    start, end = ways if view.packs else reversed(ways)
    return Emission(
        cell="bm_pack" if view.packs else "bm_unpack",
        summary=f"{start} to {end}",
        parameters={"BEAT_W": view.beat_bits, "WORD_W": view.word_bits, "BEATS": view.beats},
    )
