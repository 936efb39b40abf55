"""HLS C++: a design as one function per layer, tables and a dataflow top with AXI4-Stream ports."""

from bitmason.backends.hls.top import HlsFiles, emit_hls

__all__ = ["HlsFiles", "emit_hls"]
