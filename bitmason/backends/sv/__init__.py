"""SystemVerilog: a design as modules, memories and a top level with AXI4-Stream ports."""

from bitmason.backends.sv.top import SvFiles, emit_sv

__all__ = ["SvFiles", "emit_sv"]
