"""report.json: the figures of a design, as outside scripts read them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bitmason.backends.design import Design, FifoView, Layer, Port
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
        "input": _port(design.source),
        "outputs": [_port(port) for port in design.sinks],
        "resources": asdict(design.resources),
        "layers": [_layer(layer) for layer in design.layers if layer.op != "fifo"],
        "fifos": [_fifo(layer) for layer in design.fifos],
    }


def _port(port: Port) -> dict[str, Any]:
    return {
        "type": str(port.elem),
        "elements": port.elements,
        "per_beat": port.per_beat,
        "lanes": port.lanes,
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
        "mmv": layer.folding.mmv,
        "memory": layer.folding.memory,
        "cycles": layer.cycles,
        "acc_bits": layer.acc_bits,
        "weight_bits": layer.weight_bits,
        "resources": asdict(layer.resources),
    }


def _fifo(layer: Layer) -> dict[str, Any]:
    view = layer.view
    assert isinstance(view, FifoView)
    return {
        "name": layer.name,
        "depth": view.depth,
        "width": layer.source.width,
        "bits": layer.source.width * view.depth,
        "memory": view.style,
        "purpose": view.purpose,
        "resources": asdict(layer.resources),
    }
