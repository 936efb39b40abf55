"""Bit-serial units to be tested: their widths and foldings, weights, and what they promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from hw_tests.bench import golden
from hw_tests.bench.claims import Junction, Streams
from hw_tests.bench.packing import IntArray, beats, integers, mem_text, pack
from hw_tests.bench.serial import Loops, Setting
from hw_tests.bench.wrapper import Cases


@dataclass(frozen=True)
class Shape:
    """A bit-serial unit; `take` 0 is a whole word, `vectors` 0 a precision fixed at build time."""

    product: str
    mw: int
    mh: int
    simd: int
    pe: int
    stages: int = 0
    take: int = 0
    in_bits: int = 1
    in_signed: bool = False
    w_bits: int = 1
    w_signed: bool = False
    modulo: int = 0
    groups: int = 1
    lanes: int = 1
    depthwise: bool = False
    vectors: int = 0

    @property
    def acc_bits(self) -> int:
        """Enough for every sum of this shape, unless it is to wrap round."""
        if self.modulo:
            return self.modulo
        if self.product == "xnor":
            return self.mw.bit_length()
        return self.in_bits + self.w_bits + (self.mw - 1).bit_length() + 1

    @property
    def word(self) -> int:
        """Elements of a word."""
        return self.simd * self.pe if self.depthwise else self.simd

    @property
    def full(self) -> Setting:
        """The greatest precisions."""
        return self.w_bits, self.in_bits

    @property
    def knob_bits(self) -> int:
        return max(self.full).bit_length()

    @property
    def loops(self) -> Loops:
        folds = self.mw // self.simd
        return Loops(
            beats=self.word // (self.take or self.word),
            words=folds,
            rows=self.mh // self.pe,
            vectors=max(1, self.vectors) * self.groups,
            depth=self.stages + (folds > 1) + 2,
            full=self.full,
            knob_bits=self.knob_bits if self.vectors else 0,
        )


# Behind the folding: stages, take, bits and sign of the elements, bits and sign of the weights.
SHAPES = {
    "and_signed": Shape("and", 12, 6, 4, 2, 0, 0, 3, True, 3, True),
    "and_unsigned": Shape("and", 7, 5, 7, 1, 2, 1, 2, False, 2, False),
    "and_mixed": Shape("and", 9, 4, 3, 4, 1, 1, 4, False, 5, True),
    "and_mixed2": Shape("and", 10, 3, 5, 1, 7, 0, 2, True, 3, False, groups=2),
    "and_one": Shape("and", 1, 1, 1, 1, 0, 0, 1, True, 1, True),
    "and_long": Shape("and", 4, 3, 4, 3, 0, 4, 7, True, 1, True),
    "and_modulo": Shape("and", 12, 2, 6, 1, 2, 3, 4, False, 4, True, modulo=2, lanes=2),
    "select": Shape("select", 12, 6, 4, 3, 0, 2, 4, False),
    "select_whole": Shape("select", 6, 2, 6, 2, 1, 3, 2, True, modulo=4, lanes=3),
    "select_groups": Shape("select", 6, 3, 2, 1, 1, 0, 3, True, groups=2),
    "xnor": Shape("xnor", 32, 8, 8, 4, 1, 2),
    "xnor_lanes": Shape("xnor", 33, 4, 33, 2, 2, 11, groups=3, lanes=2),
    "tap": Shape("and", 9, 2, 1, 2, 1, 1, 4, False, 3, True, groups=3, depthwise=True),
    "taps": Shape("and", 6, 3, 3, 3, 0, 3, 3, True, 3, True, groups=2, depthwise=True),
    "taps_select": Shape("select", 6, 2, 6, 2, 1, 4, 3, True, lanes=2, depthwise=True),
    "taps_xnor": Shape("xnor", 6, 2, 3, 2, 0, 2, groups=2, depthwise=True),
    "knobs_signed": Shape("and", 6, 8, 3, 1, 1, 0, 8, True, 8, True, vectors=1),
    "knobs_unsigned": Shape("and", 5, 8, 5, 1, 0, 0, 8, False, 8, False, vectors=1),
    "knobs_mixed": Shape("and", 5, 16, 5, 2, 2, 0, 8, False, 8, True, vectors=1),
    "knobs_mixed2": Shape("and", 4, 8, 4, 1, 0, 0, 8, True, 8, False, vectors=1),
    "knobs_select": Shape("select", 10, 16, 5, 2, 1, 0, 8, True, vectors=1),
    "knobs_slow": Shape("and", 8, 2, 2, 2, 2, 1, 3, False, 4, True, vectors=1),
    "knobs_groups": Shape("and", 6, 4, 2, 2, 3, 1, 3, True, 5, True, vectors=2, groups=2),
    "knobs_taps": Shape("and", 9, 2, 3, 2, 1, 2, 4, False, 3, True, 5, 2, 2, True, 3),
}
# Their rows hide all loading, whatever the precision of the next frame.
STEADY = ("knobs_signed", "knobs_unsigned", "knobs_mixed", "knobs_mixed2", "knobs_select")

# Every precision at build time, with all kinds of numbers in turn.
GRID = {
    f"w{w}a{a}": Shape("and", 6, 2, 3, 1, (w + a) % 3, 0, a, w % 2 == 0, w, (w // 2 + a) % 2 == 0)
    for w, a in product(range(1, 9), repeat=2)
} | {f"bipolar_a{a}": Shape("select", 6, 2, 3, 1, a % 2, 0, a, a % 4 < 2) for a in range(1, 9)}


def cases(shapes: Mapping[str, Shape]) -> Cases:
    """The parameters of the cell for each of them."""
    return {
        case: {
            "PRODUCT": shape.product,
            "MW": shape.mw,
            "MH": shape.mh,
            "GROUPS": shape.groups,
            "LANES": shape.lanes,
            "PE": shape.pe,
            "SIMD": shape.simd,
            "TAKE": shape.take or shape.word,
            "DEPTHWISE": shape.depthwise,
            "IN_W": shape.in_bits,
            "IN_SIGNED": shape.in_signed,
            "W_W": shape.w_bits,
            "W_SIGNED": shape.w_signed,
            "ACC_W": shape.acc_bits,
            "RUN_TIME": shape.vectors > 0,
            "KNOB_W": shape.knob_bits,
            "VECTORS": max(1, shape.vectors),
            "INIT_FILE": f"tables/{case}.mem",
            "STAGES": shape.stages,
        }
        for case, shape in shapes.items()
    }


def files(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """The weight memory of each of them."""
    return {
        f"tables/{case}.mem": mem_text(_words(shape), shape.pe * shape.simd)
        for case, shape in shapes.items()
    }


def weights(shape: Shape) -> IntArray:
    """Groups by neurons by elements."""
    size = (shape.groups, shape.mh, shape.mw)
    return integers(np.random.default_rng(9), size, shape.w_bits, signed=shape.w_signed)


def _words(shape: Shape) -> Iterator[int]:
    tiles = weights(shape).reshape(-1, shape.pe, shape.mw // shape.simd, shape.simd)
    for tile in tiles:
        for plane in reversed(range(shape.w_bits)):
            for sf in range(tile.shape[1]):
                yield pack((tile[:, sf] >> plane & 1).ravel().tolist(), 1)


def contract(shape: Shape, fixed: Setting | None = None) -> Junction:
    """Frames of that setting, else of the full one or, at run time, of any."""
    loops = shape.loops
    wbits, abits = fixed or shape.full

    def frame(rng: np.random.Generator) -> tuple[Streams, Streams]:
        if fixed or not shape.vectors:
            return frame_of(shape, (wbits, abits), rng)
        setting = int(rng.integers(1, wbits + 1)), int(rng.integers(1, abits + 1))
        return frame_of(shape, setting, rng)

    busy = max(wbits * abits * loops.rows, abits * loops.beats) * loops.words
    return Junction(
        frame,
        cycles=loops.vectors * busy,
        latency=abits + (wbits * abits - 1) * loops.words + loops.depth + 2,
        needs=loops.beats * loops.words,
        inputs=("s_axis", "s_knobs") if shape.vectors else ("s_axis",),
    )


def frame_of(shape: Shape, setting: Setting, rng: np.random.Generator) -> tuple[Streams, Streams]:
    """A frame: the beats that go in, and those that must come out."""
    sent: list[int] = []
    wanted: list[int] = []
    size = (shape.mh, shape.mw) if shape.depthwise else (shape.mw,)
    for vector in range(shape.loops.vectors):
        xs = [
            integers(rng, size, shape.in_bits, signed=shape.in_signed) for _ in range(shape.lanes)
        ]
        sums = [_multiply(shape, vector % shape.groups, x, setting) for x in xs]
        # Of each tap all channels.
        flat = [np.moveaxis(x, 0, -1).ravel() for x in xs]
        sent += _side_by_side(flat, shape.take or shape.word, shape.in_bits)
        wanted += _side_by_side(sums, shape.pe, shape.acc_bits)
    knobs = [[pack(setting, shape.knob_bits)]] if shape.vectors else []
    return [sent, *knobs], [wanted]


def _multiply(shape: Shape, group: int, x: IntArray, setting: Setting) -> IntArray:
    """What the unit promises for a vector of that group; of taps, for channels by taps."""
    matrix = _kept(weights(shape)[group], shape.w_bits, setting[0])
    x = _kept(x, shape.in_bits, setting[1])
    if shape.product == "select":
        matrix = golden.bipolar(matrix)
    if shape.depthwise:
        terms = matrix == x if shape.product == "xnor" else matrix * x
        return np.asarray(np.sum(terms, axis=1, dtype=np.int64))
    return golden.agreements(x, matrix) if shape.product == "xnor" else golden.matvec(x, matrix)


def _kept(values: IntArray, bits: int, planes: int) -> IntArray:
    """Numbers of which only so many of the most significant bits count."""
    step = 1 << bits - planes
    return np.asarray(np.floor_divide(values, step) * step)


def _side_by_side(rows: list[IntArray], elements: int, bits: int) -> list[int]:
    """Beats of one vector per lane, that many elements of each."""
    lanes = np.stack(rows).reshape(len(rows), -1, elements)
    return beats(lanes.swapaxes(0, 1), len(rows) * elements, bits)
