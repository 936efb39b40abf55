// SPDX-License-Identifier: Apache-2.0
//
// bm_ras_lane: sums runs of elements, one an enabled cycle; the first of a run starts the sum anew.
//
// Golden model: numpy.sum of each run, modulo 2**SUM_W.
// One accumulator serves all classes of weights, because a list names those of a row and class in
// a row: a LUT and a register for each bit of the sum, however many classes there are.
// Throughput: 1 element per enabled cycle. Latency: 1 enabled cycle. No stream ports.

`default_nettype none

module bm_ras_lane #(
  parameter int unsigned IN_W      = 8,  // bits per element
  parameter bit          IN_SIGNED = 1'b0,  // elements are two's complement
  parameter int unsigned SUM_W     = 16  // bits of the sum, IN_W or more
) (
  input  wire logic             clk,
  input  wire logic             en,

  input  wire logic [ IN_W-1:0] x,
  input  wire logic             first,  // of its run
  output wire logic [SUM_W-1:0] sum
);

  if (SUM_W < IN_W) begin : gen_reject_sum
    $error("bm_ras_lane: SUM_W (%0d) must be IN_W (%0d) or more", SUM_W, IN_W);
  end

  logic [SUM_W-1:0] term, sum_q;

  if (IN_SIGNED) begin : gen_signed
    assign term = SUM_W'($signed(x));
  end else begin : gen_unsigned
    assign term = SUM_W'(x);
  end

  assign sum = sum_q;

  always_ff @(posedge clk) begin
    if (en) sum_q <= term + (first ? '0 : sum_q);
  end

endmodule

`default_nettype wire
