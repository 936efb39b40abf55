// SPDX-License-Identifier: Apache-2.0
//
// bm_unpack: the beats that bm_pack made dense words of.
//
// Golden model: the bits of the words of a frame one after the other, the first in the least
// significant place; those behind the last beat do not matter, and the next frame starts with the
// next word. Throughput: a frame takes max(BEATS, words per frame) cycles. Latency: 1 cycle from
// the word that completes a beat. s_axis_tready is combinational from m_axis_tready.

`default_nettype none

module bm_unpack #(
  parameter int unsigned WORD_W = 32,  // bits per word
  parameter int unsigned BEAT_W = 24,  // bits per beat, such as lanes * bits of a code
  parameter int unsigned BEATS  = 4  // beats per frame
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [WORD_W-1:0] s_axis_tdata,
  input  wire logic              s_axis_tvalid,
  output wire logic              s_axis_tready,

  output wire logic [BEAT_W-1:0] m_axis_tdata,
  output wire logic              m_axis_tvalid,
  input  wire logic              m_axis_tready
);

  function automatic int unsigned gcd(input int unsigned a, input int unsigned b);
    int unsigned rest;
    gcd = a;
    rest = b;
    while (rest != 0) begin
      int unsigned next;
      next = gcd % rest;
      gcd  = rest;
      rest = next;
    end
  endfunction

  if (WORD_W < 1 || BEAT_W < 1 || BEATS < 1) begin : gen_reject_empty
    $error("bm_unpack: WORD_W (%0d), BEAT_W (%0d) and BEATS (%0d) must be 1 or more",
           WORD_W, BEAT_W, BEATS);
  end

  // A shift register counted in units of the greatest common divisor. It takes a word whenever
  // less than one beat would be left, which is as late as possible without a bubble.
  localparam int unsigned UNIT_W = gcd(BEAT_W, WORD_W);
  localparam int unsigned BEAT_U = BEAT_W / UNIT_W;
  localparam int unsigned WORD_U = WORD_W / UNIT_W;
  localparam int unsigned LAST_U = BEATS * BEAT_U % WORD_U;  // in the last word of a frame
  localparam int unsigned FILL_U = (LAST_U == 0) ? 0 : WORD_U - LAST_U;  // unused behind a frame
  localparam int unsigned HOLD_U = BEAT_U - 1 + WORD_U;
  localparam int unsigned HOLD_W = HOLD_U * UNIT_W;
  localparam int unsigned HELD_W = $clog2(HOLD_U + 1);

  logic [HOLD_W-1:0] data_q, kept, placed;
  logic [HELD_W-1:0] held_q, left;  // units held; units left after this cycle's beat
  logic push, pop, last;

  assign m_axis_tvalid = held_q >= HELD_W'(BEAT_U);
  assign m_axis_tdata  = data_q[BEAT_W-1:0];
  assign s_axis_tready = left < HELD_W'(BEAT_U);

  assign push = s_axis_tvalid && s_axis_tready;
  assign pop  = m_axis_tvalid && m_axis_tready;

  // Behind the last beat of a frame, the rest of its word goes too.
  always_comb begin
    left = held_q;
    kept = data_q;
    if (pop && last) begin
      left = held_q - HELD_W'(BEAT_U + FILL_U);
      kept = data_q >> (BEAT_W + FILL_U * UNIT_W);
    end else if (pop) begin
      left = held_q - HELD_W'(BEAT_U);
      kept = data_q >> BEAT_W;
    end
  end

  assign placed = push ? HOLD_W'(s_axis_tdata) << (left * UNIT_W) : '0;

  // Units above those held are zero, so a new word is merged with a plain OR.
  always_ff @(posedge clk) begin
    data_q <= kept | placed;
    held_q <= push ? left + HELD_W'(WORD_U) : left;
    if (rst) begin
      data_q <= '0;
      held_q <= '0;
    end
  end

  if (FILL_U == 0) begin : gen_whole_words
    assign last = 1'b0;
  end else if (BEATS == 1) begin : gen_one_beat
    assign last = 1'b1;
  end else begin : gen_beats
    localparam int unsigned BEAT_COUNT_W = $clog2(BEATS);
    logic [BEAT_COUNT_W-1:0] beat_q;

    assign last = beat_q == BEAT_COUNT_W'(BEATS - 1);

    always_ff @(posedge clk) begin
      if (pop) beat_q <= last ? '0 : beat_q + 1'b1;
      if (rst) beat_q <= '0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
