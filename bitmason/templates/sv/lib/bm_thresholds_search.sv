// SPDX-License-Identifier: Apache-2.0
//
// bm_thresholds_search: bm_thresholds by binary search, one comparator and memory per output bit.
//
// Golden model: bitmason/ir/ops/thresholds.py. Throughput: 1 beat per cycle.
// Latency: $clog2(STEPS + 1) + 1 cycles.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.
//
// Tables: one file per lane and search depth, "<INIT_PREFIX>_<lane>_<depth>.mem". With
// DEPTHS = $clog2(STEPS + 1), depth d has 2**d words for each fold, fold 0 first. Word v of a fold
// is the threshold with index (2*v + 1) * 2**(DEPTHS-1-d) - 1 of the channel fold*PE + lane; where
// that is STEPS or more the word is not looked at. In the words of depth 0, one further bit above
// the threshold says that the channel is descending.

`default_nettype none

module bm_thresholds_search #(
  parameter int unsigned CHANNELS    = 4,  // a multiple of PE
  parameter int unsigned PE          = 2,  // channels per beat
  parameter int unsigned IN_W        = 8,  // bits per input
  parameter bit          IN_SIGNED   = 1'b1,  // inputs are two's complement
  parameter int unsigned OUT_W       = 2,  // bits per output
  parameter int unsigned STEPS       = 3,  // thresholds per channel
  parameter int unsigned THR_W       = 9,  // bits per threshold, two's complement
  parameter int          BASE        = 0,  // output below all steps of an ascending channel
  parameter string       INIT_PREFIX = "",  // start of the names of the tables
  parameter string       ROM_STYLE   = "auto"  // see bm_rom
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

  localparam int unsigned FOLDS  = CHANNELS / PE;
  localparam int unsigned FOLD_W = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int unsigned DEPTHS = $clog2(STEPS + 1);
  localparam int unsigned CMP_W  = (IN_W + 1 > THR_W) ? IN_W + 1 : THR_W;

  if (CHANNELS % PE != 0) begin : gen_reject_partial_fold
    $error("bm_thresholds_search: CHANNELS (%0d) must be a multiple of PE (%0d)", CHANNELS, PE);
  end
  if (STEPS < 1) begin : gen_reject_no_step
    $error("bm_thresholds_search: STEPS (%0d) must be 1 or more", STEPS);
  end

  logic en;

  logic [FOLD_W-1:0] fold_q;
  logic [PE*OUT_W-1:0] out_d, out_q;
  logic [DEPTHS-1:0] valid_q;
  logic out_valid_q;

  assign en            = m_axis_tready || !out_valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = out_valid_q;
  assign m_axis_tdata  = out_q;

  always_ff @(posedge clk) begin
    if (en) begin
      out_q       <= out_d;
      out_valid_q <= valid_q[DEPTHS-1];
      valid_q     <= DEPTHS'({valid_q, s_axis_tvalid});
      if (s_axis_tvalid) fold_q <= (fold_q == FOLD_W'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
    end
    if (rst) begin
      out_valid_q <= 1'b0;
      valid_q     <= '0;
      fold_q      <= '0;
    end
  end

  // folds[d]: the fold of the beat that enters depth d.
  logic [DEPTHS*FOLD_W-1:0] folds;

  assign folds[0+:FOLD_W] = fold_q;

  for (genvar depth = 1; depth < DEPTHS; depth++) begin : gen_fold
    bm_delay #(
      .WIDTH(FOLD_W),
      .CYCLES(1)
    ) u_fold (
      .clk,
      .en,
      .d(folds[(depth-1)*FOLD_W+:FOLD_W]),
      .q(folds[depth*FOLD_W+:FOLD_W])
    );
  end

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    for (genvar depth = 0; depth < DEPTHS; depth++) begin : gen_depth
      localparam int unsigned WORDS  = FOLDS * 2 ** depth;
      localparam int unsigned ADDR_W = (WORDS > 1) ? $clog2(WORDS) : 1;
      localparam int unsigned WORD_W = THR_W + ((depth == 0) ? 1 : 0);

      // The beat that enters this depth, and, beside the memory's register, the beat in it.
      logic [IN_W-1:0] x, beat_x_q;
      logic [ADDR_W-1:0] addr;
      logic [WORD_W-1:0] word;

      logic signed [CMP_W-1:0] key;
      logic reached, descending;
      logic [depth:0] found;  // the upper bits of the count

      bm_rom #(
        .WIDTH(WORD_W),
        .DEPTH(WORDS),
        .INIT_FILE($sformatf("%s_%0d_%0d.mem", INIT_PREFIX, lane, depth)),
        .STYLE(ROM_STYLE)
      ) u_table (
        .clk,
        .en,
        .addr,
        .data(word)
      );

      always_ff @(posedge clk) begin
        if (en) beat_x_q <= x;
      end

      if (IN_SIGNED) begin : gen_signed
        assign key = CMP_W'($signed(beat_x_q));
      end else begin : gen_unsigned
        assign key = CMP_W'(beat_x_q);
      end

      if (depth == 0) begin : gen_first
        assign x          = s_axis_tdata[lane*IN_W+:IN_W];
        assign addr       = folds[0+:FOLD_W];
        assign descending = word[THR_W];
        assign found      = reached;
      end else begin : gen_next
        logic [depth-1:0] above_q;
        logic descending_q;

        assign x          = gen_depth[depth-1].beat_x_q;
        assign addr       = ADDR_W'({folds[depth*FOLD_W+:FOLD_W], gen_depth[depth-1].found});
        assign descending = descending_q;
        assign found      = {above_q, reached};

        always_ff @(posedge clk) begin
          if (en) begin
            above_q      <= gen_depth[depth-1].found;
            descending_q <= gen_depth[depth-1].descending;
          end
        end
      end

      // The step is number (2*v + 1) * 2**(DEPTHS-1-depth), counted from 1.
      localparam int unsigned HALF = 2 ** (DEPTHS - 1 - depth);
      if (2 ** DEPTHS - 1 == STEPS || depth == 0) begin : gen_full
        assign reached = key >= CMP_W'($signed(word[THR_W-1:0]));
      end else begin : gen_partial
        assign reached = key >= CMP_W'($signed(word[THR_W-1:0])) &&
            (32'(gen_next.above_q) * 2 + 1) * HALF <= STEPS;
      end
    end

    assign out_d[lane*OUT_W+:OUT_W] = OUT_W'(gen_depth[DEPTHS-1].descending ?
        BASE + int'(STEPS) - int'(gen_depth[DEPTHS-1].found) :
        BASE + int'(gen_depth[DEPTHS-1].found));
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
