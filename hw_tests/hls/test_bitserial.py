"""The bit-serial product in C++ alone: precisions, signs, engines and layouts, against NumPy.

Invariant: one program holds every unit and reads weights, knobs and inputs as numbers. What a unit
must give is a product of numbers with their lower planes cleared; nothing here pairs planes.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bitmason.backends.hls.types import elem_type
from bitmason.ir.types import Bipolar, Int, IntArray, IntType, UInt
from bitmason.toolchain import gxx, hls

HLS = Path(__file__).resolve().parents[2] / "bitmason" / "templates" / "hls"
VECTORS = 2  # of a lane and group in a frame
MAIN = """
#include <cstdint>
#include <cstdio>
#include <stdexcept>

#include "lib/mvu_bitserial.hpp"

std::int64_t next() {
  std::int64_t number = 0;
  if (std::fread(&number, sizeof number, 1, stdin) != 1) throw std::runtime_error("no input");
  return number;
}

template <class BEAT>
void fill(hls::stream<BEAT>& stream, unsigned beats) {
  for (unsigned beat = 0; beat < beats; beat++) {
    BEAT x;
    for (auto& element : x.data) element = static_cast<int>(next());
    stream.write(x);
  }
}

template <class C, class IN, class OUT, class WEIGHTS>
void run(hls::stream<IN>& in, hls::stream<OUT>& out, const WEIGHTS& weights, std::false_type) {
  bitmason::mvu_bitserial<C>(in, out, weights);
}

template <class C, class IN, class OUT, class WEIGHTS>
void run(hls::stream<IN>& in, hls::stream<OUT>& out, const WEIGHTS& weights, std::true_type) {
  hls::stream<bitmason::Beat<ap_uint<4>, 2>> knobs("knobs");
  fill(knobs, 1);
  bitmason::mvu_bitserial<C>(in, knobs, out, weights);
}

