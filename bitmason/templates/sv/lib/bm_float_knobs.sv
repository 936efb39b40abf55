// SPDX-License-Identifier: Apache-2.0
//
// bm_float_knobs: a register stage in which a frame's first beat meets the frame's format.
//
// Golden model: the identity for the data; CustomFloat.at of bitmason/ir/custom_float.py for the
// format, which stays for all beats of the frame. Moves by `en`. Latency: 1 cycle.
// Ready signals are combinational from `en` and the other stream's valid signal.

`default_nettype none

module bm_float_knobs #(
  parameter  int unsigned WIDTH = 64,  // bits per beat of data
  parameter  int unsigned E_MAX = 4,  // the most bits of an exponent
  parameter  int unsigned M_MAX = 3,  // the most bits of a mantissa
  parameter  bit          FULL  = 1'b0,  // an exponent may have one bit
  parameter  int unsigned BEATS = 4,  // beats per frame
  localparam int unsigned E_W   = $clog2(E_MAX + 1),
  localparam int unsigned M_W   = $clog2(M_MAX + 2)
) (
  input  wire logic             clk,
  input  wire logic             rst,
  input  wire logic             en,

  input  wire logic [WIDTH-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output wire logic             s_axis_tready,

  input  wire logic [     23:0] s_knobs_tdata,  // {least, sbits, ebits}
  input  wire logic             s_knobs_tvalid,
  output wire logic             s_knobs_tready,

  output wire logic [WIDTH-1:0] data,
  output wire logic             valid,
  output wire logic [  E_W-1:0] e_bits,
  output wire logic [  M_W-1:0] m_bits,
  output wire logic [      7:0] bias
);

  localparam int unsigned PLACE_W = (BEATS > 1) ? $clog2(BEATS) : 1;

  if (BEATS < 1) begin : gen_reject_no_beat
    $error("bm_float_knobs: BEATS (%0d) must be 1 or more", BEATS);
  end
  if (!FULL && E_MAX < 2) begin : gen_reject_exponent
    $error("bm_float_knobs: E_MAX (%0d) must be 2 or more, as one code is reserved", E_MAX);
  end

  logic [WIDTH-1:0] data_q;
  logic valid_q;
  logic [E_W-1:0] e_bits_q;
  logic [M_W-1:0] m_bits_q;
  logic [7:0] bias_q;
  logic [PLACE_W-1:0] place_q;  // of the next beat in its frame
  logic starts, push;

  assign starts         = place_q == '0;
  assign push           = s_axis_tvalid && s_axis_tready;
  assign s_axis_tready  = en && (!starts || s_knobs_tvalid);
  assign s_knobs_tready = en && starts && s_axis_tvalid;

  assign data   = data_q;
  assign valid  = valid_q;
  assign e_bits = e_bits_q;
  assign m_bits = m_bits_q;
  assign bias   = bias_q;

  always_ff @(posedge clk) begin
    if (en) begin
      data_q  <= s_axis_tdata;
      valid_q <= push;
    end
    if (push) place_q <= (place_q == PLACE_W'(BEATS - 1)) ? '0 : place_q + 1'b1;
    if (push && starts) begin
      e_bits_q <= (!FULL && s_knobs_tdata[7:0] == 8'd1) ? E_W'(2) : E_W'(s_knobs_tdata[7:0]);
      m_bits_q <= M_W'(s_knobs_tdata[15:8] - 1'b1);
      bias_q   <= 8'd128 - s_knobs_tdata[23:16];
    end
    if (rst) begin
      valid_q <= 1'b0;
      place_q <= '0;
    end
  end

endmodule

`default_nettype wire
