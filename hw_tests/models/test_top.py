"""A generated top level in cocotb, and its Verilog-2001 wrapper in the data-set harness."""

import json
from pathlib import Path

import numpy as np

from bitmason.backends.sv import emit_sv
from bitmason.simulation import Rtl
from hw_tests.bench.runner import run_bench
from hw_tests.models import tb_registers
from hw_tests.models.checks import assert_same_integers
from hw_tests.models.tb_top import compiled

HARNESS_TOP = """`default_nettype none
module harness_top (
  input  wire logic clk,
  input  wire logic rst,
  input  wire logic {source} s_axis_tdata,
  input  wire logic s_axis_tvalid,
  output wire logic s_axis_tready,
  input  wire logic s_axis_tlast,
  output wire logic {sink} m_axis_tdata,
  output wire logic m_axis_tvalid,
  input  wire logic m_axis_tready,
  output wire logic m_axis_tlast,
  output wire logic frame_error
);
  {wrapper} u_wrapper (
    .aclk(clk),
    .aresetn(!rst),
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .s_axis_tlast,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready,
    .m_axis_tlast,
    .frame_error
  );
endmodule
`default_nettype wire
"""


def test_top_level_keeps_its_contract() -> None:
    sv = emit_sv(compiled().design)
    own = {name: text for name, text in sv.sources.items() if not name.startswith("lib/")}
    own.pop(f"{sv.top}_wrapper.v")
    run_bench(sv.top, own, "hw_tests.models.tb_top", sv.memories)


def test_registers_change_frames_and_tear_none() -> None:
    sv = emit_sv(tb_registers.DESIGN)
    own = {name: text for name, text in sv.sources.items() if not name.startswith("lib/")}
    own.pop(f"{sv.top}_wrapper.v")
    run_bench(sv.top, own, "hw_tests.models.tb_registers", sv.memories)


def test_wrapper_equals_top_level(tmp_path: Path) -> None:
    written = compiled().write(tmp_path / "p")
    manifest = json.loads((tmp_path / "p" / "manifest.json").read_text())["rtl"]
    design = written.design
    text = HARNESS_TOP.format(
        wrapper=f"{manifest['top']}_wrapper",
        source=f"[{design.source.padded_width - 1}:0]",
        sink=f"[{design.sinks[0].padded_width - 1}:0]",
    )
    (tmp_path / "p" / "rtl" / "harness_top.sv").write_text(text)
    sources = (*manifest["sources"], "harness_top.sv")
    x = np.random.default_rng(0).uniform(-0.2, 1.2, (50, 12)).astype(np.float32)
    rtl = Rtl(tmp_path / "p", "harness_top", sources)
    through_wrapper = type(written)(
        written.model, written.source, design, written.config, rtl
    ).simulate(x, "rtl")
    assert_same_integers(through_wrapper, written.simulate(x))
