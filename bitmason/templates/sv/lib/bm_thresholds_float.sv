// SPDX-License-Identifier: Apache-2.0
//
// bm_thresholds_float: thresholds where they round to custom floating point: a compressor.
//
// Golden model: bitmason/ir/float_steps.py. Throughput: 1 beat per cycle. Latency: 4 cycles.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.
//
// For each element, (x << SHIFT) + offset is rounded to a format with M_BITS of mantissa whose unit
// is 2**FRACTION: to the nearest number, ties to even, or towards zero. The output is the rank of
// that number, exponent and mantissa as one integer with the sign, but at least BASE and at most
// TOP. Without SUBNORMALS the smallest number is 2**M_BITS units, and so is everything from half of
// it on. FRACTION is 1 or more, but for 0 where SUBNORMALS are cut off.
//
// Table: one word per fold, the offsets of PE channels in two's complement, lane 0 lowest.

`default_nettype none

module bm_thresholds_float #(
  parameter int unsigned CHANNELS   = 4,  // a multiple of PE
  parameter int unsigned PE         = 2,  // channels per beat
  parameter int unsigned IN_W       = 16,  // bits per input
  parameter bit          IN_SIGNED  = 1'b1,  // inputs are two's complement
  parameter int unsigned OUT_W      = 7,  // bits per output
  parameter int unsigned M_BITS     = 3,  // bits of the mantissa
  parameter bit          SUBNORMALS = 1'b0,  // the format has numbers below its smallest exponent
  parameter bit          NEAREST    = 1'b0,  // round to the nearest number
  parameter int unsigned FRACTION   = 4,  // bits of the sum below one unit of the format
  parameter int unsigned SHIFT      = 0,  // zeros behind an input
  parameter int unsigned OFFSET_W   = 8,  // bits per offset
  parameter int          BASE       = 0,  // least output
  parameter int          TOP        = 119,  // greatest output
  parameter string       INIT_FILE  = "",  // table
  parameter string       ROM_STYLE  = "auto"  // see bm_rom
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
  localparam int unsigned TERM_W  = (IN_W + SHIFT + 1 > OFFSET_W) ? IN_W + SHIFT + 1 : OFFSET_W;
  localparam int unsigned LEAST   = M_BITS + FRACTION;  // the bit of the smallest normal number
  localparam int unsigned SIZE_W  = (TERM_W > LEAST) ? TERM_W + 1 : LEAST + 2;
  localparam int unsigned MOST    = SIZE_W - 1 - LEAST;  // binades above the lowest
  localparam int unsigned BIN_W   = $clog2(MOST + 1);
  localparam int unsigned RANK_W  = BIN_W + M_BITS + 3;
  // What is left of a magnitude shifted to the top: digits, then those that are rounded away.
  localparam int unsigned REST_W  = SIZE_W - 1 - M_BITS;

  localparam int OUT_MIN = (BASE < 0) ? -(1 << (OUT_W - 1)) : 0;
  localparam int OUT_MAX = (BASE < 0) ? (1 << (OUT_W - 1)) - 1 : (1 << OUT_W) - 1;

  if (CHANNELS % PE != 0) begin : gen_reject_partial_fold
    $error("bm_thresholds_float: CHANNELS (%0d) must be a multiple of PE (%0d)", CHANNELS, PE);
  end
  if (FRACTION == 0 && (NEAREST || !SUBNORMALS)) begin : gen_reject_fraction
    $error("bm_thresholds_float: FRACTION (%0d) must be 1 or more to find halves", FRACTION);
  end
  if (BASE >= TOP) begin : gen_reject_range
    $error("bm_thresholds_float: BASE (%0d) must be less than TOP (%0d)", BASE, TOP);
  end
  if (TOP > OUT_MAX || BASE < OUT_MIN) begin : gen_reject_width
    $error("bm_thresholds_float: OUT_W (%0d) must hold BASE (%0d) to TOP (%0d)", OUT_W, BASE, TOP);
  end

  logic en;

  logic [PE*OFFSET_W-1:0] offsets;
  logic [FOLD_W-1:0] fold_q;
  logic [PE*IN_W-1:0] x_q;
  logic [PE*OUT_W-1:0] out_d, out_q;
  logic [3:0] valid_q;

  assign en            = m_axis_tready || !valid_q[3];
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q[3];
  assign m_axis_tdata  = out_q;

  bm_rom #(
    .WIDTH(PE * OFFSET_W),
    .DEPTH(FOLDS),
    .INIT_FILE(INIT_FILE),
    .STYLE(ROM_STYLE)
  ) u_table (
    .clk,
    .en,
    .addr(fold_q),
    .data(offsets)
  );

  always_ff @(posedge clk) begin
    if (en) begin
      x_q     <= s_axis_tdata;
      out_q   <= out_d;
      valid_q <= {valid_q[2:0], s_axis_tvalid};
      if (s_axis_tvalid) fold_q <= (fold_q == FOLD_W'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
    end
    if (rst) begin
      valid_q <= '0;
      fold_q  <= '0;
    end
  end

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    // First the sum, as a sign and a magnitude.
    logic [TERM_W-1:0] x;
    logic signed [SIZE_W-1:0] sum;
    logic [SIZE_W-1:0] size_q;
    logic negative_q;

    if (IN_SIGNED) begin : gen_signed
      assign x = TERM_W'($signed(x_q[lane*IN_W+:IN_W]));
    end else begin : gen_unsigned
      assign x = TERM_W'(x_q[lane*IN_W+:IN_W]);
    end

    assign sum = SIZE_W'($signed(x << SHIFT))
        + SIZE_W'($signed(offsets[lane*OFFSET_W+:OFFSET_W]));

    // Then its leading one to the top, unless it lies below the smallest normal number.
    logic [BIN_W-1:0] binade, binade_q;
    logic [SIZE_W-1:0] digits_q;
    logic below_q;

    always_comb begin
      binade = '0;
      for (int unsigned i = 1; i <= MOST; i++) if (size_q[LEAST+i]) binade = BIN_W'(i);
    end

    // Then rounding; a carry out of the mantissa is one in the exponent. Without mantissa no number
    // is even: ties go to the larger one.
    logic [M_BITS:0] kept;
    logic [REST_W-1:0] rest;
    logic up;
    logic signed [RANK_W-1:0] magnitude, rank;

    assign {kept, rest} = digits_q;

    assign up = NEAREST && rest[REST_W-1] && (M_BITS == 0 || (rest << 1) != '0 || kept[0]);

    always_comb begin
      magnitude = RANK_W'(kept) + RANK_W'(up) + RANK_W'(RANK_W'(binade_q) << M_BITS);
      if (!SUBNORMALS && !kept[M_BITS]) begin
        magnitude = digits_q[SIZE_W-2] ? RANK_W'(2 ** M_BITS) : '0;
      end
      rank = below_q ? -magnitude : magnitude;
    end

    always_comb begin
      out_d[lane*OUT_W+:OUT_W] = OUT_W'(rank);
      if (int'(rank) > TOP) out_d[lane*OUT_W+:OUT_W] = OUT_W'(TOP);
      if (int'(rank) < BASE) out_d[lane*OUT_W+:OUT_W] = OUT_W'(BASE);
    end

    always_ff @(posedge clk) begin
      if (en) begin
        size_q     <= (sum < 0) ? -sum : sum;
        negative_q <= sum < 0;
        binade_q   <= binade;
        digits_q   <= size_q << (BIN_W'(MOST) - binade);
        below_q    <= negative_q;
      end
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
