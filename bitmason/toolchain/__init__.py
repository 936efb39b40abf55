"""Thin adapters to the tools that bitmason calls; each finds its tool or says how to get it."""

__all__ = ["doctor", "gxx", "hls", "netlist", "verilator", "yosys"]
