// SPDX-License-Identifier: Apache-2.0
//
// bm_concat: joins the pixels of INPUTS streams: all words of input 0, then those of input 1, ...
//
// Golden model: bitmason/ir/ops/arrange.py. Throughput: 1 output beat per cycle.
// Control: PATTERN over the words of an output pixel: each step takes a beat of the input whose
// turn it is, and emits. Latency: 1 cycle. No bubble between pixels and frames.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.

`default_nettype none

module bm_concat #(
  parameter int unsigned          INPUTS = 2,  // streams in, input 0 in the least significant bits
  parameter int unsigned          WIDTH  = 8,  // bits per beat
  parameter logic [INPUTS*32-1:0] COUNTS = {INPUTS{32'd1}}  // beats per pixel from each input
) (
  input  wire logic                    clk,
  input  wire logic                    rst,

  input  wire logic [INPUTS*WIDTH-1:0] s_axis_tdata,
  input  wire logic [      INPUTS-1:0] s_axis_tvalid,
  output wire logic [      INPUTS-1:0] s_axis_tready,

  output wire logic [       WIDTH-1:0] m_axis_tdata,
  output wire logic                    m_axis_tvalid,
  input  wire logic                    m_axis_tready
);

  function automatic int unsigned most();
    most = 0;
    for (int unsigned i = 0; i < INPUTS; i++) begin
      if (COUNTS[i*32+:32] > most) most = COUNTS[i*32+:32];
    end
  endfunction

  localparam int unsigned TURN_W = (INPUTS > 1) ? $clog2(INPUTS) : 1;
  localparam int unsigned MOST   = most();
  localparam int unsigned WORD_W = (MOST > 1) ? $clog2(MOST) : 1;

  if (INPUTS < 1) begin : gen_reject_no_input
    $error("bm_concat: INPUTS (%0d) must be 1 or more", INPUTS);
  end
  for (genvar i = 0; i < INPUTS; i++) begin : gen_input
    if (COUNTS[i*32+:32] == 0) begin : gen_reject_no_beat
      $error("bm_concat: input %0d must give 1 beat per pixel or more, not %0d", i,
             COUNTS[i*32+:32]);
    end
  end

  logic en, fire, word_ends;
  logic [TURN_W-1:0] turn_q;  // the input that is taken from
  logic [WORD_W-1:0] word_q, word_end;
  logic [WIDTH-1:0] data_q;
  logic valid_q;

  assign en            = m_axis_tready || !valid_q;
  assign fire          = en && s_axis_tvalid[turn_q];
  assign s_axis_tready = en ? INPUTS'(1) << turn_q : '0;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  assign word_end  = WORD_W'(COUNTS[turn_q*32+:32] - 1);
  assign word_ends = word_q == word_end;

  always_ff @(posedge clk) begin
    if (en) valid_q <= fire;
    if (fire) begin
      data_q <= s_axis_tdata[turn_q*WIDTH+:WIDTH];
      word_q <= word_ends ? '0 : word_q + 1'b1;
      if (word_ends) turn_q <= (turn_q == TURN_W'(INPUTS - 1)) ? '0 : turn_q + 1'b1;
    end
    if (rst) begin
      valid_q <= 1'b0;
      turn_q  <= '0;
      word_q  <= '0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
