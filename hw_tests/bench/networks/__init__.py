"""Random QONNX networks to measure, fuzz and compare with: dense layers, and images and signals.

Invariant: a network is a function of its description alone, seed included.
"""

from hw_tests.bench.networks.dense import Dense, Network, lfc, make_model, mlp, tfc
from hw_tests.bench.networks.images import Made, make_images
from hw_tests.bench.networks.quantiser import Quantiser
from hw_tests.bench.networks.steps import After, Images, Step

__all__ = [
    "After",
    "Dense",
    "Images",
    "Made",
    "Network",
    "Quantiser",
    "Step",
    "lfc",
    "make_images",
    "make_model",
    "mlp",
    "tfc",
]
