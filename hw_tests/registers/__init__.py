"""Generated register blocks in cocotb, behind the AXI4-Lite master of cocotbext-axi."""
