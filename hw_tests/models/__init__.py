"""Whole networks: QONNX executor == golden model == RTL, on real data and on random inputs."""
