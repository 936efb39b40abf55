"""Claims about HLS C++ on this machine: found, built and played, with a network written by hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bitmason.backends.render import TEMPLATES, render
from bitmason.diagnostics import CompileError
from bitmason.ir.types import Array
from bitmason.toolchain import hls

IN_SHAPE, OUT_SHAPES = (2, 12), [(2, 12), (1, 1)]
FRAME = IN_SHAPE[0] * IN_SHAPE[1]
QUICK = ("-O1", hls.NATIVE)

TOP_HPP = """
#pragma once
#include <ap_axi_sdata.h>
#include <ap_int.h>
#include <hls_stream.h>
using s_axis_beat = ap_axiu<96, 0, 0, 0>;
using m_axis_beat = ap_axiu<96, 0, 0, 0>;
using m1_axis_beat = ap_axiu<8, 0, 0, 0>;
void copier(hls::stream<s_axis_beat>& s_axis, hls::stream<m_axis_beat>& m_axis,
            hls::stream<m1_axis_beat>& m1_axis, ap_uint<1>& frame_error);
"""

# Copies frames to one output and adds a constant to their first bytes on the other. That byte also
# chooses what goes wrong.
TOP_CPP = """
#include "top.hpp"

struct layer {
  static constexpr int OFFSET = 5;
};

template <class C>
int offset() {
  static int value = C::OFFSET;  // one for all libraries, unless each keeps its symbols inside
  return value;
}

void copier(hls::stream<s_axis_beat>& s_axis, hls::stream<m_axis_beat>& m_axis,
            hls::stream<m1_axis_beat>& m1_axis, ap_uint<1>& frame_error) {
  hls::stream<int, 4> inner("inner");
  const s_axis_beat first = s_axis.read();
  const int fault = first.data.range(7, 0) < 200 ? 0 : int(first.data.range(7, 0));
  frame_error = fault == 201;
  if (fault == 202) s_axis.write(first);
  s_axis_beat second = s_axis.read();
  if (fault == 203) inner.read();
  if (fault == 204) inner.write(1);
  if (fault == 205) second.last = 0;
  m_axis.write(first);
  if (fault != 206) m_axis.write(second);
  if (fault == 207) m_axis.write(second);
  m1_axis_beat sum;
  sum.data = int(first.data.range(7, 0)) + offset<layer>();
  sum.last = 1;
  m1_axis.write(sum);
}
"""

KNOBS = [SimpleNamespace(name="more", maximum=9), SimpleNamespace(name="less", maximum=4)]

FAULTS = {
    201: "frame_error is set though TLAST ends the frame",
    202: "beats of s_axis were not taken",
    203: "read from the empty stream 'inner' (depth 4, at most 0 held)",
    204: "1 elements were left in stream 'inner' (depth 4, at most 1 held)",
    205: "m_axis: TLAST is wrong in beat 2 of 2",
    206: "m_axis ends before beat 2 of 2",
    207: "m_axis gives more than the 2 beats of a frame",
}


def port(name: str, shape: tuple[int, int], error: str = "") -> SimpleNamespace:
    beats, width = shape
    return SimpleNamespace(name=name, beats=beats, bytes=width, comment="bytes", error=error)


def write_network(
    folder: Path, top: str = TOP_CPP, knobs: Sequence[SimpleNamespace] = ()
) -> list[str]:
    """Write a network to `folder`; return the names of its files."""
    sources = [port("s_axis", IN_SHAPE, "frame_error")]
    sinks = [port("m_axis", OUT_SHAPES[0]), port("m1_axis", OUT_SHAPES[1])]
    view = SimpleNamespace(
        top="copier",
        version="0",
        network="copier",
        sources=sources,
        sinks=sinks,
        ports=sources + sinks,
        knobs=knobs,
    )
    (folder / "sim").mkdir(parents=True)
    for header in (TEMPLATES / "hls" / "sim").iterdir():
        shutil.copy(header, folder / "sim")
    ends = (
        "frame_error)",
        ", unsigned ".join(["frame_error", *(knob.name for knob in knobs)]) + ")",
    )
    texts = {
        "top.hpp": TOP_HPP.replace(*ends),
        "top.cpp": top.replace(*ends),
        "library.cpp": render("hls/library.cpp.j2", view),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [str(path.relative_to(folder)) for path in folder.rglob("*.*")]


def build(folder: Path, top: str = TOP_CPP, options: Sequence[str] = QUICK) -> Path:
    files = write_network(folder / "hls", top)
    return hls.build(folder / "hls", files, "copier", folder / "build", options=options)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("copier"))


def frames(count: int) -> Array:
    """Return beats whose first bytes ask for no fault."""
    x = np.random.default_rng(0).integers(0, 256, (count, *IN_SHAPE), dtype=np.uint8)
    x[:, 0, 0] %= 200
    return x


@pytest.fixture(scope="module")
def adjustable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that adds one of its knobs to the first byte, and takes the other one off."""
    folder = tmp_path_factory.mktemp("adjustable")
    top = TOP_CPP.replace("offset<layer>()", "int(more) - int(less)")
    files = write_network(folder / "hls", top, KNOBS)
    return hls.build(folder / "hls", files, "copier", folder / "build", options=QUICK)


