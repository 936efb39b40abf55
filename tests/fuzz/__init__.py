"""Random networks: executor == golden == RTL == HLS, shrunk to a minimal one on failure."""
