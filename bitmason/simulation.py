"""Run a compiled network on data: in the golden model, in simulated RTL or in HLS C++.

Invariant: whatever the engine, the host's part before and after the hardware is the same code, and
integers enter and leave the engine bit for bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from bitmason.backends.design import Design, Port
from bitmason.backends.packing import ByteArray, bytes_per_beat, pack_elements, unpack_elements
from bitmason.backends.settings import (
    Given,
    Setting,
    changes_host,
    register_writes,
    settings_of,
    with_setting,
)
from bitmason.diagnostics import Loc, did_you_mean, fail
from bitmason.ir.graph import Graph
from bitmason.ir.interp import run
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.ops.words import Pack
from bitmason.ir.partition import after, before, between
from bitmason.ir.types import Array, Bipolar, IntArray, Real, TensorType, contains
from bitmason.toolchain import hls, player, verilator
from bitmason.toolchain.player import RunOptions, Write

_HARDWARE = {"rtl": "RTL", "hls": "HLS C++"}
ENGINES = ("golden", *_HARDWARE)
_TEST_FRAMES = 8  # of a test bench that is given no inputs


class Engine(Protocol):
    """The hardware of a written project in a form that runs here."""

    def play(
        self,
        beats: ByteArray,
        shapes: Sequence[tuple[int, int]],
        options: RunOptions,
        settings: Sequence[Setting] = (),
    ) -> tuple[tuple[ByteArray, ...], dict[str, Any]]:
        """Play `beats[frames, beats, bytes]`; return those of each output, and what was measured.

        `shapes` tells the beats of a frame and the bytes of a beat of each output. There is one of
        `settings` for each frame, or none where all are the largest; `options` have them too, as
        what is written to registers.
        """
        ...


@dataclass(frozen=True)
class Rtl:
    """Where the RTL of a written project stands: its folder, top module, sources and outputs.

    It has `registers` if the design has knobs.
    """

    folder: Path
    top: str
    sources: tuple[str, ...]
    sinks: tuple[str, ...] = ("m_axis",)
    registers: bool = False

    def binary(self) -> Path:
        """Return the simulator, built unless it is there already.

        Raises:
            CompileError: a T code when a tool is missing or rejects the design.
        """
        paths = [self.folder / "rtl" / name for name in self.sources]
        build_dir = self.folder / "build"
        return verilator.build(
            paths, self.top, build_dir, sinks=self.sinks, registers=self.registers
        )

    def play(
        self,
        beats: ByteArray,
        shapes: Sequence[tuple[int, int]],
        options: RunOptions,
        settings: Sequence[Setting] = (),
    ) -> tuple[tuple[ByteArray, ...], dict[str, Any]]:
        """Play beats through the simulated RTL; see `Engine`."""
        result = player.run(self.binary(), beats, shapes, cwd=self.folder / "rtl", options=options)
        assert not result.faults, result.faults
        counts = {
            "ii_cycles": result.ii_cycles,
            "latency_cycles": result.latency_cycles,
            "cycles": result.cycles,
            "fifo_peaks": result.fifo_peaks,
        }
        return result.beats_out, counts


@dataclass(frozen=True)
class Hls:
    """Where the HLS C++ of a written project stands: its folder, top function and files."""

    folder: Path
    top: str
    files: tuple[str, ...]

    def library(self) -> Path:
        """Return the compiled network, built unless it is there already.

        Raises:
            CompileError: a T code when a tool is missing or rejects the code.
        """
        return hls.build(self.folder / "hls", self.files, self.top, self.folder / "build")

    def play(
        self,
        beats: ByteArray,
        shapes: Sequence[tuple[int, int]],
        options: RunOptions,
        settings: Sequence[Setting] = (),
    ) -> tuple[tuple[ByteArray, ...], dict[str, Any]]:
        """Play beats through the C++, which knows no cycles; see `Engine`."""
        library, progress = self.library(), options.progress
        held = np.array(settings, np.int64) if settings else None
        return hls.run(library, [beats], shapes, settings=held, progress=progress), {}


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


def simulate(  # noqa: PLR0913  what is optional has to be named
    design: Design,
    x: Array,
    engine: str = "golden",
    written: Engine | None = None,
    *,
    settings: Given = MappingProxyType({}),
    stall: float = 0.0,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Simulated:
    """Run `design` on a batch.

    Args:
        design: a compiled network.
        x: floats of the model's input shape with a leading batch axis, or the integers that enter
            the hardware.
        engine: "golden", "rtl" or "hls".
        written: what the project has for this engine; the golden model needs nothing.
        settings: numbers for the design's knobs by name, such as {"fc1.abits": 2}, for all frames
            or for each of them; the largest where nothing is said.
        stall: probability in each cycle that source and sink hold back ("rtl").
        seed: of the stalls and of the registers' start values ("rtl").
        progress: told the number of finished frames now and then ("rtl", "hls").

    Raises:
        CompileError: S001 when `x` does not fit the model, S005 when `settings` do not fit the
            design, C007 when the project has nothing for the engine, T codes when the simulator
            cannot be built or stops.
    """
    _check_engine(engine, written)
    begin = time.perf_counter()
    graph = design.graph
    entering = entering_integers(graph, design.entry, x)
    chosen = settings_of(design, len(entering), settings)
    if chosen and changes_host(design):
        x = np.asarray(x)
        (entering,) = _by_setting(
            design, chosen, lambda at, some: (entering_integers(at.graph, at.entry, x[some]),)
        )
    counts: dict[str, Any] = {}
    if written is None:
        leaving = _golden(design, entering, chosen)
    else:
        writes = tuple(Write(*each) for each in register_writes(design, chosen))
        options = RunOptions(stall=stall, seed=seed, progress=progress, writes=writes)
        leaving, counts = _play(design, entering, written, options, chosen)
    outputs = _by_setting(
        design,
        chosen if changes_host(design) else (),
        lambda at, some: run(
            after(at.graph, at.exits),
            {name: each[some] for name, each in zip(at.exits, leaving, strict=True)},
        ),
    )
    seconds = time.perf_counter() - begin
    measured = Measured(engine, len(x), seconds, **counts)
    return Simulated(tuple(_as_executor(y) for y in outputs), leaving, measured)


def bench_vectors(design: Design, x: Array | None = None) -> tuple[ByteArray, ...]:
    """Return the beats of the input and of every output, for a test bench to play and compare.

    Args:
        design: a compiled network.
        x: inputs as `simulate` takes them; a few random integers by default.

    Raises:
        CompileError: S001 when `x` does not fit the model.
    """
    graph, entry = design.graph, design.entry
    if x is None:
        entering = _random_integers(graph[entry].type)
    else:
        entering = entering_integers(graph, entry, x)
    named = zip((entry, *design.exits), (design.source, *design.sinks), strict=True)
    values = (entering, *_golden(design, entering))
    return tuple(
        _pack(port, graph[name].type, each)
        for (name, port), each in zip(named, values, strict=True)
    )


def _random_integers(type_: TensorType) -> IntArray:
    elem = type_.int_elem
    random = np.random.default_rng(0)
    if isinstance(elem, Bipolar):
        return elem.decode(random.integers(0, 2, (_TEST_FRAMES, *type_.shape)))
    return random.integers(elem.lo, elem.hi, (_TEST_FRAMES, *type_.shape), endpoint=True)


def _check_engine(engine: str, written: Engine | None) -> None:
    if engine not in ENGINES:
        fail(
            "C001",
            f"there is no engine called '{engine}'",
            help=did_you_mean(engine, ENGINES) or f"the engines are {', '.join(ENGINES)}",
        )
    if engine in _HARDWARE and written is None:
        fail(
            "C007",
            f"the project has no {_HARDWARE[engine]}, which the engine '{engine}' runs",
            help="compile the model again with `--backend all`",
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
    words: Pack | None = None
    for node in before(graph, entry).nodes:
        if isinstance(node.op, Reshape | Transpose):
            frames = node.op.evaluate(frames)
        elif isinstance(node.op, Pack):
            words, elem = node.op, node.op.elem
    if not contains(elem, frames):  # before the cast, in which unsigned integers would wrap
        fail(
            "S001",
            f"inputs are integers from {frames.min()} to {frames.max()}, the hardware takes {elem}",
            loc=loc,
            help="give integers as the first quantiser makes them, or the model's float inputs",
        )
    integers = frames.astype(np.int64)
    return integers if words is None else words.evaluate(integers)


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


def _golden(
    design: Design, entering: IntArray, settings: Sequence[Setting] = ()
) -> tuple[IntArray, ...]:
    """Return the integers that leave the hardware, as the interpreter computes them."""
    return _by_setting(
        design,
        settings,
        lambda at, some: run(between(at.graph, at.entry, at.exits), {at.entry: entering[some]}),
    )


def _by_setting(
    design: Design,
    settings: Sequence[Setting],
    compute: Callable[[Design, Any], tuple[Array, ...]],
) -> tuple[Array, ...]:
    """Return what `compute` makes of all frames, those of each setting with the design at it.

    Args:
        design: at no setting.
        settings: that of each frame, or none.
        compute: takes a design at a setting, and which frames it is for.
    """
    if not settings:
        return compute(design, slice(None))
    parts: list[tuple[IntArray, tuple[Array, ...]]] = []
    for setting in dict.fromkeys(settings):
        frames = np.flatnonzero([each == setting for each in settings])
        parts.append((frames, compute(with_setting(design, setting), frames)))
    order = np.argsort(np.concatenate([frames for frames, _ in parts]))
    several = zip(*(made for _, made in parts), strict=True)
    return tuple(np.concatenate(arrays)[order] for arrays in several)


def _play(
    design: Design,
    entering: IntArray,
    engine: Engine,
    options: RunOptions,
    settings: Sequence[Setting],
) -> tuple[tuple[IntArray, ...], dict[str, Any]]:
    graph = design.graph
    beats = _pack(design.source, graph[design.entry].type, entering)
    shapes = [(port.beats, bytes_per_beat(port.elem.bits, port.per_beat)) for port in design.sinks]
    taken, counts = engine.play(beats, shapes, options, settings)
    leaving = (
        _unpack(port, graph[name].type, beats)
        for name, port, beats in zip(design.exits, design.sinks, taken, strict=True)
    )
    return tuple(leaving), counts


def _pack(port: Port, type_: TensorType, values: IntArray) -> ByteArray:
    """Return `values[frames, *shape]` as the beats of a port."""
    codes = type_.int_elem.encode(values.reshape(len(values), -1))
    return pack_elements(codes, port.elem.bits, port.per_beat)


def _unpack(port: Port, type_: TensorType, beats: ByteArray) -> IntArray:
    elements = unpack_elements(beats, port.elem.bits, port.per_beat)
    return type_.int_elem.decode(elements).reshape(len(beats), *type_.shape)
