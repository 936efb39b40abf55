"""Reduce-and-Scale in C++ alone: values, signs, foldings and layouts, against NumPy.

Invariant: one program holds every unit and reads lists and inputs as numbers. What a unit must give
is a product of matrices; nothing here walks through lists.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bitmason.backends.hls.types import elem_type
from bitmason.backends.layers.ras.lists import (
    Lists,
    class_bits,
    encode_lists,
    encode_picks,
    schedule,
    signed_bits,
)
from bitmason.ir.types import Int, IntArray, IntType, UInt
from bitmason.toolchain import gxx, hls

HLS = Path(__file__).resolve().parents[2] / "bitmason" / "templates" / "hls"
VECTORS = 3  # of a lane and group in a frame
FRAMES = 4
MAIN = """
#include <cstdint>
#include <cstdio>
#include <stdexcept>

#include "lib/ras.hpp"

std::int64_t next() {
  std::int64_t number = 0;
  if (std::fread(&number, sizeof number, 1, stdin) != 1) throw std::runtime_error("no input");
  return number;
}

template <class TABLE>
void fill(TABLE& table) {
  for (auto& word : table) {
    for (auto& element : word) element = next();
  }
}

template <class C, class IN, class OUT>
void play(unsigned frames) {
  constexpr unsigned WORDS = C::GROUPS * C::STEPS;
  static bitmason::Stored<typename C::Entry> lists[WORDS][C::PE * C::SIMD];
  static bitmason::Stored<typename C::Pick> picks[WORDS][C::SCALERS];
  fill(lists);
  fill(picks);
  for (unsigned frame = 0; frame < frames; frame++) {
    hls::stream<IN> in("in");
    hls::stream<OUT> out("out");
    for (unsigned beat = 0; beat < C::BEATS; beat++) {
      IN x;
      for (auto& element : x.data) element = next();
      in.write(x);
    }
    bitmason::ras<C>(in, out, lists, picks);
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
    """A unit for random weights of these values, of which the part `zeros` is zero."""

    values: tuple[int, ...]
    x: IntType
    zeros: float = 0.6
    columns: int = 24
    rows: int = 6
    pe: int = 2
    simd: int = 1
    take: int = 1
    scalers: int = 1
    groups: int = 1
    lanes: int = 1

    @property
    def codes(self) -> IntArray:
        rng = np.random.default_rng(3)
        size = (self.groups, self.rows, self.columns)
        codes = rng.integers(0, len(self.values), size)
        return np.where(rng.random(size) < self.zeros, -1, codes)

    @property
    def lists(self) -> Lists:
        return schedule(self.codes, self.pe, self.simd, self.scalers)

    @property
    def beats(self) -> int:
        return VECTORS * self.groups * self.columns // self.take

    @property
    def result(self) -> IntType:
        return Int(signed_bits(self.values) + self.x.bits + self.columns.bit_length())

    def declaration(self, name: str) -> str:
        lists, value_bits = self.lists, signed_bits(self.values)
        numbers = {
            "MW": self.columns,
            "GROUPS": self.groups,
            "LANES": self.lanes,
            "PE": self.pe,
            "SIMD": self.simd,
            "STEPS": lists.steps,
            "SCALERS": self.scalers,
            "PLACES": lists.places,
            "BEATS": self.beats,
        }
        sum_bits = class_bits(lists.longest, self.x)
        types: dict[str, IntType] = {
            "Entry": UInt(lists.entry_bits),
            "Pick": UInt(lists.pick_bits(value_bits)),
            "Value": Int(value_bits),
            "Sum": Int(sum_bits) if self.x.signed else UInt(sum_bits),
        }
        members = ", ".join(f"{key} = {value}" for key, value in numbers.items())
        using = "".join(f"  using {key} = {elem_type(elem)};\n" for key, elem in types.items())
        return f"struct {name} {{\n  static constexpr unsigned {members};\n{using}}};\n"

    def call(self, name: str) -> str:
        sides = ((self.x, self.lanes * self.take), (self.result, self.lanes))
        ends = ", ".join(f"bitmason::Beat<{elem_type(elem)}, {n}>" for elem, n in sides)
        return f"  play<{name}, {ends}>({FRAMES});\n"

    def numbers(self, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Return what the unit reads, and what it must give."""
        weights = np.array([*self.values, 0])[self.codes]
        picks = encode_picks(self.lists, self.values, signed_bits(self.values))
        shape = (FRAMES * VECTORS, self.groups, self.lanes, self.columns)
        x = self.x.decode(rng.integers(0, 2**self.x.bits, shape))
        beats = x.reshape(*shape[:3], -1, self.take).swapaxes(2, 3)
        read = (encode_lists(self.lists), picks, beats)
        given = np.einsum("vglc,grc->vgrl", x, weights)
        return np.concatenate([part.ravel() for part in read]), given.ravel()


UNITS = [
    Unit((1,), UInt(1), columns=1, rows=1, pe=1),
    Unit((-23, 19), UInt(8), 0.63, columns=96, pe=3),
    Unit((-23, 19), Int(8), groups=2, simd=2, take=2),
    Unit((-1, 1), Int(4), lanes=3, simd=4, take=2, scalers=2),
    Unit((-4, 2, 3), UInt(3), pe=4, scalers=4, groups=3),
    Unit((-8, -1, 1, 8), Int(2), simd=8, take=4, pe=1, scalers=4, lanes=2, groups=2),
    Unit((-4, -2, 2, 4, 8), UInt(5), 0.3, simd=3, take=3),
    Unit((-9, -3, -1, 1, 3, 9), Int(6), 0.2, pe=5),
    Unit((-64, -32, -16, 1, 16, 32, 63), UInt(8), 0.1, simd=6, take=2),
    Unit((-5, 7), UInt(8), 0.97, columns=60, rows=12),
    Unit((-5, 7), Int(8), 1.0),
    Unit((-127, 127), UInt(16), 0.5, columns=300, pe=4),
]


@pytest.mark.parametrize("mode", [["-O1", hls.NATIVE], ["-O0"]], ids=["native", "ap_int"])
def test_every_unit(tmp_path: Path, mode: list[str]) -> None:
    structs = "".join(unit.declaration(f"unit{i}") for i, unit in enumerate(UNITS))
    calls = "".join(unit.call(f"unit{i}") for i, unit in enumerate(UNITS))
    (tmp_path / "main.cpp").write_text(f"{MAIN}\n{structs}\nint main() {{\n{calls}}}\n")
    flags = ["-std=c++14", "-Wall", "-Wextra", "-Wno-unknown-pragmas", *mode, f"-I{HLS}"]
    headers = [f"-I{HLS / 'sim'}", "-isystem", str(hls.find().folder)]
    command = [str(gxx.find().path), *flags, *headers, "main.cpp", "-o", "run"]
    subprocess.run(command, cwd=tmp_path, check=True)
    rng = np.random.default_rng(1)
    numbers = [unit.numbers(rng) for unit in UNITS]
    sent = np.concatenate([read for read, _ in numbers]).astype("<i8").tobytes()
    done = subprocess.run([tmp_path / "run"], input=sent, capture_output=True, check=True)
    found = np.frombuffer(done.stdout, "<i8")
    ends = np.cumsum([given.size for _, given in numbers])
    for unit, ours, (_, given) in zip(UNITS, np.split(found, ends[:-1]), numbers, strict=True):
        np.testing.assert_array_equal(ours, given, err_msg=str(unit))
