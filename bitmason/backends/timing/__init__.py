"""When beats move: an exact model of every cell's control, without data, compiled to machine code.

Invariant: a cell here has the registers of the library cell that it stands for, so cycles, stalls
and FIFO levels are those of the simulated hardware; hw_tests hold the two to each other.
"""
