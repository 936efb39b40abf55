// SPDX-License-Identifier: Apache-2.0
//
// bm_float_to_fixed: one custom floating-point number as a whole multiple of its format's unit.
//
// Golden model: CustomFloat.fixed of bitmason/ir/custom_float.py, modulo 2**OUT_W. Combinational.
//
// A code is {sign, exponent, mantissa}; a rank is the code's lower bits with its sign, in two's
// complement. The least number of a rank's width is no rank: it gives 0.

`default_nettype none

module bm_float_to_fixed #(
  parameter int unsigned E_BITS     = 4,  // bits of the exponent
  parameter int unsigned M_BITS     = 3,  // bits of the mantissa, 0 or more
  parameter bit          SUBNORMALS = 1'b0,  // exponent 0 has numbers, not only zero
  parameter bit          RANK       = 1'b0,  // the input is a rank, not a code
  parameter int unsigned OUT_W      = 18  // bits of the result, two's complement
) (
  input  wire logic [E_BITS+M_BITS:0] x,
  output wire logic [      OUT_W-1:0] fixed
);

  localparam int unsigned MAGNITUDE_W = E_BITS + M_BITS;
  localparam int unsigned SHIFTED_W   = (OUT_W > M_BITS) ? OUT_W + 1 : M_BITS + 2;

  if (E_BITS < 1 || E_BITS > 8 || M_BITS > 23) begin : gen_reject_format
    $error("bm_float_to_fixed: E_BITS (%0d) must be from 1 to 8 and M_BITS (%0d) 23 or less",
           E_BITS, M_BITS);
  end

  logic negative, normal;
  logic [MAGNITUDE_W-1:0] magnitude;
  logic [E_BITS-1:0] exponent;
  logic [M_BITS:0] mantissa, digits;
  logic [M_BITS+1:0] signed_digits;
  logic [SHIFTED_W-1:0] shifted;

  assign negative = x[MAGNITUDE_W];

  if (RANK) begin : gen_rank
    assign magnitude = (x[MAGNITUDE_W-1:0] ^ {MAGNITUDE_W{negative}}) + MAGNITUDE_W'(negative);
  end else begin : gen_code
    assign magnitude = x[MAGNITUDE_W-1:0];
  end

  assign exponent = magnitude[MAGNITUDE_W-1:M_BITS];
  assign normal   = exponent != '0;
  assign mantissa = (M_BITS+1)'(magnitude) & (M_BITS+1)'(2 ** M_BITS - 1);

  // The lowest exponent with a leading one is 1: digits stand one place above the result, so that
  // exponents are shifts as they are.
  always_comb begin
    if (normal) digits = mantissa | (M_BITS+1)'(2 ** M_BITS);
    else if (SUBNORMALS) digits = mantissa << 1;
    else digits = '0;
  end

  // A sign is cheaper in the few digits than in the whole result.
  assign signed_digits = ({1'b0, digits} ^ {M_BITS + 2{negative}}) + (M_BITS+2)'(negative);
  assign shifted       = SHIFTED_W'($signed(signed_digits)) << exponent;
  assign fixed         = OUT_W'(shifted >> 1);

endmodule

`default_nettype wire
