"""Registers: what software sets and reads while the hardware runs, over AXI4-Lite."""

from bitmason.backends.registers.files import RegisterFiles, emit_registers
from bitmason.backends.registers.map import RegisterMap, register_map

__all__ = ["RegisterFiles", "RegisterMap", "emit_registers", "register_map"]
