// SPDX-License-Identifier: Apache-2.0
//
// bm_global_pool: the maximum or the sum over all pixels of a frame, channel by channel.
//
// Golden model: bitmason/ir/ops/pooling.py. Throughput: PIXELS*FOLDS cycles per frame, exactly.
// PATTERN: takes every beat, and emits while the last pixel passes; en = m_axis_tready ||
// !m_axis_tvalid, s_axis_tready = en (combinational; add a bm_skid to cut the path).
// Latency: 1 cycle from each beat of the last pixel to the output beat of the same channels.
//
// Bipolar bits (0 = -1, 1 = +1) have the maximum of unsigned ones.

`default_nettype none

module bm_global_pool #(
  parameter string       OP        = "sum",  // "max" or "sum"
  parameter int unsigned PE        = 2,  // channels per beat
  parameter int unsigned FOLDS     = 4,  // beats per pixel
  parameter int unsigned PIXELS    = 16,  // pixels per frame
  parameter int unsigned IN_W      = 4,  // bits per element
  parameter bit          IN_SIGNED = 1'b0,  // elements are two's complement
  parameter int unsigned OUT_W     = 8  // bits per result; sums are modulo 2**OUT_W
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

  localparam int unsigned RESULT_W = (OP == "max") ? IN_W : OUT_W;
  localparam int unsigned FOLD_W   = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int unsigned PIXEL_W  = (PIXELS > 1) ? $clog2(PIXELS) : 1;

  if (OP != "max" && OP != "sum") begin : gen_reject_op
    $error("bm_global_pool: OP must be max or sum, not %s", OP);
  end
  if (FOLDS < 1 || PIXELS < 1) begin : gen_reject_empty
    $error("bm_global_pool: FOLDS (%0d) and PIXELS (%0d) must be 1 or more", FOLDS, PIXELS);
  end
  if (OUT_W < IN_W) begin : gen_reject_narrow
    $error("bm_global_pool: OUT_W (%0d) must be at least IN_W (%0d)", OUT_W, IN_W);
  end

  logic en, fire;
  logic [FOLD_W-1:0] fold_q;
  logic [PIXEL_W-1:0] pixel_q;
  logic last_fold, first_pixel, last_pixel;
  logic valid_q;

  assign en            = m_axis_tready || !valid_q;
  assign fire          = en && s_axis_tvalid;
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q;

  assign last_fold   = fold_q == FOLD_W'(FOLDS - 1);
  assign first_pixel = pixel_q == '0;
  assign last_pixel  = pixel_q == PIXEL_W'(PIXELS - 1);

  always_ff @(posedge clk) begin
    if (en) valid_q <= s_axis_tvalid && last_pixel;
    if (fire) fold_q <= last_fold ? '0 : fold_q + 1'b1;
    if (fire && last_fold) pixel_q <= last_pixel ? '0 : pixel_q + 1'b1;
    if (rst) begin
      valid_q <= 1'b0;
      fold_q  <= '0;
      pixel_q <= '0;
    end
  end

  logic [PE*RESULT_W-1:0] kept, results_d, results_q;

  if (FOLDS == 1) begin : gen_registers
    // The accumulators are the output register too: they move on only when it was taken.
    assign kept = results_q;
  end else begin : gen_memory
    (* ram_style = "distributed" *)
    logic [PE*RESULT_W-1:0] words[FOLDS];

    assign kept = words[fold_q];

    always_ff @(posedge clk) begin
      if (fire) words[fold_q] <= results_d;
    end
  end

  always_ff @(posedge clk) begin
    if (fire) results_q <= results_d;
  end

  for (genvar pe = 0; pe < PE; pe++) begin : gen_pe
    logic [IN_W-1:0] x;
    logic [RESULT_W-1:0] so_far, result;

    assign x      = s_axis_tdata[pe*IN_W+:IN_W];
    assign so_far = kept[pe*RESULT_W+:RESULT_W];
    assign results_d[pe*RESULT_W+:RESULT_W] = result;

    if (OP == "max") begin : gen_max
      logic [RESULT_W-1:0] greater;

      bm_max #(
        .WIDTH(IN_W),
        .IN_SIGNED(IN_SIGNED)
      ) u_max (
        .a(x),
        .b(so_far),
        .greater
      );

      assign result = first_pixel ? x : greater;
    end else if (IN_SIGNED) begin : gen_signed_sum
      assign result = (first_pixel ? '0 : so_far) + OUT_W'($signed(x));
    end else begin : gen_unsigned_sum
      assign result = (first_pixel ? '0 : so_far) + OUT_W'(x);
    end

    if (IN_SIGNED) begin : gen_signed
      assign m_axis_tdata[pe*OUT_W+:OUT_W] = OUT_W'($signed(results_q[pe*RESULT_W+:RESULT_W]));
    end else begin : gen_unsigned
      assign m_axis_tdata[pe*OUT_W+:OUT_W] = OUT_W'(results_q[pe*RESULT_W+:RESULT_W]);
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
