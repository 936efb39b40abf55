// SPDX-License-Identifier: Apache-2.0
//
// bm_float_decode_var: the float32 of a code in a custom floating-point format chosen at run time.
//
// Golden model: CustomFloat.decode of bitmason/ir/custom_float.py. Combinational.
//
// The format comes from a bm_float_constants. A code stands at the right; what is to its left does
// not matter.

`default_nettype none

module bm_float_decode_var #(
  parameter  int unsigned E_MAX = 6,  // the most bits of an exponent
  parameter  int unsigned M_MAX = 6,  // the most bits of a mantissa
  localparam int unsigned M_W   = $clog2(M_MAX + 2)
) (
  input  wire logic [E_MAX+M_MAX:0] code,

  input  wire logic [          7:0] offset,
  input  wire logic [    E_MAX-1:0] exponent_mask,
  input  wire logic [    E_MAX-1:0] sign_place,
  input  wire logic [      M_W-1:0] shift,

  output wire logic [         31:0] x
);

  logic [E_MAX+M_MAX:0] placed;
  logic [E_MAX-1:0] exponent;
  logic [22:0] mantissa;
  logic [7:0] moved;
  logic negative;

  assign placed   = code << shift;
  assign exponent = placed[M_MAX+:E_MAX] & exponent_mask;
  assign negative = (placed[M_MAX+1+:E_MAX] & sign_place) != '0;
  assign mantissa = 23'(placed) << (23 - M_MAX);
  assign moved    = 8'(exponent) - offset;
  assign x        = (exponent == '0) ? '0 : {negative, moved, mantissa};

endmodule

`default_nettype wire
