"""Unrolled Reduce-and-Scale in C++ alone: values, signs and lanes, against NumPy.

Invariant: the layers are those of the RTL's bench. One program holds all of them and reads codes
and inputs as numbers.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from bitmason.backends.hls.types import elem_type
from bitmason.ir.codebook import Codebook, codebook_of
from bitmason.ir.types import Int, IntArray, UInt
from bitmason.toolchain import gxx, hls
from hw_tests.lib.tb_ras_unrolled import SHAPES, weights

HLS = Path(__file__).resolve().parents[2] / "bitmason" / "templates" / "hls"
BEATS = 40
MAIN = """
#include <cstdint>
#include <cstdio>
#include <stdexcept>

#include "lib/ras_unrolled.hpp"

std::int64_t next() {
  std::int64_t number = 0;
  if (std::fread(&number, sizeof number, 1, stdin) != 1) throw std::runtime_error("no input");
  return number;
}

template <class C, class IN, class OUT>
void play() {
  static bitmason::Stored<typename C::Code> codes[C::MH][C::MW];
  for (auto& row : codes) {
    for (auto& code : row) code = static_cast<int>(next());
  }
  hls::stream<IN> in("in");
  hls::stream<OUT> out("out");
  for (unsigned beat = 0; beat < C::BEATS; beat++) {
    IN x;
    for (auto& element : x.data) element = static_cast<int>(next());
    in.write(x);
  }
  bitmason::ras_unrolled<C>(in, out, codes);
  while (!out.empty()) {
    const OUT y = out.read();
    for (const auto& element : y.data) {
      const std::int64_t number = element;
      std::fwrite(&number, sizeof number, 1, stdout);
    }
  }
  if (!hls::sim::leftover().empty()) throw std::runtime_error(hls::sim::leftover());
}
"""


def _book(case: str) -> Codebook:
    book = codebook_of(weights(case))
    assert book is not None
    return book


def _declaration(case: str) -> str:
    shape = SHAPES[case]
    values = _book(case).values
    code = elem_type(UInt(max(1, len(values).bit_length())))
    sizes = f"MW = {shape.columns}, MH = {shape.rows}, LANES = {shape.lanes}, BEATS = {BEATS}"
    sequence = ", ".join(["long long", *map(str, values)])
    return (
        f"struct {case} {{\n  static constexpr unsigned {sizes};\n"
        f"  using Code = {code};\n"
        f"  using Values = std::integer_sequence<{sequence}>;\n}};\n"
    )


def _call(case: str) -> str:
    shape = SHAPES[case]
    sides = ((shape.x, shape.columns), (Int(shape.out_bits), shape.rows))
    beats = [f"bitmason::Beat<{elem_type(elem)}, {shape.lanes * n}>" for elem, n in sides]
    return f"  play<{case}, {', '.join(beats)}>();\n"


def _numbers(case: str) -> tuple[IntArray, IntArray]:
    """Return what a layer reads, and what it must give."""
    shape = SHAPES[case]
    rng = np.random.default_rng(1)
    x = rng.integers(shape.x.lo, shape.x.hi + 1, (BEATS, shape.lanes, shape.columns))
    read = np.concatenate([(_book(case).codes + 1).ravel(), x.ravel()])
    return read, (x @ weights(case).T).ravel()


@pytest.mark.parametrize("mode", [["-O1", hls.NATIVE], ["-O0"]], ids=["native", "ap_int"])
def test_unrolled_rows_reduce_and_scale(mode: list[str], tmp_path: Path) -> None:
    structs = "".join(map(_declaration, SHAPES))
    calls = "".join(map(_call, SHAPES))
    (tmp_path / "main.cpp").write_text(f"{MAIN}\n{structs}\nint main() {{\n{calls}}}\n")
    flags = ["-std=c++14", "-Wall", "-Wextra", "-Wno-unknown-pragmas", *mode, f"-I{HLS}"]
    headers = [f"-I{HLS / 'sim'}", "-isystem", str(hls.find().folder)]
    command = [str(gxx.find().path), *flags, *headers, "main.cpp", "-o", "run"]
    subprocess.run(command, cwd=tmp_path, check=True)
    numbers = [_numbers(case) for case in SHAPES]
    sent = np.concatenate([read for read, _ in numbers]).astype("<i8").tobytes()
    done = subprocess.run([tmp_path / "run"], input=sent, capture_output=True, check=True)
    found = np.frombuffer(done.stdout, "<i8")
    ends = np.cumsum([given.size for _, given in numbers])
    for case, ours, (_, theirs) in zip(SHAPES, np.split(found, ends[:-1]), numbers, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=case)
