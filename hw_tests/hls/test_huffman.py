"""The reader of coded weights in C++ alone: exact, and never wrong without saying so.

Invariant: one program holds a reader of each matrix and plays many streams through it; for each it
says whether it was right, how many words were left, and what came out.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from bitmason.toolchain import gxx, hls
from hw_tests.lib.coded_streams import Matrix, entry_beats, matrix, meant

HLS = Path(__file__).resolve().parents[2] / "bitmason" / "templates" / "hls"
MATRICES = [
    matrix((6, 40), 2, 0.63),
    matrix((3, 100), 4, 0.9),
    matrix((12, 9), 2, 0.9),
    matrix((9, 3), 3, 0.97, seed=1),
    matrix((5, 30), 1, 0.5),
    matrix((9, 4), 0, 1),
    matrix((4, 4), 7, 0.05),
    matrix((1, 1), 1, 0.5),
    matrix((30, 1), 2, 0.7),
    matrix((2, 700), 8, 0.99),
]
POWERS = {0, 1, 2, 4, 8}  # numbers of values of which no code has none
MODES = [["-O1", hls.NATIVE], ["-O0"]]
MAIN = """
#include <cstdint>
#include <cstdio>
#include <stdexcept>

#include "lib/huffman.hpp"

std::uint32_t next() {
  std::uint32_t number = 0;
  if (std::fread(&number, sizeof number, 1, stdin) != 1) throw std::runtime_error("no input");
  return number;
}

void say(std::uint32_t number) { std::fwrite(&number, sizeof number, 1, stdout); }

template <class C>
void play() {
  using Beat = bitmason::WeightBeat<C>;
  for (std::uint32_t streams = next(); streams != 0; streams--) {
    hls::stream<bitmason::CodedWord> in("in");
    hls::stream<Beat> out("out");
    const std::uint32_t words = next();
    for (std::uint32_t i = 1; i <= words; i++) {
      in.write({static_cast<std::int32_t>(next()), i == words});
    }
    in.write({0, true});  // that of a stream behind it
    say(bitmason::read_weights<C>(in, out));
    say(static_cast<std::uint32_t>(in.size()));
    in.read();
    while (!in.empty()) in.read();
    say(static_cast<std::uint32_t>(out.size()));
    while (!out.empty()) {
      const Beat y = out.read();
      const unsigned column = bitmason::code<ap_uint<Beat::COLUMN_W>>(y.column);
      const unsigned code = bitmason::code<ap_uint<Beat::CODE_W>>(y.code);
      say(((y.row_ends << 1 | y.is_entry) << Beat::COLUMN_W | column) << Beat::CODE_W | code);
    }
  }
}
"""

Answer = tuple[bool, int, list[int]]  # right, words left, beats


def declaration(one: Matrix, name: str) -> str:
    lengths = one.table.lengths
    return (
        f"struct {name} {{\n"
        f"  static constexpr unsigned ROWS = {one.head.rows}, COLUMNS = {one.head.columns};\n"
        f"  static constexpr unsigned CODE_BITS = {one.head.code_bits};\n"
        f"  static constexpr unsigned SYMBOLS = {len(lengths)};\n"
        f"  static constexpr std::uint32_t SEED = {one.head.seed}U;\n"
        "  static constexpr unsigned length(unsigned symbol) {\n"
        f"    constexpr unsigned lengths[] = {{{', '.join(map(str, lengths))}}};\n"
        "    return lengths[symbol];\n  }\n};\n"
    )


@pytest.fixture(scope="module", params=MODES, ids=["native", "ap_int"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("huffman")
    structs = "".join(declaration(one, f"C{i}") for i, one in enumerate(MATRICES))
    calls = "".join(f"  play<C{i}>();\n" for i in range(len(MATRICES)))
    (folder / "main.cpp").write_text(f"{MAIN}\n{structs}\nint main() {{\n{calls}}}\n")
    flags = ["-std=c++14", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", f"-I{HLS}"]
    headers = [f"-I{HLS / 'sim'}", "-isystem", str(hls.find().folder)]
    command = [str(gxx.find().path), *flags, *request.param, *headers, "main.cpp", "-o", "run"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "run"


def play(program: Path, streams: Sequence[Sequence[Sequence[int]]]) -> list[list[Answer]]:
    """The answers to the streams of each matrix."""
    sent: list[int] = []
    for of_matrix in streams:
        sent.append(len(of_matrix))
        for words in of_matrix:
            sent += [len(words), *words]
    done = subprocess.run(
        [program],
        input=np.array(sent, "<u4").tobytes(),
        capture_output=True,
        check=True,
        timeout=300,
    )
    numbers = iter(np.frombuffer(done.stdout, "<u4").tolist())
    found = [[_answer(numbers) for _ in of_matrix] for of_matrix in streams]
    assert next(numbers, None) is None
    return found


def _answer(numbers: Iterator[int]) -> Answer:
    right, left, count = (next(numbers) for _ in range(3))
    return bool(right), left, [next(numbers) for _ in range(count)]


def code_bits(one: Matrix) -> int:
    return max(1, one.head.code_bits)


def row_ends(one: Matrix, beats: list[int]) -> int:
    return sum(
        beat >> 1 + max(1, (one.head.columns - 1).bit_length()) + code_bits(one) for beat in beats
    )


def test_right_streams_become_their_matrix(program: Path) -> None:
    for one, answers in zip(MATRICES, play(program, [[m.words] for m in MATRICES]), strict=True):
        ((right, left, beats),) = answers
        assert right
        assert left == 1
        told = [meant(beat, one.head.columns, code_bits(one)) for beat in beats]
        assert told == entry_beats(one.codes, code_bits(one))


def test_each_single_wrong_bit_is_flagged(program: Path) -> None:
    streams = [
        [
            [w ^ (p // 16 == i) << p % 16 for i, w in enumerate(m.words)]
            for p in range(16 * len(m.words))
        ]
        for m in MATRICES
    ]
    check_wrong(play(program, streams))


def test_each_truncation_is_flagged(program: Path) -> None:
    check_wrong(play(program, [[m.words[:n] for n in range(1, len(m.words))] for m in MATRICES]))


def test_noise_is_flagged(program: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 1 << 16, rng.integers(1, 60)).tolist() for _ in range(500)]
    check_wrong(play(program, [noise] * len(MATRICES)))


def test_crafted_streams_are_told_apart_as_in_python(program: Path) -> None:
    """Under right checksums: the matrix where there is one, and the same verdict."""
    rng = np.random.default_rng(1)
    streams = [
        [m.crafted(rng) for _ in range(200)] if m.classes in POWERS else [] for m in MATRICES
    ]
    rights = 0
    for one, words, answers in zip(MATRICES, streams, play(program, streams), strict=True):
        for stream, (right, left, beats) in zip(words, answers, strict=True):
            wanted = one.told(stream)
            told = [meant(beat, one.head.columns, code_bits(one)) for beat in beats]
            assert right == (wanted is not None)
            assert told == wanted or not right
            assert left == 1
            rights += right
    assert 100 < rights < sum(map(len, streams)) - 100


def check_wrong(found: list[list[Answer]]) -> None:
    """All are flagged, read up to their last word and no further, and give all rows."""
    for one, answers in zip(MATRICES, found, strict=True):
        assert answers
        for right, left, beats in answers:
            assert not right
            assert left == 1
            assert row_ends(one, beats) == one.head.rows
