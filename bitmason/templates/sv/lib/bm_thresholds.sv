// SPDX-License-Identifier: Apache-2.0
//
// bm_thresholds: for each channel, count how many of its thresholds the input reaches.
//
// Golden model: bitmason/ir/ops/thresholds.py. Throughput: 1 beat per cycle. Latency: 2 cycles.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.
//
// count = number of steps t with x >= t; out = BASE + count, or BASE + STEPS - count where the
// channel is descending; modulo 2**OUT_W. All comparators work in parallel; bm_thresholds_search
// keeps the same contract with one comparator per output bit.
//
// Table: one word per fold; PE*STEPS thresholds of THR_W bits, ascending per channel, lane 0
// step 0 in the least significant bits; above them one descending bit per lane.

`default_nettype none

module bm_thresholds #(
  parameter int unsigned CHANNELS  = 4,  // a multiple of PE
  parameter int unsigned PE        = 2,  // channels per beat
  parameter int unsigned IN_W      = 8,  // bits per input
  parameter bit          IN_SIGNED = 1'b1,  // inputs are two's complement
  parameter int unsigned OUT_W     = 2,  // bits per output
  parameter int unsigned STEPS     = 3,  // thresholds per channel
  parameter int unsigned THR_W     = 9,  // bits per threshold, two's complement
  parameter int          BASE      = 0,  // output below all steps of an ascending channel
  parameter string       INIT_FILE = "",  // table
  parameter string       ROM_STYLE = "auto"  // see bm_rom
) (
  input  wire logic                clk,
  input  wire logic                rst,

  input  wire logic [ PE*IN_W-1:0] s_axis_tdata,
  input  wire logic                s_axis_tvalid,
  output wire logic                s_axis_tready,

  output wire logic [PE*OUT_W-1:0] m_axis_tdata,
  output wire logic                m_axis_tvalid,
  input  wire logic                m_axis_tready
);

  localparam int unsigned FOLDS   = CHANNELS / PE;
  localparam int unsigned FOLD_W  = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int unsigned WORD_W  = PE * (STEPS * THR_W + 1);
  localparam int unsigned COUNT_W = $clog2(STEPS + 1);
  localparam int unsigned REACH_N = 2 ** COUNT_W - 1;
  localparam int unsigned CMP_W   = (IN_W + 1 > THR_W) ? IN_W + 1 : THR_W;

  if (CHANNELS % PE != 0) begin : gen_reject_partial_fold
    $error("bm_thresholds: CHANNELS (%0d) must be a multiple of PE (%0d)", CHANNELS, PE);
  end
  if (STEPS < 1) begin : gen_reject_no_step
    $error("bm_thresholds: STEPS (%0d) must be 1 or more", STEPS);
  end

  logic en;

  logic [WORD_W-1:0] word;
  logic [FOLD_W-1:0] fold_q;
  logic [PE*IN_W-1:0] x_q;
  logic [PE*OUT_W-1:0] out_d, out_q;
  logic x_valid_q, out_valid_q;

  assign en            = m_axis_tready || !out_valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = out_valid_q;
  assign m_axis_tdata  = out_q;

  bm_rom #(
    .WIDTH(WORD_W),
    .DEPTH(FOLDS),
    .INIT_FILE(INIT_FILE),
    .STYLE(ROM_STYLE)
  ) u_table (
    .clk,
    .en,
    .addr(fold_q),
    .data(word)
  );

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    logic signed [CMP_W-1:0] x;
    logic [REACH_N-1:0] reached;  // ones, then zeros; step 0 in bit 0
    logic [COUNT_W-1:0] count;
    logic descending;

    if (IN_SIGNED) begin : gen_signed
      assign x = CMP_W'($signed(x_q[lane*IN_W+:IN_W]));
    end else begin : gen_unsigned
      assign x = CMP_W'(x_q[lane*IN_W+:IN_W]);
    end

    for (genvar step = 0; step < REACH_N; step++) begin : gen_step
      if (step < STEPS) begin : gen_compare
        assign reached[step] = x >= CMP_W'($signed(word[(lane*STEPS+step)*THR_W+:THR_W]));
      end else begin : gen_never
        assign reached[step] = 1'b0;
      end
    end

    // The steps ascend, so the length of the run of ones is found by halving.
    always_comb begin
      count = '0;
      for (int bit_index = COUNT_W - 1; bit_index >= 0; bit_index--) begin
        count[bit_index] = reached[count+COUNT_W'(2**bit_index-1)];
      end
    end

    assign descending = word[PE*STEPS*THR_W+lane];
    assign out_d[lane*OUT_W+:OUT_W] =
        OUT_W'(descending ? BASE + int'(STEPS) - int'(count) : BASE + int'(count));
  end

  always_ff @(posedge clk) begin
    if (en) begin
      x_q         <= s_axis_tdata;
      x_valid_q   <= s_axis_tvalid;
      out_q       <= out_d;
      out_valid_q <= x_valid_q;
      if (s_axis_tvalid) fold_q <= (fold_q == FOLD_W'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
    end
    if (rst) begin
      x_valid_q   <= 1'b0;
      out_valid_q <= 1'b0;
      fold_q      <= '0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
