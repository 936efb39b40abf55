"""bitmason: compile low-bit neural networks to verified FPGA dataflow hardware, exactly.

Invariant: importing this package loads neither PyTorch nor any other heavy library.
"""

__version__ = "0.1.0"
