"""Claims about every cell of the SystemVerilog library."""
