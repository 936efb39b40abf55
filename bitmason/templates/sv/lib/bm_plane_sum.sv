// SPDX-License-Identifier: Apache-2.0
//
// bm_plane_sum: sums the counts of each pair of planes, and the pairs of a product by their weight.
//
// Golden model: with pairs[i] the sum of the BEATS counts of pair i, from the least significant one:
//   sum = 0; for each pair: sum = (halves ? sum / 2 : sum) + (negative ? -pairs[i] : pairs[i]);
// at last sum * 2**LOW_W, modulo 2**SUM_W. Throughput: 1 count per enabled cycle.
// Latency: BEATS > 1 ? 2 : 1 enabled cycles. No stream ports.
//
// The bits that the halving pushes out are kept in a shift register; no sum that is to come can
// change them. So the adder is a few bits wider than one pair, whatever the width of the sum, and
// the result stands at the same place whatever the number of halvings.

`default_nettype none

module bm_plane_sum #(
  parameter int unsigned COUNT_W = 3,  // bits per count
  parameter int unsigned PAIR_W  = 5,  // bits per sum of a pair's counts
  parameter int unsigned BEATS   = 4,  // counts per pair
  parameter bit          SIGNED  = 1'b1,  // there are pairs that are subtracted
  parameter int unsigned LOW_W   = 6,  // most halvings
  parameter int unsigned TOP_W   = 9,  // bits of any value between, without those pushed out
  parameter int unsigned SUM_W   = 12  // bits of the sum
) (
  input  wire logic               clk,
  input  wire logic               en,

  input  wire logic [COUNT_W-1:0] count,
  input  wire logic               count_valid,
  input  wire logic               count_first,  // of its pair

  // These stand with the pair: BEATS > 1 ? 1 : 0 enabled cycles behind its last count.
  input  wire logic               pair_valid,
  input  wire logic               pair_first,  // of its sum
  input  wire logic               halves,
  input  wire logic               negative,

  output wire logic [  SUM_W-1:0] sum
);

  logic [PAIR_W-1:0] pair;

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

  logic [TOP_W-1:0] addend, half, held, top_d, top_q;

  assign half = SIGNED ? TOP_W'($signed(top_q) >>> 1) : top_q >> 1;
  assign held = pair_first ? '0 : halves ? half : top_q;

  if (SIGNED) begin : gen_signed
    logic unused_bit;

    // An extra lowest position makes the carry that completes a negative number.
    assign addend = TOP_W'(pair) ^ {TOP_W{negative}};
    assign {top_d, unused_bit} = {addend, negative} + {held, negative};
  end else begin : gen_unsigned
    logic unused;
    assign unused = negative;
    assign addend = TOP_W'(pair);
    assign top_d = addend + held;
  end

  always_ff @(posedge clk) begin
    if (en && pair_valid) top_q <= top_d;
  end

  logic [SUM_W+TOP_W+LOW_W-1:0] extended;
  logic unused_high;

  assign sum = extended[SUM_W-1:0];
  assign unused_high = &{1'b0, extended};

  if (LOW_W == 0) begin : gen_all_top
    assign extended = {{SUM_W{SIGNED && top_q[TOP_W-1]}}, top_q};
  end else begin : gen_low
    logic [LOW_W-1:0] low_q;

    assign extended = {{SUM_W{SIGNED && top_q[TOP_W-1]}}, top_q, low_q};

    always_ff @(posedge clk) begin
      if (en && pair_valid) begin
        if (halves) low_q <= LOW_W'({top_q[0], low_q} >> 1);
        if (pair_first) low_q <= '0;
      end
    end
  end

endmodule

`default_nettype wire
