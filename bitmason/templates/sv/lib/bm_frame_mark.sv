// SPDX-License-Identifier: Apache-2.0
//
// bm_frame_mark: adds tlast to a stream, at every last of BEATS beats.
//
// Golden model: the identity. Throughput: 1 beat per cycle. Latency: 0 cycles (wires).
// s_axis_tready is m_axis_tready.

`default_nettype none

module bm_frame_mark #(
  parameter int unsigned WIDTH = 8,  // bits per beat
  parameter int unsigned BEATS = 4  // beats per frame
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [WIDTH-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output wire logic             s_axis_tready,

  output wire logic [WIDTH-1:0] m_axis_tdata,
  output wire logic             m_axis_tvalid,
  input  wire logic             m_axis_tready,
  output wire logic             m_axis_tlast
);

  localparam int unsigned BEAT_W = (BEATS > 1) ? $clog2(BEATS) : 1;

  logic [BEAT_W-1:0] beat_q;

  assign s_axis_tready = m_axis_tready;
  assign m_axis_tvalid = s_axis_tvalid;
  assign m_axis_tdata  = s_axis_tdata;
  assign m_axis_tlast  = beat_q == BEAT_W'(BEATS - 1);

  always_ff @(posedge clk) begin
    if (s_axis_tvalid && m_axis_tready) beat_q <= m_axis_tlast ? '0 : beat_q + 1'b1;
    if (rst) beat_q <= '0;
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst) m_axis_tvalid && !m_axis_tready
    |=> m_axis_tvalid && $stable(m_axis_tdata) && $stable(m_axis_tlast));
`endif

endmodule

`default_nettype wire