def refusal(library: Path, x: Array) -> str:
    with pytest.raises(CompileError) as caught:
        hls.run(library, [x], OUT_SHAPES)
    return str(caught.value)


def test_finds_the_headers_without_importing_the_package_that_ships_them() -> None:
    code = (
        "import sys; from bitmason.toolchain import hls; found = hls.find();"
        "assert (found.folder / 'ap_int.h').is_file() and found.version;"
        "print({'hls4ml', 'tensorflow', 'keras', 'h5py'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_says_how_to_get_the_headers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hls, "_PACKAGE", "no_such_package")
    with pytest.raises(CompileError) as caught:
        build(tmp_path)
    assert str(caught.value) == (
        "error[T007]: the ap_int headers, which the hls4ml package ships, are missing\n"
        "  help: pip install 'bitmason[hls]'"
    )
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_frames_come_back_in_order(library: Path, threads: int) -> None:
    x = frames(1003)
    told: list[int] = []
    y, sums = hls.run(library, [x], OUT_SHAPES, threads=threads, progress=told.append)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(sums[:, 0, 0], x[:, 0, 0] + 5)
    assert told == sorted(set(told))
    assert told[-1] == 1003


def test_ap_int_gives_the_same_bits(tmp_path: Path) -> None:
    x = frames(20)
    y, sums = hls.run(build(tmp_path, options=["-O0"]), [x], OUT_SHAPES)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(sums[:, 0, 0], x[:, 0, 0] + 5)


def test_a_view_of_an_array_is_played_as_it_reads(library: Path) -> None:
    x = frames(20)[::-2]
    y, _ = hls.run(library, [x], OUT_SHAPES)
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_told_with_its_frame(library: Path, fault: int) -> None:
    x = frames(500)
    x[321, 0, 0] = fault
    assert refusal(library, x) == (
        f"error[T005]: the simulated design stopped in frame 321: {FAULTS[fault]}"
    )
    hls.run(library, [frames(1)], OUT_SHAPES)  # and the next frames are none the worse


def test_code_for_other_ports_is_refused(library: Path) -> None:
    with pytest.raises(CompileError) as caught:
        hls.run(library, [frames(1)[:, :1]], OUT_SHAPES)
    assert str(caught.value) == (
        "error[T005]: the code has inputs of [(2, 12)] beats and bytes, the graph of [(1, 12)]\n"
        "  help: compile the model again"
    )
    with pytest.raises(CompileError, match="outputs of"):
        hls.run(library, [frames(1)], OUT_SHAPES[:1])


@pytest.mark.parametrize("threads", [1, 3])
def test_settings_go_with_their_frames(adjustable: Path, threads: int) -> None:
    x, rng = frames(1003), np.random.default_rng(1)
    settings = rng.integers(1, 5, (2 * len(x), 2))[::2]
    _, sums = hls.run(adjustable, [x], OUT_SHAPES, settings=settings, threads=threads)
    wanted = x[:, 0, 0] + settings[:, 0] - settings[:, 1]
    np.testing.assert_array_equal(sums[:, 0, 0], wanted % 256)


def test_knobs_are_at_their_maxima_by_default(adjustable: Path) -> None:
    x = frames(20)
    _, sums = hls.run(adjustable, [x], OUT_SHAPES)
    np.testing.assert_array_equal(sums[:, 0, 0], x[:, 0, 0] + 9 - 4)


@pytest.mark.parametrize(("fixture", "knobs"), [("library", 0), ("adjustable", 2)])
def test_settings_for_other_knobs_are_refused(
    fixture: str, knobs: int, request: pytest.FixtureRequest
) -> None:
    built, settings = request.getfixturevalue(fixture), np.ones((1, 1), np.int64)
    with pytest.raises(CompileError) as caught:
        hls.run(built, [frames(1)], OUT_SHAPES, settings=settings)
    assert str(caught.value) == (
        f"error[T005]: the code has {knobs} knobs, the graph 1\n  help: compile the model again"
    )


def test_network_without_knobs_takes_empty_settings(library: Path) -> None:
    x = frames(3)
    y, _ = hls.run(library, [x], OUT_SHAPES, settings=np.ones((3, 0), np.int64))
    np.testing.assert_array_equal(y, x)


def test_file_that_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_text("nothing")
    assert "error[T005]: the library of the network cannot be loaded: " in refusal(
        tmp_path / "x.so", frames(1)
    )


def test_interrupted_run_drops_the_frames_that_wait(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[slice] = []
    play = hls._Network.run

    def slow(network: hls._Network, *arguments: Any) -> int:
        played.append(arguments[-1])
        time.sleep(0.005)
        return play(network, *arguments)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hls._Network, "run", slow)
    with pytest.raises(KeyboardInterrupt):
        hls.run(library, [frames(1000)], OUT_SHAPES, threads=1, progress=interrupt)
    assert 1 <= len(played) < 100  # of 200 parts


def test_library_is_built_once_and_again_when_a_file_changes(library: Path, tmp_path: Path) -> None:
    built = library.stat().st_mtime_ns
    source = library.parent.parent / "hls"
    files = [str(path.relative_to(source)) for path in source.rglob("*.*")]
    assert hls.build(source, files, "copier", library.parent, options=QUICK) == library
    assert library.stat().st_mtime_ns == built
    changed = build(tmp_path, TOP_CPP.replace("OFFSET = 5", "OFFSET = 9"))
    assert changed.name != library.name
    assert {path.name for path in changed.parent.iterdir()} == {changed.name, f"{changed.name}.log"}
    for path, offset in ((library, 5), (changed, 9)):  # each with its own layers
        _, sums = hls.run(path, [frames(3)], OUT_SHAPES)
        np.testing.assert_array_equal(sums[:, 0, 0], frames(3)[:, 0, 0] + offset)


def test_failed_build_shows_the_errors_and_leaves_the_log(tmp_path: Path) -> None:
    with pytest.raises(CompileError) as caught:
        build(tmp_path, TOP_CPP.replace("m_axis.write(first)", "m_axis.rite(first)"))
    (log,) = (tmp_path / "build").iterdir()
    assert "error[T004]: compiling top.cpp failed" in str(caught.value)
    assert "rite" in str(caught.value)
    assert str(caught.value).endswith(f"note: log: {log}")


STREAM_PROGRAM = """
#include <cassert>
#include <hls_stream.h>

static int sum(hls::stream<int>& in) {
  int total = 0;
  while (!in.empty()) total += in.read();
  return total;
}

int main() {
  hls::stream<int, 8> deep("deep");
  for (int i = 1; i <= 3; i++) deep.write(i);
  assert(deep.size() == 3 && deep.capacity() == 8 && !deep.full());
  int first = 0;
  assert(deep.read_nb(first) && first == 1);
  deep << 4;
  assert(sum(deep) == 9 && deep.empty() && !deep.read_nb(first));
  assert(deep.high_water() == 3);
  assert(hls::sim::leftover().empty());
  { hls::stream<int> plain("plain"); plain.write(1); }
  assert(hls::sim::leftover() == "1 elements were left in stream 'plain' (at most 1 held)");
  return 0;
}
"""


def test_streams_keep_order_and_count_what_they_held(tmp_path: Path) -> None:
    (tmp_path / "main.cpp").write_text(STREAM_PROGRAM)
    program, sim = tmp_path / "main", TEMPLATES / "hls" / "sim"
    command = ["g++", "-std=c++14", "-Wall", "-Wextra", "-Werror", f"-I{sim}", "main.cpp"]
    subprocess.run([*command, "-o", program], cwd=tmp_path, check=True)
    subprocess.run([program], check=True)


WORD_PROGRAM = """
#include <cassert>
#include <cstdint>
#include <ap_axi_sdata.h>

// Elements of every width at every place of a beat, against ap_uint.
template <int WIDTH>
void check(std::uint64_t seed) {
  hls::sim::Word<WIDTH> ours;
  ap_uint<WIDTH> theirs = 0;
  ours = 0;
  for (int count = 1; count <= 62; count++) {
    for (int low = 0; low + count <= WIDTH; low += 3) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      ours.range(low + count - 1, low) = seed;
      theirs.range(low + count - 1, low) = seed;
      for (int bit = 0; bit < WIDTH; bit++) assert(ours.range(bit, bit) == theirs[bit]);
      const auto& fixed = ours;
      assert(fixed.range(low + count - 1, low) == theirs.range(low + count - 1, low).to_uint64());
    }
  }
}

int main() {
  check<8>(1);
  check<64>(2);
  check<72>(3);
  check<200>(4);
  hls::sim::Word<72> ones;
  ones = -1;
  assert(ones.range(71, 64) == 255 && ones.range(63, 0) == ~std::uint64_t{0});
  return 0;
}
"""


def test_native_beats_are_what_ap_uint_would_be(tmp_path: Path) -> None:
    (tmp_path / "main.cpp").write_text(WORD_PROGRAM)
    program, sim = tmp_path / "main", TEMPLATES / "hls" / "sim"
    command = ["g++", "-std=c++14", "-DBITMASON_NATIVE", "-Wall", "-Wextra", "-Werror", f"-I{sim}"]
    headers = ["-isystem", str(hls.find().folder)]
    subprocess.run([*command, *headers, "main.cpp", "-o", program], cwd=tmp_path, check=True)
    subprocess.run([program], check=True)
