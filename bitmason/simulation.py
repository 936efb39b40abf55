"""Run a compiled network on data: in the golden model or in the simulated hardware.

Invariant: whatever the engine, the host's part before and after the hardware is the same code, and
integers enter and leave the engine bit for bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bitmason.backends.design import Design
from bitmason.backends.packing import bytes_per_beat, pack_elements, unpack_elements
from bitmason.diagnostics import Loc, did_you_mean, fail
from bitmason.ir.graph import Graph
from bitmason.ir.interp import run
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.partition import after, before, between
from bitmason.ir.types import Array, IntArray, Real, TensorType, contains
from bitmason.toolchain import player, verilator

ENGINES = ("golden", "rtl")
_MISSING_ENGINES = {"hls": "the HLS backend comes with a later version"}


@dataclass(frozen=True)
class Rtl:
    """Where the RTL of a written project stands: its folder, top module, sources and outputs."""

    folder: Path
    top: str
    sources: tuple[str, ...]
    sinks: tuple[str, ...] = ("m_axis",)

    def binary(self) -> Path:
        """Return the simulator, built unless it is there already.

        Raises:
            CompileError: a T code when a tool is missing or rejects the design.
        """
        paths = [self.folder / "rtl" / name for name in self.sources]
        return verilator.build(paths, self.top, self.folder / "build", sinks=self.sinks)


@dataclass(frozen=True)
class Measured:
    """What a simulation measured; the cycle figures are those of the hardware alone.

    `fifo_peaks` tells the most beats that each FIFO ever held.
    """

    engine: str
    frames: int
    seconds: float
    ii_cycles: int | None = None
    latency_cycles: int | None = None
    cycles: int | None = None
    fifo_peaks: Mapping[str, int] = field(default_factory=dict)

    @property
    def samples_per_second(self) -> float:
        """Frames simulated per second of wall-clock time, builds included."""
        return round(self.frames / max(self.seconds, 1e-9), 1)


@dataclass(frozen=True)
class Simulated:
    """The outputs of a batch, one array per output of the network, and what was measured.

    `integers` are those that left the hardware, one array for each of its streams.
    """

    outputs: tuple[Array, ...]
    integers: tuple[IntArray, ...]
    measured: Measured

    @property
    def output(self) -> Array:
        """The first output, which most networks have alone."""
        return self.outputs[0]


def simulate(
    design: Design,
    x: Array,
    engine: str = "golden",
    rtl: Rtl | None = None,
    *,
    stall: float = 0.0,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Simulated:
    """Run `design` on a batch.

    Args:
        design: a compiled network.
        x: floats of the model's input shape with a leading batch axis, or the integers that enter
            the hardware.
        engine: "golden" or "rtl".
        rtl: the written project, which the "rtl" engine needs.
        stall: probability in each cycle that source and sink hold back ("rtl").
        seed: of the stalls and of the registers' start values ("rtl").
        progress: told the number of finished frames now and then ("rtl").

    Raises:
        CompileError: S001 when `x` does not fit the model, C004 for an engine that is not there
            yet, T codes when the simulator cannot be built or stops.
    """
    _check_engine(engine)
    begin = time.perf_counter()
    graph = design.graph
    entering = entering_integers(graph, design.entry, x)
    if engine == "golden":
        core = between(graph, design.entry, design.exits)
        leaving = run(core, {design.entry: entering})
        counts: dict[str, Any] = {}
    else:
        assert rtl is not None, "the rtl engine runs a written project"
        play = player.RunOptions(stall=stall, seed=seed, progress=progress)
        leaving, counts = _run_rtl(design, entering, rtl, play)
    outputs = run(after(graph, design.exits), dict(zip(design.exits, leaving, strict=True)))
    seconds = time.perf_counter() - begin
    measured = Measured(engine, len(x), seconds, **counts)
    return Simulated(tuple(_as_executor(y) for y in outputs), leaving, measured)


def _check_engine(engine: str) -> None:
    if engine in _MISSING_ENGINES:
        fail("C004", f"engine '{engine}' is not available: {_MISSING_ENGINES[engine]}")
    if engine not in ENGINES:
        fail(
            "C001",
            f"there is no engine called '{engine}'",
            help=did_you_mean(engine, ENGINES) or f"the engines are {', '.join(ENGINES)}",
        )


def _as_executor(y: Array) -> Array:
    """Return an output in the element type that the QONNX executor gives it."""
    return y.astype(np.float32) if y.dtype.kind == "f" else y


def entering_integers(graph: Graph, entry: str, x: Array) -> IntArray:
    """Return the integers that enter the hardware for the user's batch `x`.

    Raises:
        CompileError: S001 when `x` has the wrong shape, type or values.
    """
    (model_input,) = graph.inputs
    if x.dtype.kind in "iub" and isinstance(model_input.type.elem, Real):
        return _given_integers(graph, entry, x)
    frames = float_frames(graph, x)
    (entering,) = run(before(graph, entry), {model_input.name: frames})
    return entering


def float_frames(graph: Graph, x: Array) -> Array:
    """Return the user's real-valued batch `x` as `(frames, *shape)` in float32.

    Raises:
        CompileError: S001 when `x` has the wrong shape, type or values.
    """
    (model_input,) = graph.inputs
    if x.dtype.kind != "f":
        fail(
            "S001",
            f"inputs are {x.dtype}, not floats or integers",
            loc=model_input.loc,
            help="give the model's float inputs, or integers as the first quantiser makes them",
        )
    with np.errstate(over="ignore"):
        frames = _with_shape(x, model_input.type, model_input.loc).astype(np.float32)
    if not np.all(np.isfinite(frames)):
        fail(
            "S001",
            "inputs hold NaN, infinite or too large values",
            loc=model_input.loc,
            help="give finite numbers that float32 can hold",
        )
    return frames


def _given_integers(graph: Graph, entry: str, x: Array) -> IntArray:
    """Return integers of the model's input shape in the order in which the hardware takes them."""
    (model_input,) = graph.inputs
    loc, elem = model_input.loc, graph[entry].type.int_elem
    frames = _with_shape(x, model_input.type, loc)
    for node in before(graph, entry).nodes:
        if isinstance(node.op, Reshape | Transpose):
            frames = node.op.evaluate(frames)
    if not contains(elem, frames):  # before the cast, in which unsigned integers would wrap
        fail(
            "S001",
            f"inputs are integers from {frames.min()} to {frames.max()}, the hardware takes {elem}",
            loc=loc,
            help="give integers as the first quantiser makes them, or the model's float inputs",
        )
    return frames.astype(np.int64)


