"""All engines of custom floating point in one verilated program, which whole arrays go through."""
