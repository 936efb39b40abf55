"""Cycles and cost of the networks with weights of few values, by Reduce-and-Scale and without it.

Run as `python -m benchmarks.few_values [--write]`. Each network is compiled for several paces, as
the folding search likes it and with multipliers in every product. Costs are estimates; cycles and
integers are those of the RTL, which must be those of the golden model. With `--write` the figures
go to docs/data.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bitmason.backends.design import Prices
from bitmason.backends.layers.engines import engines_of
from bitmason.config import Config, LayerConfig
from bitmason.ir.types import Array
from bitmason.pipeline import Compiled, compile_model

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "examples" / "models"
FIGURES = ROOT / "docs" / "data" / "few_values.json"
NETWORKS = ("cnn_ternary", "cnn_quinary", "cnn_int8")
PACES = (15_000, 30_000, 60_000)
SIMULATED = 3


@dataclass(frozen=True)
class Point:
    """A network at one pace; `price` is its cost in LUTs, all resources told.

    `lists` are the layers that Reduce-and-Scale was chosen for, with their forms.
    """

    network: str
    pace: int
    engines: str
    lists: dict[str, str]
    ii_cycles: int
    lut: int
    ff: int
    dsp: int
    bram18: int
    price: int


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the figures to docs/data")
    asked = parser.parse_args()
    jobs = [(name, pace) for name in NETWORKS for pace in PACES]
    points = [p for job in track(jobs, "compiling", transient=True) for p in _measured(*job)]
    Console(width=120).print(_table(points))
    if asked.write:
        FIGURES.write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n")


def _measured(name: str, pace: int) -> Iterator[Point]:
    """Yield a network as the search likes it, and with multipliers where that differs."""
    model = MODELS / f"{name}.onnx"
    chosen = compile_model(model, Config(max_cycles=pace))
    yield _point(name, pace, "chosen", chosen)
    if not _lists(chosen):
        return
    products = [node.name for node in chosen.design.graph.nodes if engines_of(node.op)]
    layers = {product: LayerConfig(engine="parallel") for product in products}
    plain = compile_model(model, Config(max_cycles=pace, layers=layers))
    yield _point(name, pace, "parallel", plain)


def _point(name: str, pace: int, engines: str, compiled: Compiled) -> Point:
    spent = compiled.design.resources
    return Point(
        network=name,
        pace=pace,
        engines=engines,
        lists=_lists(compiled),
        ii_cycles=_cycles(compiled),
        lut=spent.lut,
        ff=spent.ff,
        dsp=spent.dsp,
        bram18=spent.bram18,
        price=round(spent.price(Prices())),
    )


def _lists(compiled: Compiled) -> dict[str, str]:
    layers = compiled.report()["layers"]
    return {layer["name"]: few["form"] for layer in layers if (few := layer["few_values"])}


def _cycles(compiled: Compiled) -> int:
    """Return the cycles between frames of the RTL, whose integers are the golden model's."""
    x = images()[:SIMULATED]
    with tempfile.TemporaryDirectory() as scratch:
        written = compiled.write(Path(scratch) / "project")
        rtl = written.simulate(x, "rtl")
    for ours, theirs in zip(rtl.integers, compiled.simulate(x).integers, strict=True):
        assert np.array_equal(ours, theirs)
    assert rtl.measured.ii_cycles is not None
    return rtl.measured.ii_cycles


def images() -> Array:
    """Return test images as pixel / 255 in [n, 1, 28, 28]."""
    with np.load(ROOT / "examples" / "data" / "fashion_mnist_1k.npz") as data:
        return np.asarray(data["images"][:, np.newaxis] / np.float32(255), np.float32)


def _table(points: list[Point]) -> Table:
    table = Table("network", "engines")
    for column in ("cycles", "LUT", "FF", "DSP", "BRAM18", "all as LUT", "gain"):
        table.add_column(column, justify="right")
    plain = {(p.network, p.pace): p for p in points if p.engines == "parallel"}
    for p in points:
        forms = ", ".join(f"{layer} {form}" for layer, form in p.lists.items())
        counts = (p.ii_cycles, p.lut, p.ff, p.dsp, p.bram18, p.price)
        other = plain.get((p.network, p.pace), p)
        gain = other.ii_cycles * other.price / (p.ii_cycles * p.price)
        table.add_row(p.network, forms or p.engines, *(f"{c:,}" for c in counts), f"{gain:.2f}")
    return table


if __name__ == "__main__":
    main()
