"""How long the C++ of networks takes to build with g++, and how fast it runs, beside hls4ml's.

Run as `python -m benchmarks.hls_speed [MODEL.onnx ...]`; the trained TFCs and CNV are the default.
hls4ml converts the same QONNX file for Vitis HLS by the passes that its manual names, with the
settings that it proposes, and builds it with its own script. "labels" is the share of frames that
get the golden model's label, on random inputs. Rates count CPU seconds, as other programs may share
the machine, and are the best of three.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.conv_speed import MODELS, Timed, timed
from bitmason.frontend.samples import sample_inputs
from bitmason.ir.types import Array
from bitmason.pipeline import Compiled, compile_model

# Frames for us and for hls4ml, which does not take the CNV this way.
DENSE = (5000, 500)
NETWORKS = {"tfc_w1a1": DENSE, "tfc_w2a2": DENSE, "tfc_w4a4": DENSE, "cnv_w1a1": (20, 0)}
RUNS = 3


@dataclass(frozen=True)
class Speed:
    """What a tool took to build a network and to run frames, and the label of each frame."""

    build: Timed[Any]
    run: Timed[Array]

    @property
    def rate(self) -> float:
        """Frames a CPU second."""
        return len(self.run.result) / self.run.cpu_seconds

    @property
    def labels(self) -> Array:
        """The largest output of each frame."""
        frames = len(self.run.result)
        return np.asarray(self.run.result.reshape(frames, -1).argmax(axis=1))


def main() -> None:
    """Measure and print one table."""
    given = {Path(argument): DENSE for argument in sys.argv[1:]}
    columns = ("network", "tool", "build", "CPU", "frames/s", "ratio", "labels")
    table = Table(*columns, title="g++ simulation, this machine, one run")
    for model, frames in (given or {MODELS / f"{n}.onnx": f for n, f in NETWORKS.items()}).items():
        _measure(table, model, frames)
    Console(width=110).print(table)


def _measure(table: Table, model: Path, frames: tuple[int, int]) -> None:
    compiled = compile_model(model)
    x = sample_inputs(compiled.imported, max(frames), 0)
    with tempfile.TemporaryDirectory() as scratch:
        golden = compiled.simulate(x)
        ours = _ours(compiled, x[: frames[0]], Path(scratch) / "ours")
        theirs = _hls4ml(model, x[: frames[1]], Path(scratch) / "hls4ml") if frames[1] else None
    assert np.array_equal(ours.run.result, golden.output[: frames[0]])
    labels = Speed(ours.build, Timed(golden.output, 0, 0)).labels
    ratio = f"{ours.rate / theirs.rate:.1f}" if isinstance(theirs, Speed) else ""
    table.add_row(model.stem, "bitmason", *_figures(ours, ratio, labels))
    if isinstance(theirs, Speed):
        table.add_row("", "hls4ml", *_figures(theirs, "1", labels))
    elif theirs is not None:
        table.add_row("", "hls4ml", theirs)


def _figures(speed: Speed, ratio: str, labels: Array) -> tuple[str, ...]:
    same = np.mean(speed.labels == labels[: len(speed.labels)])
    return (*speed.build.spent, f"{speed.rate:,.0f}", ratio, f"{same:.1%}")


def _ours(compiled: Compiled, x: Array, folder: Path) -> Speed:
    written = compiled.write(folder, "hls")
    assert written.hls is not None
    build = timed(written.hls.library)
    written.simulate(x[:1], "hls")  # loads the library
    return Speed(build, _best(lambda: written.simulate(x, "hls").output))


def _hls4ml(model: Path, x: Array, folder: Path) -> Speed | str:
    """Measure hls4ml, or return in which way it fails."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            converted = plain_hls4ml(model, folder)
            build = timed(converted.compile)
        except Exception as error:  # of hls4ml or qonnx, of any kind
            return f"fails: {type(error).__name__}"
    return Speed(build, _best(lambda: converted.predict(x)))


def _best(action: Callable[[], Array]) -> Timed[Array]:
    return min((timed(action) for _ in range(RUNS)), key=lambda run: run.cpu_seconds)


def plain_hls4ml(model: Path, folder: Path) -> Any:
    """Return hls4ml's own conversion of a QONNX file, by the passes that its manual names."""
    from hls4ml.converters import convert_from_onnx_model
    from hls4ml.utils import config_from_onnx_model
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.gemm_to_matmul import GemmToMatMul
    from qonnx.util.cleanup import cleanup_model

    cleaned = cleanup_model(cleanup_model(ModelWrapper(str(model))).transform(GemmToMatMul()))
    config = config_from_onnx_model(cleaned, granularity="name", backend="Vitis")
    return convert_from_onnx_model(
        cleaned, output_dir=str(folder), hls_config=config, backend="Vitis"
    )


if __name__ == "__main__":
    main()
