"""Networks of bitmason inside hls4ml: its converter takes them, our library computes them.

    model = convert(bitmason.compile("tfc.onnx"), "tfc_hls4ml")
    model.compile()

Invariant: `import bitmason` never imports this package, and this package imports hls4ml only when
something is converted.
"""

from bitmason.hls4ml_bridge.conversion import convert, run, run_integers

__all__ = ["convert", "run", "run_integers"]
