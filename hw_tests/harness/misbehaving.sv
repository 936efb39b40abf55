// SPDX-License-Identifier: Apache-2.0
//
// misbehaving: answers each byte through a table, and breaks one rule for each of some bytes.

`default_nettype none

module misbehaving (
  input  wire logic       clk,
  input  wire logic       rst,

  input  wire logic [7:0] s_axis_tdata,
  input  wire logic       s_axis_tvalid,
  output wire logic       s_axis_tready,
  input  wire logic       s_axis_tlast,

  output wire logic [7:0] m_axis_tdata,
  output wire logic       m_axis_tvalid,
  input  wire logic       m_axis_tready,
  output wire logic       m_axis_tlast,

  output wire logic       frame_error
);

  localparam logic [7:0] SWALLOWED = 8'hE1;
  localparam logic [7:0] FLIPS_LAST = 8'hE2;
  localparam logic [7:0] SENT_TWICE = 8'hE3;
  localparam logic [7:0] FAILS_ASSERTION = 8'hE4;
  localparam logic [7:0] BLOCKS_INPUT = 8'hE5;
  localparam logic [7:0] SETS_ERROR = 8'hE6;
  localparam logic [7:0] SHOWS_UNRESET = 8'hE7;
  localparam logic [7:0] DELAYS = 8'hE8;
  localparam logic [3:0] DELAY = 4'd7;

  logic [7:0] table_q[256];
  initial $readmemh("table.mem", table_q);

  logic [7:0] data_q, unreset_q;
  logic valid_q, last_q, twice_q, blocked_q, error_q;
  logic [3:0] delay_q;
  logic accepts, given;

  assign given = m_axis_tvalid && m_axis_tready;
  assign s_axis_tready = !blocked_q && (!valid_q || (given && !twice_q));
  assign accepts = s_axis_tvalid && s_axis_tready;
  assign m_axis_tvalid = valid_q && delay_q == 4'd0;
  assign m_axis_tdata = data_q;
  assign m_axis_tlast = last_q;
  assign frame_error = error_q;

  always_ff @(posedge clk) begin
    unreset_q <= unreset_q;
    if (delay_q != 4'd0) delay_q <= delay_q - 4'd1;
    if (given) begin
      twice_q <= 1'b0;
      valid_q <= twice_q;
    end
    if (accepts) begin
      valid_q <= s_axis_tdata != SWALLOWED;
      data_q <= s_axis_tdata == SHOWS_UNRESET ? unreset_q : table_q[s_axis_tdata];
      last_q <= s_axis_tlast ^ (s_axis_tdata == FLIPS_LAST);
      twice_q <= s_axis_tdata == SENT_TWICE;
      blocked_q <= s_axis_tdata == BLOCKS_INPUT;
      error_q <= error_q || s_axis_tdata == SETS_ERROR;
      if (s_axis_tdata == DELAYS) delay_q <= DELAY;
    end
    if (rst) begin
      valid_q <= 1'b0;
      twice_q <= 1'b0;
      blocked_q <= 1'b0;
      error_q <= 1'b0;
      delay_q <= 4'd0;
    end
  end

`ifndef SYNTHESIS
  never_e4_a: assert property (@(posedge clk) disable iff (rst)
    accepts |-> s_axis_tdata != FAILS_ASSERTION);
`endif

endmodule

`default_nettype wire
