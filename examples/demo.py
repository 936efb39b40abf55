"""Compile a trained network, simulate it in RTL on real images, print what it does and costs."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

import bitmason

HERE = Path(__file__).resolve().parent
MODEL = HERE / "models" / "tfc_w1a1.onnx"
IMAGES = HERE / "data" / "fashion_mnist_1k.npz"
PROJECT = HERE.parent / "build" / "demo"


def main() -> None:
    """Run the demonstration."""
    begin = time.perf_counter()
    compiled = bitmason.compile(MODEL, max_cycles=64).write(PROJECT)
    report = compiled.report()
    seconds, place = time.perf_counter() - begin, PROJECT.relative_to(HERE.parent)
    print(f"compiled {MODEL.name} in {seconds:.1f} s to {place}")

    with np.load(IMAGES) as data:
        images, labels = data["images"], data["labels"]
    pixels = (images.astype(np.float32) / np.float32(255)).reshape(-1, 1, 28, 28)
    golden = compiled.simulate(pixels)
    print("building the simulator and running the RTL on 1,000 images ...", flush=True)
    rtl = compiled.simulate(pixels, "rtl")

    equal = np.array_equal(golden.output, rtl.output)
    accuracy = np.mean(rtl.output.argmax(axis=-1) == labels)
    measured, used = rtl.measured, report["resources"]
    print(f"RTL equals the golden model   {'yes, all bits' if equal else 'NO'}")
    print(f"accuracy                      {accuracy:.1%} of {len(labels)} test images")
    print(f"cycles between frames         {measured.ii_cycles} (predicted {report['ii_cycles']})")
    print(
        f"latency in cycles             {measured.latency_cycles} "
        f"(predicted {report['latency_cycles']})"
    )
    print(
        f"rate at {report['clock_mhz']:g} MHz               "
        f"{report['frames_per_second']:,.0f} frames/s"
    )
    print(
        f"estimated resources           {used['lut']:,} LUT, {used['ff']:,} FF, "
        f"{used['dsp']} DSP, {used['bram18']} BRAM18"
    )
    print(f"simulation                    {measured.seconds:.1f} s, build included")
    if not equal:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
