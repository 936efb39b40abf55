"""How long a network takes to compile, to interpret, and to simulate in RTL.

Run as `python -m benchmarks.network_speed`. The TFC is the trained example at FINN's published
folding, 64 cycles a frame; the LFC has random weights.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

import bitmason
from hw_tests.bench.networks import lfc, make_model

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
TFC = EXAMPLES / "models" / "tfc_w1a1.onnx"
FRAMES = 10_000

T = TypeVar("T")


def timed(action: Callable[[], T]) -> tuple[float, T]:
    """Return the wall-clock seconds of an action, and its result."""
    begin = time.perf_counter()
    result = action()
    return time.perf_counter() - begin, result


def main() -> None:
    """Measure and print one table."""
    table = Table("what", "seconds", "rate", "goal", title="wall clock, this machine, one run")
    scratch = Path(tempfile.mkdtemp())
    seconds, compiled = timed(lambda: bitmason.compile(TFC, max_cycles=64).write(scratch / "tfc"))
    table.add_row("compile TFC w1a1", f"{seconds:.2f}", "", "<= 3 s")

    model = make_model(lfc())
    (scratch / "lfc.onnx").write_bytes(model)
    seconds, _ = timed(lambda: bitmason.compile(scratch / "lfc.onnx").write(scratch / "lfc"))
    table.add_row("compile LFC w1a1 (2.9 M weights)", f"{seconds:.2f}", "", "<= 15 s")

    with np.load(EXAMPLES / "data" / "fashion_mnist_1k.npz") as data:
        images = data["images"].astype(np.float32) / np.float32(255)
    x = np.tile(images.reshape(-1, 1, 28, 28), (FRAMES // len(images), 1, 1, 1))
    compiled.simulate(x[:100])
    seconds, golden = timed(lambda: compiled.simulate(x))
    rate = f"{FRAMES / seconds:,.0f} images/s"
    table.add_row(f"golden model, {FRAMES:,} images", f"{seconds:.2f}", rate, ">= 50,000 images/s")

    seconds, rtl = timed(lambda: compiled.simulate(x, "rtl"))
    assert np.array_equal(rtl.integers, golden.integers)
    rate = f"{FRAMES / seconds:,.0f} images/s"
    table.add_row(f"RTL, {FRAMES:,} images, build included", f"{seconds:.2f}", rate, "<= 30 s")
    seconds, rtl = timed(lambda: compiled.simulate(x, "rtl"))
    cycles = f"{(rtl.measured.cycles or 0) / seconds:,.0f} cycles/s"
    table.add_row(f"RTL, {FRAMES:,} images, built before", f"{seconds:.2f}", cycles, "")
    Console().print(table)
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
