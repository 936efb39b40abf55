"""report.json: the figures of a design, as outside scripts read them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bitmason.backends.design import Design, Layer
from bitmason.backends.schedule import latency_cycles


def summarise(design: Design) -> dict[str, Any]:
    """Return the contents of report.json."""
    return {
        "model": design.name,
        "clock_mhz": design.clock_mhz,
        "ii_cycles": design.ii_cycles,
        "latency_cycles": latency_cycles(design),
        "frames_per_second": round(design.clock_mhz * 1e6 / design.ii_cycles, 1),
        "fmax_mhz": None,
        "bottleneck": design.bottleneck.name,
        "input": _port(design, "source"),
        "output": _port(design, "sink"),
        "resources": asdict(design.resources),
        "layers": [_layer(layer) for layer in design.layers],
        "fifos": [
            {"name": f.name, "depth": f.depth, "bits": f.bits, "purpose": f.purpose}
            for f in design.fifos
        ],
    }


def _port(design: Design, end: str) -> dict[str, Any]:
    port = design.source if end == "source" else design.sink
    return {
        "type": str(port.elem),
        "elements": port.elements,
        "per_beat": port.per_beat,
        "beats": port.beats,
        "tdata_bits": port.padded_width,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "trained_as": str(layer.loc),
        "op": layer.op,
        "engine": layer.engine,
        "pe": layer.folding.pe,
        "simd": layer.folding.simd,
        "memory": layer.folding.memory,
        "cycles": layer.cycles,
        "acc_bits": layer.acc_bits,
        "weight_bits": layer.weight_bits,
        "resources": asdict(layer.resources),
    }
