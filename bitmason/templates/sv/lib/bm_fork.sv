// SPDX-License-Identifier: Apache-2.0
//
// bm_fork: sends every beat to each of its OUTPUTS outputs, which take it when they like.
//
// Golden model: the identity, OUTPUTS times. Throughput: 1 beat per cycle while every output takes
// its beats. Control: one data register and a pending flag per output; a beat is taken in a cycle
// in which no output is left with the last one. Latency: 1 cycle.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.

`default_nettype none

module bm_fork #(
  parameter int unsigned OUTPUTS = 2,  // streams out, output 0 in the least significant bits
  parameter int unsigned WIDTH   = 8  // bits per beat
) (
  input  wire logic                     clk,
  input  wire logic                     rst,

  input  wire logic [        WIDTH-1:0] s_axis_tdata,
  input  wire logic                     s_axis_tvalid,
  output wire logic                     s_axis_tready,

  output wire logic [OUTPUTS*WIDTH-1:0] m_axis_tdata,
  output wire logic [      OUTPUTS-1:0] m_axis_tvalid,
  input  wire logic [      OUTPUTS-1:0] m_axis_tready
);

  if (OUTPUTS < 1) begin : gen_reject_no_output
    $error("bm_fork: OUTPUTS (%0d) must be 1 or more", OUTPUTS);
  end

  logic [WIDTH-1:0] data_q;
  logic [OUTPUTS-1:0] pending_q, left;  // outputs that wait for the beat; that still will

  assign left = pending_q & ~m_axis_tready;

  assign s_axis_tready = left == '0;
  assign m_axis_tvalid = pending_q;
  assign m_axis_tdata  = {OUTPUTS{data_q}};

  always_ff @(posedge clk) begin
    if (s_axis_tready) data_q <= s_axis_tdata;
    pending_q <= (s_axis_tvalid && s_axis_tready) ? '1 : left;
    if (rst) pending_q <= '0;
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  for (genvar i = 0; i < OUTPUTS; i++) begin : gen_check
    m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
      m_axis_tvalid[i] && !m_axis_tready[i] |=> m_axis_tvalid[i] && $stable(data_q));
  end
`endif

endmodule

`default_nettype wire
