"""How long convolutional networks take to compile, to size, to interpret and to simulate in RTL.

Run as `python -m benchmarks.conv_speed`. The networks are the trained examples; CNV is simulated at
FINN's published folding, 32,768 cycles a frame. CPU seconds, those of compilers and simulators
included, tell more than seconds where other programs share the machine.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from unittest import mock

import numpy as np
from rich.console import Console
from rich.table import Table

from bitmason.backends import dataflow
from bitmason.backends.design import Design
from bitmason.backends.fifos import with_fifos
from bitmason.backends.schedule import Model
from bitmason.config import load_config
from bitmason.pipeline import Compiled, compile_model

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MODELS = EXAMPLES / "models"
GOLDEN_FRAMES, RTL_FRAMES, MODEL_FRAMES = 500, 32, 10
# Network -> goals for the whole compilation and for the FIFOs in it.
NETWORKS = {
    "cnv_w1a1": ("<= 20 s", "<= 30 s"),
    "resnet8_w4a4": ("", "<= 30 s"),
    "mobilenet_w4a4": ("", ""),
    "kws_w4a4": ("", ""),
    "unet_w4a4": ("", ""),
}

T = TypeVar("T")


@dataclass(frozen=True)
class Timed(Generic[T]):
    """The result of an action, and what it took."""

    result: T
    seconds: float
    cpu_seconds: float

    @property
    def spent(self) -> tuple[str, str]:
        """Both times, as the table shows them."""
        return f"{self.seconds:.2f}", f"{self.cpu_seconds:.2f}"


def timed(action: Callable[[], T]) -> Timed[T]:
    """Run an action; its CPU seconds are also those of the programs that it started."""
    begin, cpu = time.perf_counter(), sum(os.times()[:4])
    result = action()
    return Timed(result, time.perf_counter() - begin, sum(os.times()[:4]) - cpu)


def main() -> None:
    """Measure and print one table."""
    columns = ("what", "seconds", "CPU seconds", "figure", "goal")
    table = Table(*columns, title="this machine, one run")
    compile_model(MODELS / "tfc_w1a1.onnx")  # loads what is loaded once
    for name in NETWORKS:
        _compile(table, name)
    published = load_config(EXAMPLES / "foldings" / "cnv_w1a1_finn.toml", {})
    _simulate(table, compile_model(MODELS / "cnv_w1a1.onnx", published))
    Console().print(table)


def _compile(table: Table, name: str) -> None:
    """Compile a network, and tell the time that its FIFOs took."""
    bare: list[Design] = []

    def noting(design: Design) -> Design:
        bare.append(design)
        return with_fifos(design)

    with mock.patch.object(dataflow, "with_fifos", noting):
        made = timed(lambda: compile_model(MODELS / f"{name}.onnx"))
    report = made.result.report()
    pace = f"{report['ii_cycles']:,} cycles a frame"
    table.add_row(f"compile {name}", *made.spent, pace, NETWORKS[name][0])
    sized = timed(lambda: with_fifos(bare[0]))
    bits = f"{report['fifo_bits']:,} bits, as frames {report['fifo_bits_if_frames']:,}"
    table.add_row("its FIFOs", *sized.spent, bits, NETWORKS[name][1])
    model = Model(made.result.design)
    stepped = timed(lambda: model.run(MODEL_FRAMES))
    cycles = int(stepped.result.ends.max())
    rate = f"{cycles:,} cycles, {cycles / stepped.seconds:,.0f} cycles/s"
    table.add_row(f"timing model, {MODEL_FRAMES} frames", *stepped.spent, rate, "")


def _simulate(table: Table, compiled: Compiled) -> None:
    """Interpret and simulate CNV."""
    with np.load(EXAMPLES / "data" / "fashion_mnist_1k.npz") as data:
        images = data["images"][:GOLDEN_FRAMES].astype(np.float32) / np.float32(255)
    x = np.pad(images, [(0, 0), (2, 2), (2, 2)])[:, np.newaxis].repeat(3, axis=1)
    golden = timed(lambda: compiled.simulate(x))
    rate = f"{GOLDEN_FRAMES / golden.seconds:,.0f} images/s"
    what = f"golden model, {GOLDEN_FRAMES} images of CNV"
    table.add_row(what, *golden.spent, rate, ">= 100 images/s")
    with tempfile.TemporaryDirectory() as scratch:
        written = compiled.write(Path(scratch) / "cnv")
        assert written.rtl is not None
        built = timed(written.rtl.binary)
        table.add_row("build the RTL simulation of CNV", *built.spent, "", "<= 300 s")
        rtl = timed(lambda: written.simulate(x[:RTL_FRAMES], "rtl"))
    cycles = rtl.result.measured.cycles or 0
    rate = f"{cycles:,} cycles, {cycles / rtl.seconds:,.0f} cycles/s"
    table.add_row(f"RTL, {RTL_FRAMES} images of CNV", *rtl.spent, rate, "<= 60 s")
    for ours, theirs in zip(rtl.result.integers, golden.result.integers, strict=True):
        assert np.array_equal(ours, theirs[:RTL_FRAMES])


if __name__ == "__main__":
    main()
