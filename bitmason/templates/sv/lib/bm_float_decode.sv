// SPDX-License-Identifier: Apache-2.0
//
// bm_float_decode: the float32 that a code of a custom floating-point format stands for.
//
// Golden model: CustomFloat.decode of bitmason/ir/custom_float.py. Combinational.

`default_nettype none

module bm_float_decode #(
  parameter int unsigned E_BITS     = 4,  // bits of the exponent
  parameter int unsigned M_BITS     = 3,  // bits of the mantissa, 0 or more
  parameter int          BIAS       = 7,  // of the exponent
  parameter bit          SUBNORMALS = 1'b0  // exponent 0 has numbers, not only zero
) (
  input  wire logic [E_BITS+M_BITS:0] code,
  output wire logic [           31:0] x
);

  localparam int MOST_BIAS = SUBNORMALS ? 127 - int'(M_BITS) : 127;
  localparam int unsigned ADJUSTED = 127 - BIAS;  // from the format's exponents to float32

  if (E_BITS < 1 || E_BITS > 7 || M_BITS > 23) begin : gen_reject_format
    $error("bm_float_decode: E_BITS (%0d) must be from 1 to 7 and M_BITS (%0d) 23 or less",
           E_BITS, M_BITS);
  end
  if (BIAS < 2 ** E_BITS - 128 || BIAS > MOST_BIAS) begin : gen_reject_bias
    $error("bm_float_decode: BIAS (%0d) must be from %0d to %0d",
           BIAS, 2 ** E_BITS - 128, MOST_BIAS);
  end

  logic negative, normal;
  logic [E_BITS-1:0] exponent;
  logic [22:0] fraction;  // the mantissa as that of a float32

  assign negative = code[E_BITS+M_BITS];
  assign exponent = code[E_BITS+M_BITS-1:M_BITS];
  assign normal   = exponent != '0;

  if (M_BITS == 0) begin : gen_no_mantissa
    assign fraction = '0;
  end else begin : gen_mantissa
    assign fraction = {code[M_BITS-1:0], {23 - M_BITS{1'b0}}};
  end

  logic [31:0] tiny;  // what exponent 0 stands for

  if (SUBNORMALS && M_BITS > 0) begin : gen_subnormals
    // The leading one of the mantissa becomes the one that float32 has no bit for.
    always_comb begin
      tiny = '0;
      for (int unsigned i = 0; i < M_BITS; i++) begin
        if (code[i]) tiny = {negative, 8'(ADJUSTED + 1 - M_BITS + i), fraction << (M_BITS - i)};
      end
    end
  end else begin : gen_zero
    assign tiny = '0;
  end

  assign x = normal ? {negative, 8'(exponent) + 8'(ADJUSTED), fraction} : tiny;

endmodule

`default_nettype wire
