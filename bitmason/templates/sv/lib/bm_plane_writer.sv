// SPDX-License-Identifier: Apache-2.0
//
// bm_plane_writer: takes beats of elements apart into bit planes, to be written into a memory.
//
// Golden model: of each beat the planes from the most significant one down, `abits` of them.
// Throughput: abits cycles per beat while there is space. Latency: 1 cycle.
// s_axis_tready is combinational from space, with RUN_TIME also from s_knobs_tvalid;
// s_knobs_tready is combinational from space and s_axis_tvalid.
//
// A word is BEATS beats of TAKE elements a lane, a vector WORDS words. The memory has two halves of
// a vector each, and a bank for each beat of a word; plane v (0 = most significant) of a word lies
// at (half*IN_W + v)*WORDS + word. With RUN_TIME, the first beat of a frame of VECTORS vectors is
// taken together with the precisions of that frame; otherwise all planes are written.

`default_nettype none

module bm_plane_writer #(
  parameter  int unsigned LANES    = 1,  // vectors side by side
  parameter  int unsigned TAKE     = 4,  // elements per beat and lane
  parameter  int unsigned BEATS    = 2,  // beats per word
  parameter  int unsigned WORDS    = 4,  // words per vector
  parameter  int unsigned VECTORS  = 1,  // vectors per frame and lane
  parameter  int unsigned IN_W     = 4,  // bits per element, at most this many planes
  parameter  int unsigned W_W      = 4,  // bits per weight
  parameter  bit          RUN_TIME = 1'b0,  // fewer bits by s_knobs, which is else not looked at
  parameter  int unsigned KNOB_W   = 3,  // bits of one knob
  localparam int unsigned BANK_W   = (BEATS > 1) ? $clog2(BEATS) : 1,
  localparam int unsigned ADDR_W   = $clog2(2 * IN_W * WORDS),
  localparam int unsigned U_W      = (W_W > 1) ? $clog2(W_W) : 1,
  localparam int unsigned V_W      = (IN_W > 1) ? $clog2(IN_W) : 1
) (
  input  wire logic                       clk,
  input  wire logic                       rst,

  input  wire logic [LANES*TAKE*IN_W-1:0] s_axis_tdata,
  input  wire logic                       s_axis_tvalid,
  output wire logic                       s_axis_tready,

  input  wire logic [       2*KNOB_W-1:0] s_knobs_tdata,  // {abits, wbits}
  input  wire logic                       s_knobs_tvalid,
  output wire logic                       s_knobs_tready,

  input  wire logic                       space,  // for a word more
  output wire logic                       write,
  output wire logic [     LANES*TAKE-1:0] plane,
  output wire logic [         BANK_W-1:0] bank,
  output wire logic [         ADDR_W-1:0] addr,
  output wire logic                       word_ends,
  output wire logic                       vector_starts,
  output wire logic                       half,
  output wire logic [            U_W-1:0] last_u,  // wbits - 1 of the frame that is written
  output wire logic [            V_W-1:0] last_v  // abits - 1 of it
);

  localparam int unsigned LEFT_W = $clog2(IN_W + 1);
  localparam int unsigned WORD_W = (WORDS > 1) ? $clog2(WORDS) : 1;

  logic [LANES*TAKE*IN_W-1:0] beat_q;
  logic [LEFT_W-1:0] left_q;  // planes of it still to be written
  logic [LEFT_W-1:0] planes;  // of a beat that is taken now
  logic [V_W-1:0] bit_q;  // the plane that is written next stands at this bit of an element
  logic [BANK_W-1:0] bank_q;
  logic [WORD_W-1:0] word_q;
  logic half_q;
  logic [ADDR_W-1:0] word_addr_q, addr_q;
  logic open, take, beat_ends, vector_ends;

  assign open        = left_q == '0 || (left_q == LEFT_W'(1) && space);
  assign take        = s_axis_tvalid && s_axis_tready;
  assign write       = left_q != '0 && space;
  assign beat_ends   = write && left_q == LEFT_W'(1);
  assign word_ends   = beat_ends && bank_q == BANK_W'(BEATS - 1);
  assign vector_ends = word_ends && word_q == WORD_W'(WORDS - 1);

  // Only a half's first plane of all finds everything at its start.
  assign vector_starts = write && bit_q == V_W'(IN_W - 1) && bank_q == '0 && word_q == '0;

  assign bank = bank_q;
  assign addr = addr_q;
  assign half = half_q;

  if (RUN_TIME) begin : gen_knobs
    localparam int unsigned FRAME = VECTORS * WORDS * BEATS;

    logic frame_starts, unused_valid, unused_last;
    logic [LEFT_W-1:0] abits;
    logic [U_W-1:0] last_u_q;
    logic [V_W-1:0] last_v_q;

    bm_beat_place #(
      .BEATS(FRAME),
      .STAGES(0)
    ) u_place (
      .clk,
      .rst,
      .en(1'b1),
      .valid(take),
      .out_valid(unused_valid),
      .out_first(frame_starts),
      .out_last(unused_last)
    );

    assign s_axis_tready  = open && (!frame_starts || s_knobs_tvalid);
    assign s_knobs_tready = open && frame_starts && s_axis_tvalid;
    assign abits          = LEFT_W'(s_knobs_tdata[KNOB_W+:KNOB_W]);
    assign planes         = frame_starts ? abits : LEFT_W'(last_v_q) + 1'b1;
    assign last_u         = last_u_q;
    assign last_v         = last_v_q;

    always_ff @(posedge clk) begin
      if (take && frame_starts) begin
        last_u_q <= U_W'(s_knobs_tdata[KNOB_W-1:0] - 1'b1);
        last_v_q <= V_W'(abits - 1'b1);
      end
    end

`ifndef SYNTHESIS
    knobs_fit_a: assert property (@(posedge clk) disable iff (rst)
      s_knobs_tvalid |-> s_knobs_tdata[KNOB_W-1:0] >= 1 && 32'(s_knobs_tdata[KNOB_W-1:0]) <= W_W
          && s_knobs_tdata[KNOB_W+:KNOB_W] >= 1 && 32'(s_knobs_tdata[KNOB_W+:KNOB_W]) <= IN_W);
`endif
  end else begin : gen_all_planes
    logic unused;

    assign unused         = &{1'b0, s_knobs_tdata, s_knobs_tvalid};
    assign s_axis_tready  = open;
    assign s_knobs_tready = 1'b0;
    assign planes         = LEFT_W'(IN_W);
    assign last_u         = U_W'(W_W - 1);
    assign last_v         = V_W'(IN_W - 1);
  end

  for (genvar i = 0; i < LANES * TAKE; i++) begin : gen_element
    logic [IN_W-1:0] element;

    assign element  = beat_q[i*IN_W+:IN_W];
    assign plane[i] = element[bit_q];
  end

  always_ff @(posedge clk) begin
    if (take) beat_q <= s_axis_tdata;
    if (write) begin
      left_q <= left_q - 1'b1;
      bit_q  <= bit_q - 1'b1;
      addr_q <= addr_q + ADDR_W'(WORDS);
    end
    if (beat_ends) begin
      bit_q  <= V_W'(IN_W - 1);
      bank_q <= bank_q + 1'b1;
      addr_q <= word_addr_q;
    end
    if (word_ends) begin
      bank_q      <= '0;
      word_q      <= word_q + 1'b1;
      word_addr_q <= word_addr_q + 1'b1;
      addr_q      <= word_addr_q + 1'b1;
    end
    if (vector_ends) begin
      word_q      <= '0;
      half_q      <= !half_q;
      word_addr_q <= half_q ? '0 : ADDR_W'(IN_W * WORDS);
      addr_q      <= half_q ? '0 : ADDR_W'(IN_W * WORDS);
    end
    if (take) left_q <= planes;
    if (rst) begin
      left_q      <= '0;
      bit_q       <= V_W'(IN_W - 1);
      bank_q      <= '0;
      word_q      <= '0;
      half_q      <= 1'b0;
      word_addr_q <= '0;
      addr_q      <= '0;
    end
  end

endmodule

`default_nettype wire
