// SPDX-License-Identifier: Apache-2.0
//
// bm_dot_select: the sum of those inputs whose one-bit weight is set, modulo 2**OUT_W.
//
// Golden model: numpy.sum(x[w]). Throughput: 1 sum per enabled cycle. Latency: STAGES enabled
// cycles. No stream ports. The registers are spread evenly over the adder levels.

`default_nettype none

module bm_dot_select #(
  parameter int unsigned SIMD      = 4,  // inputs
  parameter int unsigned IN_W      = 4,  // bits per input
  parameter bit          IN_SIGNED = 1'b0,  // inputs are two's complement
  parameter int unsigned OUT_W     = 6,  // bits of the sum
  parameter int unsigned STAGES    = 0  // registers from inputs to total
) (
  input  wire logic                 clk,
  input  wire logic                 en,

  input  wire logic [SIMD*IN_W-1:0] x,  // element 0 in the least significant bits
  input  wire logic [     SIMD-1:0] w,
  output wire logic [    OUT_W-1:0] total
);

  logic [SIMD*IN_W-1:0] selected;

  for (genvar i = 0; i < SIMD; i++) begin : gen_select
    assign selected[i*IN_W+:IN_W] = x[i*IN_W+:IN_W] & {IN_W{w[i]}};
  end

  bm_adder_tree #(
    .N(SIMD),
    .IN_W(IN_W),
    .IN_SIGNED(IN_SIGNED),
    .OUT_W(OUT_W),
    .STAGES(STAGES)
  ) u_tree (
    .clk,
    .en,
    .terms(selected),
    .total
  );

endmodule

`default_nettype wire
