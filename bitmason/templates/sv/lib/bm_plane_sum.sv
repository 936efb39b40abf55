// SPDX-License-Identifier: Apache-2.0
//
// bm_plane_sum: sums the counts of each pair of planes, and the pairs of a product by their weight.
//
// Golden model: with pairs[i] the sum of the BEATS counts of pair i, Horner's scheme:
//   sum = 0; for each pair: sum = (doubles ? 2 * sum : sum) + (negative ? -p : p)
//   where p = pairs[i] * 2**scale, modulo 2**SUM_W.
// Most additions are those of counts, and narrow: PAIR_W bits hold the most that a pair can count. It
// is the reduction depth rule of Schindler, section 4.1.3, with a width of any size in place of 8, 16
// and 32 bits. Only once a pair does a number reach the wide sum.
// Throughput: 1 count per enabled cycle. Latency: BEATS > 1 ? 2 : 1 enabled cycles. No stream ports.

`default_nettype none

module bm_plane_sum #(
  parameter int unsigned COUNT_W = 3,  // bits per count
  parameter int unsigned PAIR_W  = 5,  // bits per sum of a pair's counts
  parameter int unsigned BEATS   = 4,  // counts per pair
  parameter bit          SIGNED  = 1'b1,  // there are pairs that are subtracted
  parameter int unsigned SUM_W   = 8  // bits of the sum
) (
  input  wire logic               clk,
  input  wire logic               en,

  input  wire logic [COUNT_W-1:0] count,
  input  wire logic               count_valid,
  input  wire logic               count_first,  // of its pair

  // These stand with the pair: BEATS > 1 ? 1 : 0 enabled cycles behind its last count.
  input  wire logic               pair_valid,
  input  wire logic               pair_first,  // of its sum
  input  wire logic               doubles,
  input  wire logic               negative,
  input  wire logic [        1:0] scale,

  output wire logic [  SUM_W-1:0] sum
);

  logic [PAIR_W-1:0] pair;
  logic unused_high;  // bits above those of the sum

  assign unused_high = &{1'b0, count, pair};

  if (BEATS == 1) begin : gen_one_count
    logic unused;
    assign unused = &{1'b0, count_valid, count_first};
    assign pair = PAIR_W'(count);
  end else begin : gen_counts
    logic [PAIR_W-1:0] pair_q;

    assign pair = pair_q;

    always_ff @(posedge clk) begin
      if (en && count_valid) pair_q <= PAIR_W'(count) + (count_first ? '0 : pair_q);
    end
  end

  // Zeros at the end of a number are ones in its complement: they come in before the shift.
  logic [SUM_W+2:0] scaled;
  logic [SUM_W-1:0] addend, held, sum_d, sum_q;

  assign addend = SUM_W'(scaled >> (2'd3 - scale));
  assign held   = pair_first ? '0 : doubles ? sum_q << 1 : sum_q;
  assign sum    = sum_q;

  if (SIGNED) begin : gen_signed
    logic unused_bit;

    // An extra lowest position makes the carry that completes a negative number.
    assign scaled = {SUM_W'(pair), 3'b000} ^ {(SUM_W + 3){negative}};
    assign {sum_d, unused_bit} = {addend, negative} + {held, negative};
  end else begin : gen_unsigned
    logic unused;
    assign unused = negative;
    assign scaled = {SUM_W'(pair), 3'b000};
    assign sum_d = addend + held;
  end

  always_ff @(posedge clk) begin
    if (en && pair_valid) sum_q <= sum_d;
  end

endmodule

`default_nettype wire
