"""The top in HLS C++ tells of a TLAST that is not where a frame ends, and stays in step."""

import subprocess
from pathlib import Path

from bitmason.backends.hls import emit_hls
from bitmason.ir.types import UInt
from bitmason.toolchain import gxx, hls
from hw_tests.hls.bench import write
from hw_tests.layers.cases import fifo_case

# Three frames of eight beats: sound, with TLAST one beat early, sound again.
MAIN = """
#include <cstdio>
#include "top.hpp"

int main() {
  const int last_at[] = {7, 6, 7};
  for (int frame = 0; frame < 3; frame++) {
    hls::stream<s_axis_beat> in("in");
    hls::stream<m_axis_beat> out("out");
    for (int beat = 0; beat < 8; beat++) {
      s_axis_beat word;
      word.data = beat;
      word.last = beat == last_at[frame];
      in.write(word);
    }
    ap_uint<1> frame_error = 0;
    frames_net(in, out, frame_error);
    int wrong = 0;
    for (int beat = 0; beat < 8; beat++) {
      const m_axis_beat word = out.read();
      wrong += word.data.range(7, 0) != std::uint64_t(beat) || word.last != (beat == 7);
    }
    std::printf("%d %d\\n", int(frame_error), wrong);
  }
}
"""


def test_wrong_tlast_is_told_until_reset_and_not_followed(tmp_path: Path) -> None:
    write(emit_hls(fifo_case("frames_net", UInt(3), 8, 2, "shift").design), tmp_path)
    (tmp_path / "main.cpp").write_text(MAIN)
    flags = ["-std=c++14", hls.NATIVE, "-w", "-Isim", "-isystem", str(hls.find().folder)]
    command = [str(gxx.find().path), *flags, "main.cpp", "top.cpp", "-o", "run"]
    subprocess.run(command, cwd=tmp_path, check=True)
    told = subprocess.run([tmp_path / "run"], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["0 0", "1 0", "1 0"]
