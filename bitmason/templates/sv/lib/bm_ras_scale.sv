// SPDX-License-Identifier: Apache-2.0
//
// bm_ras_scale: chooses one of several sums a cycle, multiplies it, and adds it to one of the rows
// that are open.
//
// Golden model: rows[place] = (opens ? 0 : rows[place]) + sums[source]*value modulo 2**ACC_W; this
// is also the total. A value of 0 adds nothing.
// Throughput: 1 sum per enabled cycle. Latency: 3 enabled cycles. No stream ports.

`default_nettype none

module bm_ras_scale #(
  parameter  int unsigned SUMS     = 4,  // to choose from
  parameter  int unsigned SUM_W    = 12,  // bits of each
  parameter  bit          SIGNED   = 1'b0,  // they are two's complement
  parameter  int unsigned VALUE_W  = 4,  // bits of the other factor, two's complement
  parameter  int unsigned ACC_W    = 16,  // bits of the total
  parameter  int unsigned PLACES   = 4,  // rows open at once
  parameter  bit          DSP      = 1'b0,  // multiply in a DSP block
  localparam int unsigned SOURCE_W = (SUMS > 1) ? $clog2(SUMS) : 1,
  localparam int unsigned PLACE_W  = (PLACES > 1) ? $clog2(PLACES) : 1
) (
  input  wire logic                  clk,
  input  wire logic                  en,

  input  wire logic [SUMS*SUM_W-1:0] sums,
  input  wire logic [  SOURCE_W-1:0] source,

  input  wire logic [   VALUE_W-1:0] value,  // 1 enabled cycle behind source

  input  wire logic [   PLACE_W-1:0] place,  // 2 enabled cycles behind source
  input  wire logic                  opens,

  output wire logic [     ACC_W-1:0] total
);

  logic [SUM_W-1:0] chosen_d, chosen_q;

  // Bit by bit, so that it stays a multiplexer whatever the width.
  for (genvar b = 0; b < SUM_W; b++) begin : gen_bit
    logic [2**SOURCE_W-1:0] bits;

    for (genvar i = 0; i < 2 ** SOURCE_W; i++) begin : gen_sum
      assign bits[i] = sums[(i%SUMS)*SUM_W+b];
    end
    assign chosen_d[b] = bits[source];
  end

  // The extra bit makes unsigned sums non-negative signed ones.
  logic signed [SUM_W:0] factor_sum;
  logic signed [VALUE_W-1:0] factor_value;
  logic unused_high;  // bits above those of the total
  logic [ACC_W-1:0] product, product_q, row, total_d, total_q;

  assign factor_sum   = {SIGNED && chosen_q[SUM_W-1], chosen_q};
  assign factor_value = value;
  assign unused_high  = &{1'b0, factor_sum, factor_value};
  assign total_d      = product_q + (opens ? '0 : row);
  assign total        = total_q;

  if (DSP) begin : gen_dsp
    (* use_dsp = "yes" *)
    logic signed [ACC_W-1:0] product_dsp;
    assign product_dsp = ACC_W'(factor_sum) * ACC_W'(factor_value);
    assign product     = product_dsp;
  end else begin : gen_luts
    (* use_dsp = "no" *)
    logic signed [ACC_W-1:0] product_luts;
    assign product_luts = ACC_W'(factor_sum) * ACC_W'(factor_value);
    assign product      = product_luts;
  end

  always_ff @(posedge clk) begin
    if (en) begin
      chosen_q  <= chosen_d;
      product_q <= product;
      total_q   <= total_d;
    end
  end

  if (PLACES == 1) begin : gen_one_row
    logic unused;
    assign unused = place;
    assign row    = total_q;
  end else begin : gen_rows
    (* ram_style = "distributed" *)
    logic [ACC_W-1:0] rows[PLACES];

    assign row = rows[place];

    always_ff @(posedge clk) begin
      if (en) rows[place] <= total_d;
    end
  end

endmodule

`default_nettype wire
