"""What every network must show in hardware, and the real images to show it on.

Invariant: equal means every element; cycles and FIFO fills are those that were predicted.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from bitmason.backends.schedule import Model
from bitmason.pipeline import Compiled
from bitmason.simulation import Simulated

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Floats = NDArray[np.float32]


def fashion(count: int) -> tuple[Floats, NDArray[np.uint8]]:
    """Return the first test images, as pixel / 255 in [n, 28, 28], and their labels."""
    with np.load(EXAMPLES / "data" / "fashion_mnist_1k.npz") as data:
        pixels, labels = data["images"][:count], data["labels"][:count]
    return pixels.astype(np.float32) / np.float32(255), labels


def images_of(shape: tuple[int, ...], count: int) -> Floats:
    """Return real images as a network with inputs of this shape takes them."""
    x, _ = fashion(count)
    match shape:
        case (28, 28):
            return x
        case (1, 28, 28):
            return x[:, np.newaxis]
        case (3, 32, 32):
            bordered = np.pad(x, [(0, 0), (2, 2), (2, 2)])
            return bordered[:, np.newaxis].repeat(3, axis=1)
        case (28, 28, channels):
            return x[..., np.newaxis].repeat(channels, axis=3)
    raise AssertionError(f"no images of shape {shape}")


def narrowed(path: Path, by: int) -> bytes:
    """Return a trained CNV with every `by`-th of its channels, and its norms made to fit."""
    model = onnx.load(path)
    del model.graph.value_info[:]
    for constant in model.graph.initializer:
        values = numpy_helper.to_array(constant)
        kept = values[tuple(slice(0, n // by if n >= 64 else n) for n in values.shape[:2])]
        # The first convolution still has all its inputs; the others have fewer.
        if "running" in constant.name and not constant.name.startswith("bn1."):
            kept = kept / np.float32(by)
        constant.CopyFrom(numpy_helper.from_array(kept, constant.name))
    return bytes(model.SerializeToString())


def assert_same_integers(found: Simulated, wanted: Simulated) -> None:
    """Check the bits that left the hardware; `wanted` may have run more frames."""
    for ours, theirs in zip(found.integers, wanted.integers, strict=True):
        np.testing.assert_array_equal(ours, theirs[: len(ours)])


def check_in_hardware(compiled: Compiled, x: Floats, cycles: int | None = None) -> None:
    """Check the bits of the C++; of the RTL bits, cycles and FIFOs, and some bits with stalls."""
    golden, rtl = compiled.simulate(x), compiled.simulate(x, "rtl")
    assert_same_integers(rtl, golden)
    for ours, theirs in zip(rtl.outputs, golden.outputs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    report, measured = compiled.report(), rtl.measured
    assert measured.ii_cycles == report["ii_cycles"]
    assert cycles in {None, measured.ii_cycles}
    assert measured.latency_cycles == report["latency_cycles"]
    assert measured.fifo_peaks == Model(compiled.design).run(len(x)).peaks
    assert_same_integers(compiled.simulate(x[:50], "rtl", stall=0.3, seed=5), golden)
    assert_same_integers(compiled.simulate(x, "hls"), golden)
