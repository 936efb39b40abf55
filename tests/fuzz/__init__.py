"""Random networks: executor == golden == RTL, shrunk to a minimal one on failure."""
