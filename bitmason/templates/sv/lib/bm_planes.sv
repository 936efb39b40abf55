// SPDX-License-Identifier: Apache-2.0
//
// bm_planes: holds two vectors as bit planes, and sends the planes of each as its products need them.
//
// Golden model: for each vector and row of weights, the planes in the order of bm_plane_order.
// Throughput: 1 word per cycle, ROWS*wbits*abits*WORDS words per vector, no bubble between vectors
// while data is there: the first pass follows the input word by word.
// Latency: abits + 1 cycles from a word's last beat to the word. s_axis_tready is combinational from
// s_knobs_tvalid with RUN_TIME and a function of registers without; s_knobs_tready is combinational
// from s_axis_tvalid.
//
// A beat holds TAKE elements of each lane. The element e of a word stands at bit e of its planes.

`default_nettype none

module bm_planes #(
  parameter  int unsigned LANES     = 1,  // vectors side by side
  parameter  int unsigned WIDTH     = 8,  // elements per word and lane, a multiple of TAKE
  parameter  int unsigned TAKE      = 4,  // elements per beat and lane
  parameter  int unsigned WORDS     = 4,  // words per vector
  parameter  int unsigned ROWS      = 2,  // rows of weights that each vector meets
  parameter  int unsigned GROUPS    = 1,  // vectors until the rows start again
  parameter  int unsigned VECTORS   = 1,  // vectors per frame, lane and group
  parameter  int unsigned IN_W      = 4,  // bits per element
  parameter  bit          IN_SIGNED = 1'b0,  // elements are two's complement
  parameter  int unsigned W_W       = 4,  // bits per weight
  parameter  bit          W_SIGNED  = 1'b1,  // weights are two's complement
  parameter  bit          RUN_TIME  = 1'b0,  // fewer bits by s_knobs, which is else not looked at
  parameter  int unsigned KNOB_W    = 3,  // bits of one knob
  parameter  string       RAM_STYLE = "auto",  // memory: "auto", "distributed" or "block"
  localparam int unsigned W_WORDS   = GROUPS * ROWS * W_W * WORDS,
  localparam int unsigned W_ADDR_W  = (W_WORDS > 1) ? $clog2(W_WORDS) : 1,
  localparam int unsigned SHIFT_W   = (W_W + IN_W > 2) ? $clog2(W_W + IN_W - 1) : 1
) (
  input  wire logic                        clk,
  input  wire logic                        rst,

  input  wire logic [ LANES*TAKE*IN_W-1:0] s_axis_tdata,
  input  wire logic                        s_axis_tvalid,
  output wire logic                        s_axis_tready,

  input  wire logic [        2*KNOB_W-1:0] s_knobs_tdata,  // {abits, wbits}
  input  wire logic                        s_knobs_tvalid,
  output wire logic                        s_knobs_tready,

  // The words of the weights are read together with those sent.
  output wire logic                        fetch,
  output wire logic [        W_ADDR_W-1:0] w_addr,

  output wire logic [     LANES*WIDTH-1:0] m_axis_tdata,
  output wire logic                        m_axis_tvalid,
  input  wire logic                        m_axis_tready,
  // What the word on offer is, see bm_plane_order.
  output wire logic                        word_first,
  output wire logic                        word_last,
  output wire logic                        pair_first,
  output wire logic                        pair_last,
  output wire logic                        doubles,
  output wire logic                        negative,
  output wire logic [         SHIFT_W-1:0] shift  // planes that are left out, of both sides
);

  localparam int unsigned BEATS   = WIDTH / TAKE;
  localparam int unsigned DEPTH   = 2 * IN_W * WORDS;
  localparam int unsigned ADDR_W  = $clog2(DEPTH);
  localparam int unsigned BANK_W  = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam int unsigned INDEX_W = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam int unsigned LEVEL_W = $clog2(2 * WORDS + 1);
  localparam int unsigned U_W     = (W_W > 1) ? $clog2(W_W) : 1;
  localparam int unsigned V_W     = (IN_W > 1) ? $clog2(IN_W) : 1;

  if (WIDTH % TAKE != 0) begin : gen_reject_partial_word
    $error("bm_planes: WIDTH (%0d) must be a multiple of TAKE (%0d)", WIDTH, TAKE);
  end
  if (WORDS < 1 || ROWS < 1 || GROUPS < 1 || LANES < 1) begin : gen_reject_empty
    $error("bm_planes: WORDS (%0d), ROWS (%0d), GROUPS (%0d) and LANES (%0d) must be 1 or more",
           WORDS, ROWS, GROUPS, LANES);
  end
  if (RUN_TIME && (2 ** KNOB_W <= W_W || 2 ** KNOB_W <= IN_W)) begin : gen_reject_knobs
    $error("bm_planes: KNOB_W (%0d) is too narrow for W_W (%0d) or IN_W (%0d)", KNOB_W, W_W, IN_W);
  end
  if (RUN_TIME && VECTORS < 1) begin : gen_reject_frames
    $error("bm_planes: VECTORS (%0d) must be 1 or more", VECTORS);
  end

  if (RAM_STYLE != "auto" && RAM_STYLE != "distributed" && RAM_STYLE != "block")
  begin : gen_reject_style
    $error("bm_planes: RAM_STYLE must be auto, distributed or block, not %s", RAM_STYLE);
  end

  logic space;
  logic write, word_ends, vector_starts, write_half;
  logic [LANES*TAKE-1:0] plane;
  logic [BANK_W-1:0] bank;
  logic [ADDR_W-1:0] write_addr;
  logic [U_W-1:0] write_last_u, last_u;
  logic [V_W-1:0] write_last_v, last_v;

  bm_plane_writer #(
    .LANES(LANES),
    .TAKE(TAKE),
    .BEATS(BEATS),
    .WORDS(WORDS),
    .VECTORS(VECTORS * GROUPS),
    .IN_W(IN_W),
    .W_W(W_W),
    .RUN_TIME(RUN_TIME),
    .KNOB_W(KNOB_W)
  ) u_writer (
    .clk,
    .rst,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .s_knobs_tdata,
    .s_knobs_tvalid,
    .s_knobs_tready,
    .space,
    .write,
    .plane,
    .bank,
    .addr(write_addr),
    .word_ends,
    .vector_starts,
    .half(write_half),
    .last_u(write_last_u),
    .last_v(write_last_v)
  );

  logic [INDEX_W-1:0] index;
  logic [ADDR_W-1:0] x_addr;
  logic read_half, vector_ends;
  logic word_first_d, word_last_d, pair_first_d, pair_last_d, doubles_d, negative_d;

  bm_plane_order #(
    .WORDS(WORDS),
    .ROWS(ROWS),
    .GROUPS(GROUPS),
    .IN_W(IN_W),
    .IN_SIGNED(IN_SIGNED),
    .W_W(W_W),
    .W_SIGNED(W_SIGNED)
  ) u_order (
    .clk,
    .rst,
    .step(fetch),
    .last_u,
    .last_v,
    .index,
    .x_addr,
    .w_addr,
    .half(read_half),
    .word_first(word_first_d),
    .word_last(word_last_d),
    .pair_first(pair_first_d),
    .pair_last(pair_last_d),
    .doubles(doubles_d),
    .negative(negative_d),
    .vector_ends
  );

  logic [SHIFT_W-1:0] shift_d;

  if (RUN_TIME) begin : gen_precisions
    logic [U_W-1:0] last_u_q[2];
    logic [V_W-1:0] last_v_q[2];

    assign last_u  = last_u_q[read_half];
    assign last_v  = last_v_q[read_half];
    assign shift_d = SHIFT_W'(W_W + IN_W - 2) - SHIFT_W'(last_u) - SHIFT_W'(last_v);

    always_ff @(posedge clk) begin
      if (vector_starts) begin
        last_u_q[write_half] <= write_last_u;
        last_v_q[write_half] <= write_last_v;
      end
    end
  end else begin : gen_all_planes
    logic unused;

    assign unused  = &{1'b0, vector_starts, write_half, read_half};
    assign last_u  = write_last_u;
    assign last_v  = write_last_v;
    assign shift_d = '0;
  end

  // Words stored, from the start of the vector that is read.
  logic [LEVEL_W-1:0] level_q;
  logic valid_q;
  logic word_first_q, word_last_q, pair_first_q, pair_last_q, doubles_q, negative_q;
  logic [SHIFT_W-1:0] shift_q;

  assign space = level_q != LEVEL_W'(2 * WORDS);
  assign fetch = LEVEL_W'(index) < level_q && (m_axis_tready || !valid_q);

  assign m_axis_tvalid = valid_q;
  assign word_first    = word_first_q;
  assign word_last     = word_last_q;
  assign pair_first    = pair_first_q;
  assign pair_last     = pair_last_q;
  assign doubles       = doubles_q;
  assign negative      = negative_q;
  assign shift         = shift_q;

  always_ff @(posedge clk) begin
    level_q <= level_q + LEVEL_W'(word_ends) - (vector_ends ? LEVEL_W'(WORDS) : '0);
    if (m_axis_tready || !valid_q) valid_q <= fetch;
    if (fetch) begin
      word_first_q <= word_first_d;
      word_last_q  <= word_last_d;
      pair_first_q <= pair_first_d;
      pair_last_q  <= pair_last_d;
      doubles_q    <= doubles_d;
      negative_q   <= negative_d;
      shift_q      <= shift_d;
    end
    if (rst) begin
      level_q <= '0;
      valid_q <= 1'b0;
    end
  end

  for (genvar i = 0; i < BEATS; i++) begin : gen_bank
    // What is read is never what is written.
    (* ram_style = RAM_STYLE, no_rw_check *)
    logic [LANES*TAKE-1:0] words[DEPTH];
    logic [LANES*TAKE-1:0] data_q;

    always_ff @(posedge clk) begin
      if (write && bank == BANK_W'(i)) words[write_addr] <= plane;
      if (fetch) data_q <= words[x_addr];
    end

    for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
      assign m_axis_tdata[lane*WIDTH+i*TAKE+:TAKE] = data_q[lane*TAKE+:TAKE];
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
