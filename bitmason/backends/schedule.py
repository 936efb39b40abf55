"""When the beats of a design move: its layers as cells of the timing model, and what they show.

Invariant: one function here for every kind of layer; what the hardware does cycle by cycle stands
in `timing.kernel` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from bitmason.backends.design import Design, FifoView, Layer, Stream
from bitmason.backends.layers.activation import CompressorView, ThresholdsView
from bitmason.backends.layers.arg_max import ArgMaxView
from bitmason.backends.layers.arrange import ConcatView, GlobalPoolView, ImageView, ReorderView
from bitmason.backends.layers.bitserial import BitSerialView
from bitmason.backends.layers.depthwise import TapsView
from bitmason.backends.layers.float_link import FloatLinkView
from bitmason.backends.layers.join import JoinView
from bitmason.backends.layers.knobs import KnobsView
from bitmason.backends.layers.matvec import MatVecView
from bitmason.backends.layers.ras import coded
from bitmason.backends.layers.ras.folded import RasView
from bitmason.backends.layers.ras.unrolled import UnrolledView
from bitmason.backends.layers.width_converter import WidthConverterView
from bitmason.backends.layers.windows import WindowView
from bitmason.backends.layers.words import WordsView
from bitmason.backends.timing import kernel, patterns
from bitmason.backends.timing.window import window_parameters
from bitmason.ir.graph import Graph
from bitmason.ir.types import IntArray

_SMALLEST_BLOCK_FIFO = 4  # bm_fifo builds smaller ones without block RAM


@dataclass(frozen=True)
class Cell:
    """One cell of a layer: its kind, its parameters, and its pattern where it has one."""

    kind: int
    parameters: tuple[int, ...] = ()
    codes: patterns.Codes | None = None


@dataclass(frozen=True)
class Schedule:
    """What a run of the timing model showed.

    `ends` holds the cycle in which each frame ended, per output; `first` the cycle in which the
    first beat was taken; `peaks` the most beats that each FIFO ever held. `complete` is False when
    the design came to a halt.
    """

    ends: IntArray
    first: int
    peaks: Mapping[str, int]
    complete: bool

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first beat of a frame taken to the last beat of its last answer taken.

        That of the first frame after reset; one answered in the cycle after it was taken has 1.
        """
        return int(self.ends[:, 0].max()) - self.first

    @property
    def ii_cycles(self) -> int:
        """The most cycles between two frames of the later half."""
        gaps = np.diff(self.ends, axis=1)
        return int(gaps[:, gaps.shape[1] // 2 :].max())


def cells_of(layer: Layer, graph: Graph) -> list[Cell]:  # noqa: PLR0911, PLR0912  one for each kind
    """Return the cells of a layer, from its input to its output."""
    match layer.view:
        case MatVecView() as view:
            folds, passes = view.column_folds, view.row_folds
            buffer = Cell(kernel.SKID) if passes == 1 else Cell(kernel.REPLAY, (folds, passes))
            return [buffer, _pipe(view.stages + 1 + (view.dot == "select"), folds)]
        case BitSerialView() as view:
            return _bitserial(view)
        case RasView() as view:
            codes = np.frombuffer(view.emits, np.uint8)
            start = view.code.start if view.code else 0
            return [Cell(kernel.RAS, (view.beats, view.steps, view.depth, start), codes)]
        case coded.CodedView() as view:
            codes = np.frombuffer(view.steps, np.uint8)
            timing = (view.columns, len(codes), coded.DEPTH, coded.START)
            return [Cell(kernel.RAS, timing, codes)]
        case UnrolledView() as view:
            return [_pipe(view.stages)]
        case KnobsView(beats):
            return [Cell(kernel.KNOBS, (beats,))]
        case TapsView() as view:
            return [_pipe(view.stages + 1, view.folds)]
        case ThresholdsView() as view:
            return [_pipe(view.depth + 1 if layer.engine == "search" else 2)]
        case FloatLinkView(knobs=True) as view:
            return [Cell(kernel.PIPE, (3, 1, view.beats))]
        case CompressorView():
            return [_pipe(4)]
        case ArgMaxView() as view:
            return [_pipe(2, view.channels // view.pe)]
        case JoinView() as view:
            return [_pipe(view.stages + 1)]
        case WidthConverterView() as view:
            return [_width_converter(view.per_beat_in, view.per_beat_out)]
        case WordsView() as view:
            return [_words(view)]
        case WindowView() as view:
            return [_window(view)]
        case FifoView(depth, style):
            return [Cell(kernel.FIFO, (depth, style == "block" and depth >= _SMALLEST_BLOCK_FIFO))]
        case ReorderView(length):
            return [Cell(kernel.REORDER, (length,))]
        case ImageView() | ConcatView() | GlobalPoolView():
            return [Cell(kernel.PATTERN, (), patterns.pattern_of(layer, graph))]
        case None:
            return [Cell(kernel.FORK if layer.op == "fork" else kernel.SKID)]
    return [_pipe(1)]


def _pipe(depth: int, group: int = 1) -> Cell:
    return Cell(kernel.PIPE, (depth, group))


def _bitserial(view: BitSerialView) -> list[Cell]:
    weights, inputs = view.planes
    folds = view.column_folds
    beats = view.vectors * folds * view.gathered
    planes = Cell(kernel.PLANES, (inputs, view.gathered, folds, view.passes, beats))
    return [planes, _pipe(view.stages + (folds > 1) + 2, weights * inputs * folds)]


def _width_converter(taken: int, given: int) -> Cell:
    if given % taken == 0:
        return Cell(kernel.WIDEN, (given // taken,))
    if taken % given == 0:
        return Cell(kernel.NARROW, (taken // given,))
    unit = gcd(taken, given)
    return Cell(kernel.GEARBOX, (taken // unit, given // unit, given // unit, 0, 0, 0, 0))


def _words(view: WordsView) -> Cell:
    beat, word, frame = view.beat_units, view.word_units, (view.beats, view.fill_units)
    if view.packs:
        return Cell(kernel.GEARBOX, (beat, word, word + 1, *frame, 0, 0))
    return Cell(kernel.GEARBOX, (word, beat, beat, 0, 0, *frame))


def _window(view: WindowView) -> Cell:
    if view.parallel:
        return Cell(kernel.PATTERN, (), patterns.parallel_windows(view))
    return Cell(kernel.WINDOW, tuple(window_parameters(view.geometry, view.depth)))


class Model:
    """A design as the arrays that the kernel steps."""

    def __init__(self, design: Design) -> None:
        """Lay out the cells of every layer and the streams between them."""
        self._kinds: list[int] = []
        self._parameters: list[tuple[int, ...]] = []
        self._codes: list[patterns.Codes] = []
        self._beats = [stream.port.beats for stream in design.streams]
        self._wires: list[tuple[list[int], list[int]]] = []
        self._fifos: dict[str, int] = {}
        inputs = _by_layer(design.streams, "consumer")
        outputs = _by_layer(design.streams, "producer")
        for layer in design.layers:
            self._add(layer, design.graph, inputs[layer.name], outputs[layer.name])
        self._entry = next(iter(outputs[""]))
        self._exits = np.array(inputs[""], np.int64)

    def _add(self, layer: Layer, graph: Graph, taken: list[int], given: list[int]) -> None:
        cells = cells_of(layer, graph)
        for index, cell in enumerate(cells):
            last = index == len(cells) - 1
            if not last:
                self._beats.append(0)  # inside a layer: nobody asks
            below = given if last else [len(self._beats) - 1]
            parameters = cell.parameters
            if cell.codes is not None:
                parameters = (sum(map(len, self._codes)), len(cell.codes), *parameters)
                self._codes.append(cell.codes)
            if cell.kind == kernel.FIFO:
                self._fifos[layer.name] = len(self._kinds)
            self._kinds.append(cell.kind)
            self._parameters.append(parameters)
            self._wires.append((taken, below))
            taken = below

    def run(self, frames: int, pace: int = 0) -> Schedule:
        """Run the design from reset for `frames` frames.

        Args:
            frames: how many.
            pace: cycles per frame in which the source offers beats evenly; 0: as fast as it can.
        """
        parameters = np.zeros((len(self._kinds), kernel.PARAMETERS), np.int64)
        for row, values in zip(parameters, self._parameters, strict=True):
            row[: len(values)] = values
        ends, first, state, complete = kernel.run(
            np.array(self._kinds, np.int64),
            parameters,
            np.concatenate([*self._codes, np.zeros(1, np.uint8)]),
            *_flat([taken for taken, _ in self._wires]),
            *_flat([given for _, given in self._wires]),
            np.array(self._beats, np.int64),
            self._entry,
            self._exits,
            frames,
            pace,
        )
        peaks = {name: int(state[cell, kernel.PEAK]) for name, cell in self._fifos.items()}
        return Schedule(ends, int(first), peaks, bool(complete))


def _by_layer(streams: Sequence[Stream], end: str) -> dict[str, list[int]]:
    """Return the streams at each layer's inputs or outputs, in the order of its ports."""
    found: dict[str, list[tuple[int, int]]] = {}
    for index, stream in enumerate(streams):
        name, port = getattr(stream, end)
        found.setdefault(name, []).append((port, index))
    return {name: [index for _, index in sorted(ports)] for name, ports in found.items()}


def _flat(lists: Sequence[Sequence[int]]) -> tuple[IntArray, IntArray]:
    starts = np.cumsum([0, *map(len, lists)])
    return starts.astype(np.int64), np.array([e for each in lists for e in each], np.int64)
