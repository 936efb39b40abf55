"""The engines of custom floating point in C++: every function equals the golden model.

Invariant: engines of a fixed format and of a format of run time meet the same patterns; streams are
played in the host's integers and in `ap_int`.
"""

from __future__ import annotations

import itertools
import subprocess
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.rounding import Rounding
from bitmason.ir.types import IntArray
from bitmason.toolchain import hls
from hw_tests.floats.cpp import build, members, play_all, settings
from hw_tests.floats.patterns import Patterns, boundaries, drawn

HERE = Path(__file__).parent / "custom_float"
MODES = [(["-O0", hls.NATIVE], 1), (["-O0"], 2)]  # with ap_int every other case: it builds slowly
EXPANDED_E = 5  # bits of exponent up to which there is a fixed point
WIDTHS = [*itertools.product(range(2, 7), range(7)), (1, 2), (5, 8), (7, 3), (7, 0)]


def format_of(e_bits: int, m_bits: int) -> CustomFloat:
    """A format of these widths, with a bias and a largest magnitude that differ from the next's."""
    kind = (3 * e_bits + m_bits) % 4
    lowest, usual = 2**e_bits - 128, 2 ** (e_bits - 1) - 1
    bias = [usual, max(lowest, -9), 127, (lowest + 3 * usual) // 4][kind]
    full = e_bits == 1 or kind % 2 == 1
    form = CustomFloat(e_bits, m_bits, bias, full=full)
    return replace(form, largest=form.top - 1) if m_bits and kind == 2 else form


Played = tuple[CustomFloat, Rounding]
PLAYED: list[Played] = [
    (format_of(*widths), rounding) for widths in WIDTHS for rounding in (TRUNCATE, NEAREST)
]


def patterns_of(form: CustomFloat) -> Patterns:
    rng = np.random.default_rng(form.bits)
    return np.concatenate([boundaries(form), drawn(form, rng, 20_000)])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the engines of all formats say."""
    structs = [members(*one) for one in PLAYED]
    calls = [f"play<C{i}>()" for i in range(len(PLAYED))]
    text = {"formats.hpp": play_all(structs, calls)}
    folder = tmp_path_factory.mktemp("values")
    program = build(HERE / "values.cpp", folder, text, ["-O1", hls.NATIVE])
    sent = b"".join(_words(*one) for one in PLAYED)
    return subprocess.run([program], input=sent, capture_output=True, check=True).stdout


def _words(form: CustomFloat, rounding: Rounding) -> bytes:
    patterns = patterns_of(form)
    return np.array([*settings(form, rounding), len(patterns), *patterns], "<u4").tobytes()


class Reader:
    """Takes numbers from what a program said."""

    def __init__(self, said: bytes) -> None:
        self.said = said
        self.at = 0

    def take(self, count: int, kind: str = "<u4") -> IntArray:
        found = np.frombuffer(self.said, kind, count, self.at)
        self.at += found.nbytes
        return found.astype(np.int64)

    def list(self) -> IntArray:
        """Numbers behind their count."""
        (count,) = self.take(1, "<u8").tolist()
        return self.take(count, "<i8")

    def end(self) -> None:
        assert self.at == len(self.said)


def float32_of(form: CustomFloat, codes: IntArray) -> IntArray:
    return form.decode(codes).astype(np.float32).view(np.uint32).astype(np.int64)


def test_values_equal_the_golden_model(answers: bytes) -> None:
    reader = Reader(answers)
    for form, rounding in PLAYED:
        patterns, codes = patterns_of(form), np.arange(2**form.bits)
        wanted = form.encode_bits(patterns, rounding)
        named = f"{form} {rounding}"
        for engine in ("fixed", "run time"):
            found = reader.take(len(patterns))
            np.testing.assert_array_equal(found, wanted, err_msg=f"{named} {engine}")
        fine = replace(form, subnormals=True)
        decoded = np.stack([float32_of(one, codes) for one in (form, form, fine)], axis=1)
        found = reader.take(3 * len(codes)).reshape(-1, 3)
        np.testing.assert_array_equal(found, decoded, err_msg=named)
        for one in (form, fine) if form.e_bits <= EXPANDED_E else ():
            every = np.concatenate([form.ranks_of(codes), codes - len(codes) // 2])
            found = reader.take(len(every), "<i8")
            np.testing.assert_array_equal(found, one.fixed(every), err_msg=named)
    reader.end()


@dataclass(frozen=True)
class Shape:
    """A format, the slots of its codes at run time, and the beats and words of a frame."""

    form: CustomFloat
    rounding: Rounding
    lanes: int
    beats: int
    word: tuple[int, int]  # elements of a word, and their bits
    slot: int

    @property
    def text(self) -> str:
        elems, bits = self.word
        return members(self.form, self.rounding) + (
            f"  static constexpr unsigned LANES = {self.lanes}, BEATS = {self.beats};\n"
            f"  static constexpr unsigned WORD_ELEMS = {elems}, WORD_ELEM = {bits};\n"
            f"  static constexpr unsigned SLOT = {self.slot};\n"
        )

    @property
    def patterns(self) -> Patterns:
        rng = np.random.default_rng(self.lanes)
        return drawn(self.form, rng, self.lanes * self.beats)

    def packed(self, codes: IntArray, width: int) -> IntArray:
        """The elements of the words that hold codes of `width` bits."""
        elems, bits = self.word
        whole = sum(code << (i * width) for i, code in enumerate(codes.tolist()))
        words = -(-len(codes) * width // (elems * bits))
        return np.array([whole >> (i * bits) & (2**bits - 1) for i in range(words * elems)])


E4M3, E3M2 = CustomFloat(4, 3, 7), CustomFloat(3, 2, 15, full=True)
SHAPES = [
    Shape(E4M3, TRUNCATE, 1, 8, (1, 32), 12),
    Shape(E4M3, NEAREST, 4, 8, (4, 8), 9),
    Shape(E3M2, NEAREST, 5, 13, (1, 16), 7),
    Shape(E3M2, TRUNCATE, 1, 1, (8, 32), 6),
    Shape(E3M2, TRUNCATE, 7, 5, (1, 7), 11),
    Shape(CustomFloat(5, 6, 120), NEAREST, 2, 21, (3, 11), 12),
    Shape(CustomFloat(6, 0, 12), TRUNCATE, 3, 11, (1, 1), 31),
    Shape(CustomFloat(5, 23, 16), NEAREST, 1, 300, (2, 24), 31),
]


@dataclass(frozen=True)
class Expansion:
    """A format and the types of elements in and out."""

    form: CustomFloat
    elem: tuple[str, int]
    out: tuple[str, int]

    def call(self, index: int) -> str:
        names = [f"ap_{kind}<{bits}>" for kind, bits in (self.elem, self.out)]
        return f"expand<C{index}, {', '.join(names)}>()"

    @property
    def ranks(self) -> IntArray:
        """All that there are, of the element, whole beats of six."""
        kind, bits = self.elem
        lowest = 0 if kind == "uint" else -(2 ** (bits - 1))
        every = np.arange(lowest, lowest + 2**bits)
        ranks = every[np.abs(every) <= self.form.top]
        return np.resize(ranks, -(-len(ranks) // 6) * 6)

    def wrapped(self, numbers: IntArray) -> IntArray:
        """What elements out keep of numbers."""
        kind, bits = self.out
        low = numbers % 2**bits
        above = (low >> (bits - 1) != 0) & (kind == "int")
        return np.asarray(np.where(above, low - 2**bits, low))


FINE = CustomFloat(4, 3, 7, subnormals=True, largest=0x7E)
EXPANSIONS = [
    Expansion(E4M3, ("int", 8), ("int", 18)),
    Expansion(FINE, ("int", 8), ("int", 19)),
    Expansion(FINE, ("uint", 7), ("uint", 18)),
    Expansion(FINE, ("int", 5), ("int", 5)),
    Expansion(E4M3, ("uint", 6), ("int", 9)),
    Expansion(CustomFloat(5, 6, 15), ("int", 12), ("int", 40)),
    Expansion(CustomFloat(5, 6, 15), ("int", 12), ("int", 20)),
    Expansion(CustomFloat(2, 1, 1, subnormals=True, full=True), ("int", 4), ("int", 5)),
]


@pytest.mark.parametrize(("options", "every"), MODES, ids=["native", "ap_int"])
def test_streams_equal_the_golden_model(options: list[str], every: int, tmp_path: Path) -> None:
    shapes, expansions = SHAPES[::every], EXPANSIONS[::every]
    structs = [shape.text for shape in shapes] + [
        members(one.form, TRUNCATE)
        + f"  static constexpr unsigned PE = 3, LANES = 2, BEATS = {len(one.ranks) // 6};\n"
        for one in expansions
    ]
    calls = [f"play<C{i}>()" for i in range(len(shapes))]
    calls += [one.call(i) for i, one in enumerate(expansions, len(shapes))]
    text = {"shapes.hpp": play_all(structs, calls)}
    program = build(HERE / "streams.cpp", tmp_path, text, options)
    sent: list[int] = []
    for shape in shapes:
        sent += [*shape.patterns.tolist(), *settings(shape.form, shape.rounding)]
    for one in expansions:
        sent += (one.ranks % 2**32).tolist()
    done = subprocess.run(
        [program], input=np.array(sent, "<u4").tobytes(), capture_output=True, check=True
    )
    reader = Reader(done.stdout)
    for shape in shapes:
        check_shape(reader, shape)
    for one in expansions:
        wanted = one.wrapped(one.form.fixed(one.ranks))
        np.testing.assert_array_equal(reader.list(), wanted, err_msg=str(one))
    reader.end()


def check_shape(reader: Reader, shape: Shape) -> None:
    codes = shape.form.encode_bits(shape.patterns, shape.rounding)
    decoded = float32_of(shape.form, codes)
    for width in (shape.form.bits, shape.slot):
        for wanted in (shape.packed(codes, width), codes, decoded):
            np.testing.assert_array_equal(reader.list(), wanted, err_msg=f"{shape} {width}")


def test_the_formats_are_of_many_kinds() -> None:
    forms = [form for form, _ in PLAYED]
    assert {form.largest is None for form in forms} == {True, False}
    assert any(form.numbers.max() < Fraction(1, 2**60) for form in forms)
    assert any(form.numbers.max() > 2**9 for form in forms)
