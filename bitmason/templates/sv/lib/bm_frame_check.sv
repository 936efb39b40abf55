// SPDX-License-Identifier: Apache-2.0
//
// bm_frame_check: takes tlast off a stream, counts its frames, and remembers whether tlast ever came
// at a wrong beat.
//
// Golden model: the identity. Throughput: 1 beat per cycle. Latency: 0 cycles (wires).
// s_axis_tready is m_axis_tready. Frames are counted by BEATS alone: a wrong tlast is reported,
// not followed, so the design behind stays in step with the number of beats.

`default_nettype none

module bm_frame_check #(
  parameter int unsigned WIDTH = 8,  // bits per beat
  parameter int unsigned BEATS = 4  // beats per frame
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [WIDTH-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output wire logic             s_axis_tready,
  input  wire logic             s_axis_tlast,

  output wire logic [WIDTH-1:0] m_axis_tdata,
  output wire logic             m_axis_tvalid,
  input  wire logic             m_axis_tready,

  output wire logic             frame_taken,  // the last beat of a frame is taken in this cycle
  output wire logic             frame_error  // stays until reset
);

  localparam int unsigned BEAT_W = (BEATS > 1) ? $clog2(BEATS) : 1;

  logic [BEAT_W-1:0] beat_q;
  logic error_q;
  logic last;

  assign s_axis_tready = m_axis_tready;
  assign m_axis_tvalid = s_axis_tvalid;
  assign m_axis_tdata  = s_axis_tdata;
  assign frame_taken   = s_axis_tvalid && m_axis_tready && last;
  assign frame_error   = error_q;

  assign last = beat_q == BEAT_W'(BEATS - 1);

  always_ff @(posedge clk) begin
    if (s_axis_tvalid && m_axis_tready) begin
      beat_q <= last ? '0 : beat_q + 1'b1;
      if (s_axis_tlast != last) error_q <= 1'b1;
    end
    if (rst) begin
      beat_q  <= '0;
      error_q <= 1'b0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
