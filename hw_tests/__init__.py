"""Hardware tests: cells, layers and networks simulated with Verilator under cocotb."""
