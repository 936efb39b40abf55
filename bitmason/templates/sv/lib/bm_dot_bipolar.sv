// SPDX-License-Identifier: Apache-2.0
//
// bm_dot_bipolar: the sum of inputs with the signs that one-bit weights give, modulo 2**OUT_W.
//
// Golden model: numpy.sum(numpy.where(w, x, -x)). Throughput: 1 sum per enabled cycle.
// Latency: STAGES enabled cycles. No stream ports. The registers are spread evenly over the adder
// levels.

`default_nettype none

module bm_dot_bipolar #(
  parameter int unsigned SIMD      = 4,  // inputs
  parameter int unsigned IN_W      = 4,  // bits per input
  parameter bit          IN_SIGNED = 1'b0,  // inputs are two's complement
  parameter int unsigned OUT_W     = 7,  // bits of the sum
  parameter int unsigned STAGES    = 0  // registers from inputs to total
) (
  input  wire logic                 clk,
  input  wire logic                 en,

  input  wire logic [SIMD*IN_W-1:0] x,  // element 0 in the least significant bits
  input  wire logic [     SIMD-1:0] w,  // 0 = -1, 1 = +1
  output wire logic [    OUT_W-1:0] total
);

  // -x is ~x + 1: the ones are counted apart. The extra bit makes unsigned inputs signed ones.
  localparam int unsigned TERM_W = IN_W + (IN_SIGNED ? 0 : 1);

  logic [SIMD*TERM_W-1:0] terms;
  logic [OUT_W-1:0] inverted, ones;

  for (genvar i = 0; i < SIMD; i++) begin : gen_term
    assign terms[i*TERM_W+:TERM_W] = TERM_W'(x[i*IN_W+:IN_W]) ^ {TERM_W{!w[i]}};
  end

  bm_adder_tree #(
    .N(SIMD),
    .IN_W(TERM_W),
    .IN_SIGNED(1'b1),
    .OUT_W(OUT_W),
    .STAGES(STAGES)
  ) u_terms (
    .clk,
    .en,
    .terms,
    .total(inverted)
  );

  bm_adder_tree #(
    .N(SIMD),
    .IN_W(1),
    .OUT_W(OUT_W),
    .STAGES(STAGES)
  ) u_ones (
    .clk,
    .en,
    .terms(~w),
    .total(ones)
  );

  assign total = inverted + ones;

endmodule

`default_nettype wire
