"""Have hls4ml convert the one-bit TFC with bitmason's layers, and compare the integers.

hls4ml alone takes the same file without a complaint, and then answers one image in twenty right.
Needs `pip install 'bitmason[hls]'`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import bitmason
from bitmason.hls4ml_bridge import convert, run

HERE = Path(__file__).resolve().parent
MODEL = HERE / "models" / "tfc_w1a1.onnx"
PROJECT = HERE.parent / "build" / "hls4ml"
IMAGES = 200


def main() -> None:
    """Convert, compile with g++, compare."""
    with np.load(HERE / "data" / "fashion_mnist_1k.npz") as data:
        images, labels = data["images"][:IMAGES], data["labels"][:IMAGES]
    x = (images.astype(np.float32) / np.float32(255)).reshape(-1, 1, 28, 28)

    network = bitmason.compile(MODEL, argmax=True)
    model = convert(network, PROJECT)  # an ordinary ModelGraph of hls4ml
    model.compile()
    (found,) = run(network, model, x)

    (golden,) = network.simulate(x).integers
    equal = np.array_equal(found, golden)
    accuracy = np.mean(found[:, 0] == labels)
    print(f"hls4ml equals the golden model  {'yes, all bits' if equal else 'NO'}")
    print(f"accuracy                        {accuracy:.1%} of {IMAGES} test images")
    if not equal:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
