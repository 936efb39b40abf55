// SPDX-License-Identifier: Apache-2.0
//
// bm_skid: a two-deep register slice that cuts every path between its two sides.
//
// Golden model: the identity. Throughput: 1 beat per cycle. Latency: 1 cycle.
// s_axis_tready is a register.

`default_nettype none

module bm_skid #(
  parameter int unsigned WIDTH = 8  // bits per beat
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [WIDTH-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output wire logic             s_axis_tready,

  output wire logic [WIDTH-1:0] m_axis_tdata,
  output wire logic             m_axis_tvalid,
  input  wire logic             m_axis_tready
);

  // The spare register follows the input while ready, so it holds the one beat that was accepted
  // in the cycle in which the output turned out to be stalled.
  logic [WIDTH-1:0] data_q, spare_q;
  logic valid_q, ready_q;

  assign s_axis_tready = ready_q;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  always_ff @(posedge clk) begin
    if (ready_q) spare_q <= s_axis_tdata;
    if (m_axis_tready || !valid_q) begin
      data_q  <= ready_q ? s_axis_tdata : spare_q;
      valid_q <= s_axis_tvalid || !ready_q;
      ready_q <= 1'b1;
    end else if (s_axis_tvalid) begin
      ready_q <= 1'b0;
    end
    if (rst) begin
      valid_q <= 1'b0;
      ready_q <= 1'b1;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
