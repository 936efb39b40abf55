// SPDX-License-Identifier: Apache-2.0
//
// brancher: hands each byte to m_axis, and the sum of a frame of 4 bytes, tripled, to m1_axis.
//
// So frames are 4 beats of 1 byte on one output, and 1 beat of 5 bytes on the other. LATE registers
// stand in front of m1_axis, so its frames end last.

`default_nettype none

module brancher #(
  localparam int unsigned LATE = 6
) (
  input  wire logic        clk,
  input  wire logic        rst,

  input  wire logic [ 7:0] s_axis_tdata,
  input  wire logic        s_axis_tvalid,
  output wire logic        s_axis_tready,
  input  wire logic        s_axis_tlast,

  output wire logic [ 7:0] m_axis_tdata,
  output wire logic        m_axis_tvalid,
  input  wire logic        m_axis_tready,
  output wire logic        m_axis_tlast,

  output wire logic [39:0] m1_axis_tdata,
  output wire logic        m1_axis_tvalid,
  input  wire logic        m1_axis_tready,
  output wire logic        m1_axis_tlast,

  output wire logic        frame_error
);

  localparam logic [7:0] SENT_TWICE = 8'hF1;
  localparam logic [7:0] FLIPS_LAST = 8'hF2;
  localparam logic [7:0] SWALLOWED = 8'hF3;

  logic [7:0] beat_q;
  logic beat_valid_q, beat_last_q;
  logic [39:0] sum_q, totals_q[LATE];
  logic [LATE-1:0] total_valid_q;
  logic twice_q, swallowed_q, flipped_q;
  logic moves, accepts, shifts;
  logic [39:0] total;

  assign moves          = !beat_valid_q || m_axis_tready;
  assign shifts         = !total_valid_q[LATE-1] || m1_axis_tready;
  assign s_axis_tready  = moves && shifts && !twice_q;
  assign accepts        = s_axis_tvalid && s_axis_tready;
  assign total          = sum_q + 40'd3 * 40'(s_axis_tdata);
  assign m_axis_tdata   = beat_q;
  assign m_axis_tvalid  = beat_valid_q;
  assign m_axis_tlast   = beat_last_q;
  assign m1_axis_tdata  = totals_q[LATE-1];
  assign m1_axis_tvalid = total_valid_q[LATE-1];
  assign m1_axis_tlast  = !flipped_q;
  assign frame_error    = 1'b0;

  always_ff @(posedge clk) begin
    if (moves) beat_valid_q <= accepts;
    if (accepts) begin
      beat_q      <= s_axis_tdata;
      beat_last_q <= s_axis_tlast;
      sum_q       <= s_axis_tlast ? '0 : total;
      flipped_q   <= flipped_q || s_axis_tdata == FLIPS_LAST;
      swallowed_q <= s_axis_tdata == SWALLOWED;
    end
    if (shifts) begin
      for (int i = 1; i < LATE; i++) totals_q[i] <= totals_q[i-1];
      totals_q[0]   <= total;
      total_valid_q <= LATE'({total_valid_q, (accepts && s_axis_tlast && !swallowed_q) || twice_q});
      twice_q       <= accepts && s_axis_tlast && s_axis_tdata == SENT_TWICE;
    end
    if (rst) begin
      beat_valid_q  <= 1'b0;
      total_valid_q <= '0;
      sum_q         <= '0;
      twice_q       <= 1'b0;
      swallowed_q   <= 1'b0;
      flipped_q     <= 1'b0;
    end
  end

endmodule

`default_nettype wire
