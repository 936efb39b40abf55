// SPDX-License-Identifier: Apache-2.0
//
// bm_dot_parallel: the dot product of SIMD inputs and weights of any width, modulo 2**OUT_W.
//
// Golden model: numpy.dot. Throughput: 1 product per enabled cycle. Latency: STAGES enabled
// cycles. No stream ports. The registers are spread evenly over multiplication and adder levels;
// with DSP the first one follows the multipliers, where the hard blocks have it.

`default_nettype none

module bm_dot_parallel #(
  parameter int unsigned SIMD      = 4,  // products
  parameter int unsigned IN_W      = 4,  // bits per input
  parameter bit          IN_SIGNED = 1'b0,  // inputs are two's complement
  parameter int unsigned W_W       = 4,  // bits per weight
  parameter bit          W_SIGNED  = 1'b1,  // weights are two's complement
  parameter int unsigned OUT_W     = 10,  // bits of the sum
  parameter int unsigned STAGES    = 0,  // registers from inputs to total
  parameter bit          DSP       = 1'b0  // multiply in DSP blocks
) (
  input  wire logic                 clk,
  input  wire logic                 en,

  input  wire logic [SIMD*IN_W-1:0] x,  // element 0 in the least significant bits
  input  wire logic [ SIMD*W_W-1:0] w,
  output wire logic [    OUT_W-1:0] total
);

  localparam int unsigned PRODUCT_W = IN_W + W_W;
  localparam int unsigned EVEN      = STAGES / ($clog2(SIMD) + 1);
  localparam int unsigned FIRST     = (DSP && STAGES > 0 && EVEN == 0) ? 1 : EVEN;

  logic [SIMD*PRODUCT_W-1:0] products_d, products;

  for (genvar i = 0; i < SIMD; i++) begin : gen_product
    // The extra bit makes unsigned operands non-negative signed ones.
    logic signed [IN_W:0] factor_x;
    logic signed [W_W:0] factor_w;
    assign factor_x = {IN_SIGNED && x[i*IN_W+IN_W-1], x[i*IN_W+:IN_W]};
    assign factor_w = {W_SIGNED && w[i*W_W+W_W-1], w[i*W_W+:W_W]};

    (* use_dsp = DSP ? "yes" : "no" *)
    logic signed [PRODUCT_W-1:0] product;
    assign product = PRODUCT_W'(factor_x) * PRODUCT_W'(factor_w);
    assign products_d[i*PRODUCT_W+:PRODUCT_W] = product;
  end

  bm_delay #(
    .WIDTH(SIMD * PRODUCT_W),
    .CYCLES(FIRST)
  ) u_products (
    .clk,
    .en,
    .d(products_d),
    .q(products)
  );

  bm_adder_tree #(
    .N(SIMD),
    .IN_W(PRODUCT_W),
    .IN_SIGNED(IN_SIGNED || W_SIGNED),
    .OUT_W(OUT_W),
    .STAGES(STAGES - FIRST)
  ) u_tree (
    .clk,
    .en,
    .terms(products),
    .total
  );

endmodule

`default_nettype wire