template <class C, class IN, class OUT, unsigned WORDS, bool KNOBS>
void play(unsigned frames) {
  static bitmason::Stored<bitmason::Bit> weights[WORDS][C::PE * C::SIMD];
  for (auto& word : weights) {
    for (auto& bit : word) bit = static_cast<int>(next());
  }
  for (unsigned frame = 0; frame < frames; frame++) {
    hls::stream<IN> in("in");
    hls::stream<OUT> out("out");
    fill(in, C::BEATS);
    run<C>(in, out, weights, std::integral_constant<bool, KNOBS>());
    while (!out.empty()) {
      const OUT y = out.read();
      for (const auto& element : y.data) {
        const std::int64_t number = element;
        std::fwrite(&number, sizeof number, 1, stdout);
      }
    }
  }
  if (!hls::sim::leftover().empty()) throw std::runtime_error(hls::sim::leftover());
}
"""


@dataclass(frozen=True)
class Unit:
    """A bit-serial product; with `knobs` its precision changes from frame to frame.

    `parts` beats make a word of its inputs. `depthwise` units have GROUPS*PE channels.
    """

    w: IntType
    x: IntType
    columns: int = 12
    rows: int = 4
    pe: int = 2
    simd: int = 6
    groups: int = 1
    lanes: int = 1
    parts: int = 1
    depthwise: bool = False
    knobs: bool = False

    @property
    def engine(self) -> str:
        if isinstance(self.x, Bipolar):
            return "Xnor"
        return "Select" if isinstance(self.w, Bipolar) else "And"

    @property
    def result(self) -> IntType:
        bits = self.w.bits + self.x.bits + self.columns.bit_length()
        return UInt(self.columns.bit_length()) if self.engine == "Xnor" else Int(bits)

    @property
    def word(self) -> int:
        """Inputs of a lane that meet a word of weights."""
        return self.simd * (self.pe if self.depthwise else 1)

    @property
    def frame(self) -> tuple[int, ...]:
        """The shape of the inputs of a frame."""
        channels = (self.pe,) if self.depthwise else ()
        return (VECTORS, self.groups, self.lanes, *channels, self.columns)

    def declaration(self, name: str) -> str:
        folds = self.columns // self.simd
        numbers = {
            "MW": self.columns,
            "MH": self.rows,
            "GROUPS": self.groups,
            "LANES": self.lanes,
            "PE": self.pe,
            "SIMD": self.simd,
            "BEATS": VECTORS * self.groups * folds * self.parts,
        }
        members = ", ".join(f"{key} = {value}" for key, value in numbers.items())
        return (
            f"struct {name} {{\n  static constexpr unsigned {members};\n"
            f"  static constexpr bool DEPTHWISE = {str(self.depthwise).lower()};\n"
            f"  using Product = bitmason::{self.engine};\n"
            f"  using Weight = {elem_type(self.w)};\n}};\n"
        )

    def call(self, name: str, frames: int) -> str:
        per_beat = self.lanes * self.word // self.parts
        words = self.groups * self.rows // self.pe * self.w.bits * self.columns // self.simd
        sides = ((self.x, per_beat), (self.result, self.lanes * self.pe))
        beats = ", ".join(f"bitmason::Beat<{elem_type(t)}, {count}>" for t, count in sides)
        return f"  play<{name}, {beats}, {words}, {str(self.knobs).lower()}>({frames});\n"

    def settings(self) -> list[tuple[int, int]]:
        """Return the planes that count in each frame: all pairs of them in a random order."""
        every = [*product(range(1, self.w.bits + 1), range(1, self.x.bits + 1))]
        return [every[i] for i in np.random.default_rng(5).permutation(len(every))]


def _draw(elem: IntType, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    return elem.decode(rng.integers(0, 2**elem.bits, shape))


def _top(values: IntArray, elem: IntType, planes: int) -> IntArray:
    """Return values whose planes below the top ones are cleared."""
    step = 1 << (elem.bits - planes)
    return values // step * step


def _words(unit: Unit, weights: IntArray) -> IntArray:
    """Return the words of a unit's memory for weights[group, row, column]."""
    shape = (unit.groups, unit.rows // unit.pe, unit.pe, -1, unit.simd)
    codes = unit.w.encode(weights).reshape(shape)
    planes = np.stack([codes >> plane & 1 for plane in reversed(range(unit.w.bits))], 2)
    words = planes.astype(np.int64).transpose(0, 1, 2, 4, 3, 5)
    return words.reshape(-1, unit.pe * unit.simd)


def _beats(unit: Unit, x: IntArray) -> IntArray:
    """Return the inputs of a frame in the order of their beats, lane by lane in each."""
    held = unit.x.encode(x) if isinstance(unit.x, Bipolar) else x
    folds = held.reshape(VECTORS, unit.groups, unit.lanes, -1, unit.columns // unit.simd, unit.simd)
    parts = folds.transpose(0, 1, 4, 2, 5, 3).reshape(
        VECTORS, unit.groups, -1, unit.lanes, unit.parts, unit.word // unit.parts
    )
    return parts.transpose(0, 1, 2, 4, 3, 5).ravel()


def _expected(unit: Unit, weights: IntArray, x: IntArray) -> IntArray:
    """Return the results of a frame in the order of their beats."""
    rows = "vglrk,grk->vgrl" if unit.depthwise else "vglk,grk->vgrl"
    found = np.einsum(rows, x, weights)
    if unit.engine == "Xnor":
        found = (found + unit.columns) // 2
    folded = found.reshape(VECTORS, unit.groups, -1, unit.pe, unit.lanes)
    return np.asarray(folded.transpose(0, 1, 2, 4, 3).ravel(), np.int64)


def _numbers(unit: Unit, frames: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return what a unit reads in some frames, and what it must give."""
    weights = _draw(unit.w, (unit.groups, unit.rows, unit.columns), rng)
    kept = unit.settings() if unit.knobs else [(unit.w.bits, unit.x.bits)]
    read, given = [_words(unit, weights).ravel()], []
    for frame in range(frames):
        x = _draw(unit.x, unit.frame, rng)
        wbits, abits = kept[frame % len(kept)]
        read += [_beats(unit, x), np.array([wbits, abits] if unit.knobs else [], np.int64)]
        given.append(_expected(unit, _top(weights, unit.w, wbits), _top(x, unit.x, abits)))
    return np.concatenate(read), np.concatenate(given)


def _check(units: list[Unit], frames: list[int], folder: Path, options: list[str]) -> None:
    structs = "".join(unit.declaration(f"unit{i}") for i, unit in enumerate(units))
    calls = "".join(
        unit.call(f"unit{i}", count)
        for i, (unit, count) in enumerate(zip(units, frames, strict=True))
    )
    (folder / "main.cpp").write_text(f"{MAIN}\n{structs}\nint main() {{\n{calls}}}\n")
    flags = ["-std=c++14", "-Wall", "-Wextra", "-Wno-unknown-pragmas", *options, f"-I{HLS}"]
    headers = [f"-I{HLS / 'sim'}", "-isystem", str(hls.find().folder)]
    command = [str(gxx.find().path), *flags, *headers, "main.cpp", "-o", "run"]
    subprocess.run(command, cwd=folder, check=True)
    rng = np.random.default_rng(len(units))
    numbers = [_numbers(unit, count, rng) for unit, count in zip(units, frames, strict=True)]
    sent = np.concatenate([read for read, _ in numbers]).astype("<i8").tobytes()
    done = subprocess.run([folder / "run"], input=sent, capture_output=True, check=True)
    found = np.frombuffer(done.stdout, "<i8")
    ends = np.cumsum([given.size for _, given in numbers])
    for unit, ours, (_, theirs) in zip(units, np.split(found, ends[:-1]), numbers, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=str(unit))


SIGNS: list[tuple[type[Int | UInt], type[Int | UInt]]] = [*product((UInt, Int), (UInt, Int))]
LAYOUTS = [
    Unit(Int(3), UInt(2), groups=3, parts=2),
    Unit(Int(2), Int(3), lanes=2, parts=3),
    Unit(UInt(2), Int(2), groups=2, lanes=3, pe=4, simd=12, parts=4, knobs=True),
    Unit(Bipolar(), UInt(3), groups=2, lanes=2, pe=1, simd=4, parts=4),
    Unit(Bipolar(), Int(3), lanes=2, simd=1, knobs=True),
    Unit(Bipolar(), Bipolar(), groups=2, lanes=2, parts=3),
    Unit(Bipolar(), Bipolar(), columns=254, simd=254, knobs=True),
    Unit(Int(3), UInt(3), columns=9, rows=2, simd=3, groups=4, depthwise=True, knobs=True),
    Unit(Int(4), Int(2), columns=9, rows=3, pe=3, simd=9, groups=2, lanes=2, depthwise=True),
    Unit(Bipolar(), Int(3), columns=4, simd=2, rows=2, groups=3, lanes=2, depthwise=True),
    Unit(Bipolar(), UInt(2), columns=4, simd=2, rows=2, parts=2, depthwise=True, knobs=True),
    Unit(Int(8), UInt(8), columns=300, simd=150, knobs=True),
]


def test_every_precision_of_every_sign(tmp_path: Path) -> None:
    widths = range(1, 9)
    units = [Unit(w(i), x(j)) for i, j in product(widths, widths) for w, x in SIGNS]
    _check(units, [2] * len(units), tmp_path, ["-O0", hls.NATIVE])


def test_precision_that_changes_from_frame_to_frame(tmp_path: Path) -> None:
    units = [Unit(w(8), x(8), knobs=True) for w, x in SIGNS]
    units += [Unit(Bipolar(), x(8), knobs=True) for x in (UInt, Int)]
    _check(units, [64] * len(units), tmp_path, ["-O1", hls.NATIVE])


@pytest.mark.parametrize("mode", [["-O1", hls.NATIVE], ["-O0"]], ids=["native", "ap_int"])
def test_layouts(tmp_path: Path, mode: list[str]) -> None:
    _check(LAYOUTS, [9] * len(LAYOUTS), tmp_path, mode)