def _with_shape(x: Array, expected: TensorType, loc: Loc) -> Array:
    """Return `x` as `(frames, *shape)`; the model's own batch axis of 1 may stand in it too."""
    if x.ndim and len(x) == 0:
        fail("S001", "the batch is empty", loc=loc, help="give one frame or more")
    for shape in (expected.shape, (1, *expected.shape)):
        if x.ndim and x.shape[1:] == shape:
            return x.reshape(len(x), *expected.shape)
    wanted = ", ".join(map(str, ("N", *expected.shape)))
    fail(
        "S001",
        f"inputs have shape {list(x.shape)}, the model takes [{wanted}]",
        loc=loc,
        help="give an array of that shape, with N frames along its first axis",
    )


def _run_rtl(
    design: Design, entering: IntArray, rtl: Rtl, options: player.RunOptions
) -> tuple[tuple[IntArray, ...], dict[str, Any]]:
    frames, graph = len(entering), design.graph
    codes = graph[design.entry].type.int_elem.encode(entering.reshape(frames, -1))
    beats = pack_elements(codes, design.source.elem.bits, design.source.per_beat)
    shapes = [(port.beats, bytes_per_beat(port.elem.bits, port.per_beat)) for port in design.sinks]
    result = player.run(rtl.binary(), beats, shapes, cwd=rtl.folder / "rtl", options=options)
    assert not result.faults, result.faults
    leaving: list[IntArray] = []
    for name, port, taken in zip(design.exits, design.sinks, result.beats_out, strict=True):
        type_ = graph[name].type
        elements = unpack_elements(taken, port.elem.bits, port.per_beat)
        leaving.append(type_.int_elem.decode(elements).reshape(frames, *type_.shape))
    counts = {
        "ii_cycles": result.ii_cycles,
        "latency_cycles": result.latency_cycles,
        "cycles": result.cycles,
        "fifo_peaks": result.fifo_peaks,
    }
    return tuple(leaving), counts
