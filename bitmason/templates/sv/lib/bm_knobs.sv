// SPDX-License-Identifier: Apache-2.0
//
// bm_knobs: passes frames on, and gives each of them its settings: those of the cycle in which its
// first beat is taken. Streams of one beat per frame carry them beside the data, one per reader.
//
// Golden model: the identity for the data; the settings at each first beat for the readers, who
// share the bits of that one beat among themselves. Throughput: 1 beat per cycle while every output
// takes its beats. Latency: 1 cycle. Settings that a reader has not taken hold up the next frame's
// first beat, nothing else. s_axis_tready is combinational from m_axis_tready.

`default_nettype none

module bm_knobs #(
  parameter int unsigned WIDTH      = 8,  // bits per beat of data
  parameter int unsigned BEATS      = 4,  // beats per frame
  parameter int unsigned OUTPUTS    = 3,  // streams out: the data, then those of the readers
  parameter int unsigned SETTINGS_W = 16  // bits of all settings, those of reader 0 lowest
) (
  input  wire logic                        clk,
  input  wire logic                        rst,

  input  wire logic [      SETTINGS_W-1:0] settings,

  input  wire logic [           WIDTH-1:0] s_axis_tdata,
  input  wire logic                        s_axis_tvalid,
  output wire logic                        s_axis_tready,

  // Output 0 is the data, output 1 + r the settings of reader r.
  output wire logic [SETTINGS_W+WIDTH-1:0] m_axis_tdata,
  output wire logic [         OUTPUTS-1:0] m_axis_tvalid,
  input  wire logic [         OUTPUTS-1:0] m_axis_tready
);

  if (BEATS < 1 || OUTPUTS < 2) begin : gen_reject_empty
    $error("bm_knobs: BEATS (%0d) must be 1 or more, OUTPUTS (%0d) 2 or more", BEATS, OUTPUTS);
  end

  localparam int unsigned PLACE_W = (BEATS > 1) ? $clog2(BEATS) : 1;

  logic [WIDTH-1:0] data_q;
  logic [SETTINGS_W-1:0] settings_q;
  logic [OUTPUTS-1:0] pending_q, left;  // outputs that wait to be taken; that still will
  logic [PLACE_W-1:0] place_q;  // of the next beat in its frame
  logic starts, push;

  assign left   = pending_q & ~m_axis_tready;
  assign starts = place_q == '0;
  assign push   = s_axis_tvalid && s_axis_tready;

  assign s_axis_tready = !left[0] && !(starts && left[OUTPUTS-1:1] != '0);
  assign m_axis_tvalid = pending_q;
  assign m_axis_tdata  = {settings_q, data_q};

  always_ff @(posedge clk) begin
    pending_q <= left;
    if (push) begin
      data_q       <= s_axis_tdata;
      pending_q[0] <= 1'b1;
      place_q      <= (place_q == PLACE_W'(BEATS - 1)) ? '0 : place_q + 1'b1;
    end
    if (push && starts) begin
      settings_q           <= settings;
      pending_q[OUTPUTS-1:1] <= '1;
    end
    if (rst) begin
      pending_q <= '0;
      place_q   <= '0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  for (genvar r = 0; r < OUTPUTS; r++) begin : gen_holds
    m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
      m_axis_tvalid[r] && !m_axis_tready[r] |=> m_axis_tvalid[r]);
  end
  m_axis_data_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid[0] && !m_axis_tready[0] |=> $stable(m_axis_tdata[WIDTH-1:0]));
  settings_hold_a: assert property (@(posedge clk) disable iff (rst)
    (m_axis_tvalid[OUTPUTS-1:1] & ~m_axis_tready[OUTPUTS-1:1]) != '0
    |=> $stable(m_axis_tdata[SETTINGS_W+WIDTH-1:WIDTH]));
`endif

endmodule

`default_nettype wire
