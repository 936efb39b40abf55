// SPDX-License-Identifier: Apache-2.0
//
// splitter: turns each beat of 3 bytes into two of 2 bytes; frames of 3 beats into frames of 6.
//
// Waits for tvalid before it raises tready, which a source must not answer by waiting for tready.

`default_nettype none

module splitter (
  input  wire logic        clk,
  input  wire logic        rst,

  input  wire logic [23:0] s_axis_tdata,
  input  wire logic        s_axis_tvalid,
  output wire logic        s_axis_tready,
  input  wire logic        s_axis_tlast,

  output wire logic [15:0] m_axis_tdata,
  output wire logic        m_axis_tvalid,
  input  wire logic        m_axis_tready,
  output wire logic        m_axis_tlast,

  output wire logic        frame_error
);

  logic [23:0] beat_q;
  logic last_q, low_q, high_q;
  logic [1:0] beats_q;
  logic error_q;

  assign s_axis_tready = s_axis_tvalid && !low_q && (!high_q || m_axis_tready);
  assign m_axis_tvalid = low_q || high_q;
  assign m_axis_tdata  = low_q ? beat_q[15:0] : {8'h00, beat_q[23:16]};
  assign m_axis_tlast  = !low_q && last_q;
  assign frame_error   = error_q;

  always_ff @(posedge clk) begin
    if (m_axis_tready) begin
      low_q  <= 1'b0;
      high_q <= low_q;
    end
    if (s_axis_tready) begin
      beat_q  <= s_axis_tdata;
      last_q  <= s_axis_tlast;
      low_q   <= 1'b1;
      high_q  <= 1'b0;
      beats_q <= s_axis_tlast ? 2'd0 : beats_q + 2'd1;
      error_q <= error_q || s_axis_tlast != (beats_q == 2'd2);
    end
    if (rst) begin
      low_q   <= 1'b0;
      high_q  <= 1'b0;
      beats_q <= 2'd0;
      error_q <= 1'b0;
    end
  end

endmodule

`default_nettype wire
