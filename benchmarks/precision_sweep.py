"""Accuracy, cycles and cost of a network at every precision, beside networks trained for each.

Run as `python -m benchmarks.precision_sweep [--grid DIR] [--write]`. The two networks that were
trained for any precision are compiled once, with registers, and simulated at all 16 settings:
labels of 1,000 images by the golden model, cycles by the RTL, whose integers must be the same.
DIR holds networks of the same shapes trained for one precision each, `mlp_w2a3.onnx` and so on, as
`examples/train_precision.py` writes them: each is compiled for the cycles that the setting takes.
With `--write` the figures go to docs/data.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bitmason.backends.schedule import Model
from bitmason.backends.settings import with_setting
from bitmason.config import Config
from bitmason.diagnostics import CompileError
from bitmason.ir.types import Array
from bitmason.pipeline import Compiled, compile_model

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "examples" / "models"
FIGURES = ROOT / "docs" / "data" / "precision_sweep.json"
TRAINED = ROOT / "docs" / "data" / "precision_grid.json"
CYCLES = {"mlp": 4096, "cnn": 50000}  # at full precision
BITS, SIMULATED = 4, 20
MIXED, FRAMES = 60, 10  # settings with another precision in each layer, and frames of each


@dataclass(frozen=True)
class Point:
    """A network at one precision; shares are of 1, costs are estimates in LUTs.

    `trained` and `fixed_lut` are those of a network trained for this precision alone, the latter
    where one was compiled for as many cycles or fewer.
    """

    network: str
    wbits: int
    abits: int
    accuracy: float
    ii_cycles: int
    lut: int
    trained: float | None
    fixed_lut: int | None
    fixed_cycles: int | None


def main() -> None:
    """Measure and print one table for each network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--grid", type=Path, help="networks trained for one precision each")
    parser.add_argument("--write", action="store_true", help="write the figures to docs/data")
    asked = parser.parse_args()
    points = [point for name in CYCLES for point in _sweep(name, asked.grid)]
    for name in CYCLES:
        Console(width=110).print(_table(name, [p for p in points if p.network == name]))
        Console(width=110).print(_mixed(name))
    if asked.write:
        FIGURES.write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n")


def images() -> tuple[Array, Array]:
    """Return 1,000 test images as pixel / 255 in [n, 1, 28, 28], and their labels."""
    with np.load(ROOT / "examples" / "data" / "fashion_mnist_1k.npz") as data:
        return data["images"][:, np.newaxis].astype(np.float32) / np.float32(255), data["labels"]


def _sweep(name: str, grid: Path | None) -> Iterator[Point]:
    """Yield all settings of a network, all its layers alike."""
    config = Config(max_cycles=CYCLES[name], run_time_precision=True)
    compiled = compile_model(MODELS / f"{name}_w4a4.onnx", config)
    lut = compiled.report()["resources"]["lut"]
    trained = json.loads(TRAINED.read_text())[name]["plain"]
    with tempfile.TemporaryDirectory() as scratch:
        written = compiled.write(Path(scratch) / name)
        pairs = [*product(range(1, BITS + 1), repeat=2)]
        for wbits, abits in track(pairs, name, transient=True):
            accuracy, cycles = _measured(written, wbits, abits)
            bits = f"w{wbits}a{abits}"
            model = None if grid is None else grid / f"{name}_{bits}.onnx"
            fixed = _fixed(model, cycles) if model is not None and model.exists() else (None, None)
            share = trained[bits][bits] / 100 if bits in trained else None
            yield Point(name, wbits, abits, accuracy, cycles, lut, share, *fixed)


def _measured(written: Compiled, wbits: int, abits: int) -> tuple[float, int]:
    """Return the share of right labels, and the cycles between frames of the RTL."""
    x, labels = images()
    settings = {"*.wbits": wbits, "*.abits": abits}
    golden = written.simulate(x, settings=settings)
    rtl = written.simulate(x[:SIMULATED], "rtl", settings=settings)
    for ours, theirs in zip(rtl.integers, golden.integers, strict=True):
        assert np.array_equal(ours, theirs[:SIMULATED]), settings
    assert rtl.measured.ii_cycles is not None, settings
    right = golden.output.reshape(len(x), -1).argmax(axis=1) == labels
    return float(right.mean()), rtl.measured.ii_cycles


def _fixed(model: Path, cycles: int) -> tuple[int | None, int | None]:
    """Return LUTs and cycles of a network of fixed precision that is no slower, if it can be."""
    try:
        report = compile_model(model, Config(max_cycles=cycles)).report()
    except CompileError:
        return None, None
    return report["resources"]["lut"], report["ii_cycles"]


def _mixed(name: str) -> str:
    """Return what random settings of all layers cost, above their slowest layer, by the model."""
    config = Config(max_cycles=CYCLES[name], run_time_precision=True)
    design = compile_model(MODELS / f"{name}_w4a4.onnx", config).design
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(MIXED):
        setting = tuple(int(rng.integers(1, knob.maximum + 1)) for knob in design.knobs)
        reduced = with_setting(design, setting)
        shares.append(Model(reduced).run(FRAMES).ii_cycles / reduced.ii_cycles - 1)
    slower = sum(share > 0 for share in shares)
    return f"{name}: {slower} of {MIXED} random settings are slower, by up to {max(shares):.1%}"


def _table(name: str, points: list[Point]) -> Table:
    title = f"{name}_w4a4 with registers: {points[0].lut:,} LUT at every precision"
    columns = ("planes", "right", "cycles", "trained so", "its LUT", "its cycles")
    table = Table(*columns, title=title, title_justify="left")
    for p in points:
        shown = (p.trained, p.fixed_lut, p.fixed_cycles)
        table.add_row(
            *(f"w{p.wbits}a{p.abits}", f"{p.accuracy:.1%}", f"{p.ii_cycles:,}"),
            *("" if shown[0] is None else f"{shown[0]:.1%}", *map(_number, shown[1:])),
        )
    return table


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


if __name__ == "__main__":
    main()
