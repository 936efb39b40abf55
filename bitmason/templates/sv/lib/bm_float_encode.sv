// SPDX-License-Identifier: Apache-2.0
//
// bm_float_encode: the code of a float32 in a custom floating-point format.
//
// Golden model: CustomFloat.encode_bits of bitmason/ir/custom_float.py. Combinational.
//
// Below half of the smallest number all is zero, from there on the smallest; what is too large,
// infinities and NaN included, is the largest. The lower limits are powers of two: only exponents
// are compared with them.

`default_nettype none

module bm_float_encode #(
  parameter int unsigned E_BITS  = 4,  // bits of the exponent
  parameter int unsigned M_BITS  = 3,  // bits of the mantissa, 0 or more
  parameter int          BIAS    = 7,  // of the exponent
  parameter int unsigned LARGEST = 119,  // the largest code without sign
  parameter bit          NEAREST = 1'b0  // rounds to nearest, ties to even; otherwise truncates
) (
  input  wire logic [           31:0] x,
  output wire logic [E_BITS+M_BITS:0] code
);

  localparam int unsigned MAGNITUDE_W = E_BITS + M_BITS;
  localparam int unsigned KEPT_W      = 8 + M_BITS;  // of a float32, those that codes may have
  localparam int unsigned SHIFT       = 23 - M_BITS;
  localparam int unsigned ADJUSTED    = 127 - BIAS;  // from exponents of float32 to the format's
  localparam int unsigned FIRST       = 2 ** M_BITS;  // the code of the smallest number

  if (E_BITS < 1 || E_BITS > 7 || M_BITS > 23) begin : gen_reject_format
    $error("bm_float_encode: E_BITS (%0d) must be from 1 to 7 and M_BITS (%0d) 23 or less",
           E_BITS, M_BITS);
  end
  if (BIAS < 2 ** E_BITS - 128 || BIAS > 127) begin : gen_reject_bias
    $error("bm_float_encode: BIAS (%0d) must be from %0d to 127", BIAS, 2 ** E_BITS - 128);
  end
  if (LARGEST < FIRST || LARGEST >= 2 ** MAGNITUDE_W) begin : gen_reject_largest
    $error("bm_float_encode: LARGEST (%0d) must be from %0d to %0d",
           LARGEST, FIRST, 2 ** MAGNITUDE_W - 1);
  end

  logic [7:0] exponent;
  logic [KEPT_W-1:0] kept;
  logic [KEPT_W:0] moved;
  logic up, is_zero, is_first, is_largest;
  logic [MAGNITUDE_W-1:0] magnitude;

  assign exponent = x[30:23];
  assign kept     = x[30:SHIFT];

  if (SHIFT == 0) begin : gen_exact
    assign up = 1'b0;
  end else if (!NEAREST) begin : gen_truncate
    logic unused;
    assign unused = &x[SHIFT-1:0];
    assign up     = 1'b0;
  end else if (M_BITS == 0) begin : gen_halves_up
    // Neither neighbour is even: ties go to the larger one.
    logic unused;
    assign unused = &x[SHIFT-2:0];
    assign up     = x[SHIFT-1];
  end else begin : gen_halves_even
    assign up = x[SHIFT-1] && (kept[0] || (x[SHIFT-1:0] << 1) != '0);
  end

  if (ADJUSTED == 0) begin : gen_lowest_bias
    // Half of the smallest number has no exponent of its own.
    assign is_zero = x[30:22] == '0;
  end else begin : gen_bias
    assign is_zero = exponent < 8'(ADJUSTED);
  end

  assign moved      = {1'b0, kept} - (KEPT_W+1)'(ADJUSTED << M_BITS) + (KEPT_W+1)'(up);
  assign is_first   = exponent <= 8'(ADJUSTED);
  assign is_largest = moved > (KEPT_W+1)'(LARGEST);

  always_comb begin
    if (is_zero) magnitude = '0;
    else if (is_first) magnitude = MAGNITUDE_W'(FIRST);
    else if (is_largest) magnitude = MAGNITUDE_W'(LARGEST);
    else magnitude = MAGNITUDE_W'(moved);
  end

  assign code = {x[31] && !is_zero, magnitude};

endmodule

`default_nettype wire
