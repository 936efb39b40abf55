// SPDX-License-Identifier: Apache-2.0
//
// bm_pool: the maximum or the sum of every window, channel by channel.
//
// Golden model: bitmason/ir/ops/pooling.py. Throughput: TAPS/SIMD cycles per output beat of PE
// channels, exactly. PIPE(1 + STAGES, TAPS/SIMD): one enable for everything,
// en = m_axis_tready || !m_axis_tvalid, s_axis_tready = en (combinational; add a bm_skid to cut the
// path), every TAPS/SIMD beats in make one beat out.
// Latency: 1 + STAGES cycles from the last input beat of an output beat.
//
// Input: for each PE channels the TAPS elements of their window, SIMD taps per beat; tap t of a
// beat and channel pe stand at element t*PE + pe. Bipolar bits (0 = -1, 1 = +1) have the maximum of
// unsigned ones.

`default_nettype none

module bm_pool #(
  parameter string       OP        = "max",  // "max" or "sum"
  parameter int unsigned PE        = 2,  // channels at once
  parameter int unsigned TAPS      = 4,  // elements per window, a multiple of SIMD
  parameter int unsigned SIMD      = 1,  // taps at once
  parameter int unsigned IN_W      = 4,  // bits per element
  parameter bit          IN_SIGNED = 1'b0,  // elements are two's complement
  parameter int unsigned OUT_W     = 4,  // bits per result; sums are modulo 2**OUT_W
  parameter int unsigned STAGES    = 0  // registers before the accumulator
) (
  input  wire logic                    clk,
  input  wire logic                    rst,

  input  wire logic [SIMD*PE*IN_W-1:0] s_axis_tdata,
  input  wire logic                    s_axis_tvalid,
  output wire logic                    s_axis_tready,

  output wire logic [    PE*OUT_W-1:0] m_axis_tdata,
  output wire logic                    m_axis_tvalid,
  input  wire logic                    m_axis_tready
);

  localparam int unsigned RESULT_W = (OP == "max") ? IN_W : OUT_W;

  if (OP != "max" && OP != "sum") begin : gen_reject_op
    $error("bm_pool: OP must be max or sum, not %s", OP);
  end
  if (TAPS % SIMD != 0) begin : gen_reject_partial_window
    $error("bm_pool: TAPS (%0d) must be a multiple of SIMD (%0d)", TAPS, SIMD);
  end
  if (OUT_W < RESULT_W) begin : gen_reject_narrow
    $error("bm_pool: OUT_W (%0d) must be at least IN_W (%0d) for a maximum", OUT_W, IN_W);
  end

  logic en;
  logic part_valid, part_first, part_last;
  logic valid_q;

  assign en            = m_axis_tready || !valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q;

  bm_beat_place #(
    .BEATS(TAPS / SIMD),
    .STAGES(STAGES)
  ) u_place (
    .clk,
    .rst,
    .en,
    .valid(s_axis_tvalid),
    .out_valid(part_valid),
    .out_first(part_first),
    .out_last(part_last)
  );

  always_ff @(posedge clk) begin
    if (en) valid_q <= part_valid && part_last;
    if (rst) valid_q <= 1'b0;
  end

  // The accumulator is the output register too: it moves on only when its result was taken.
  for (genvar pe = 0; pe < PE; pe++) begin : gen_pe
    logic [SIMD*IN_W-1:0] taps;
    logic [RESULT_W-1:0] part, result_d, result_q;

    for (genvar t = 0; t < SIMD; t++) begin : gen_tap
      assign taps[t*IN_W+:IN_W] = s_axis_tdata[(t*PE+pe)*IN_W+:IN_W];
    end

    if (OP == "max") begin : gen_max
      logic [RESULT_W-1:0] greater;

      bm_max_tree #(
        .N(SIMD),
        .IN_W(IN_W),
        .IN_SIGNED(IN_SIGNED),
        .STAGES(STAGES)
      ) u_tree (
        .clk,
        .en,
        .terms(taps),
        .greatest(part)
      );

      bm_max #(
        .WIDTH(IN_W),
        .IN_SIGNED(IN_SIGNED)
      ) u_max (
        .a(part),
        .b(result_q),
        .greater
      );

      assign result_d = part_first ? part : greater;
    end else begin : gen_sum
      bm_adder_tree #(
        .N(SIMD),
        .IN_W(IN_W),
        .IN_SIGNED(IN_SIGNED),
        .OUT_W(OUT_W),
        .STAGES(STAGES)
      ) u_tree (
        .clk,
        .en,
        .terms(taps),
        .total(part)
      );

      assign result_d = (part_first ? '0 : result_q) + part;
    end

    always_ff @(posedge clk) begin
      if (en && part_valid) result_q <= result_d;
    end

    if (IN_SIGNED) begin : gen_signed
      assign m_axis_tdata[pe*OUT_W+:OUT_W] = OUT_W'($signed(result_q));
    end else begin : gen_unsigned
      assign m_axis_tdata[pe*OUT_W+:OUT_W] = OUT_W'(result_q);
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
