// SPDX-License-Identifier: Apache-2.0
//
// bm_float_encode_var: the code of a float32 in a custom floating-point format chosen at run time.
//
// Golden model: CustomFloat.encode_bits of bitmason/ir/custom_float.py. Combinational.
//
// The format comes from a bm_float_constants. A code stands at the right, with zeros to its left.

`default_nettype none

module bm_float_encode_var #(
  parameter  int unsigned E_MAX = 6,  // the most bits of an exponent
  parameter  int unsigned M_MAX = 6,  // the most bits of a mantissa
  localparam int unsigned M_W   = $clog2(M_MAX + 2)
) (
  input  wire logic [       31:0] x,

  input  wire logic [        7:0] offset,
  input  wire logic               lowest,
  input  wire logic [  E_MAX-1:0] exponent_mask,
  input  wire logic [  E_MAX-1:0] sign_place,
  input  wire logic [  E_MAX-1:0] top_exponent,
  input  wire logic [    M_W-1:0] shift,
  input  wire logic [    M_MAX:0] last_place,
  input  wire logic [    M_MAX:0] half_less,
  input  wire logic               rounds,
  input  wire logic               ties_up,

  output wire logic [E_MAX+M_MAX:0] code
);

  localparam int unsigned REST_W = 24 - M_MAX;  // two places more than a float32 has
  localparam int unsigned SUM_W  = 10 + M_MAX + 1;

  // The mantissa has one place below the M_MAX bits: that of the half of the last one.
  logic [M_MAX:0] mantissa;
  logic [REST_W-1:0] rest;
  logic [SUM_W-1:0] sum;
  logic up;

  assign {mantissa, rest} = {x[22:0], 2'b00};

  // Adding half of the last bit that stays, less the least of all places, and one more for odd
  // numbers, rounds to nearest even. All below `mantissa` comes down to one carry.
  assign up  = (rounds && rest != '0) || (mantissa & last_place) != '0 || ties_up;
  assign sum = {2'b00, x[30:23], mantissa} + {{2{!lowest}}, offset, half_less} + SUM_W'(up);

  logic [9:0] exponent;
  logic carry, at_zero, is_zero, is_first, is_largest;

  assign exponent = sum[SUM_W-1:M_MAX+1];
  assign carry    = exponent[0] ^ x[23] ^ offset[0];  // from the mantissa
  assign at_zero  = exponent == '0;

  // Half of the smallest number has an exponent of its own, but at the largest bias.
  assign is_zero    = exponent[9] || (at_zero && (carry || (lowest && !x[22])));
  assign is_first   = at_zero;
  assign is_largest = (exponent[8:0] & ~9'(exponent_mask)) != '0
                      || (!top_exponent[0] && (exponent[E_MAX-1:0] | ~exponent_mask) == '1);

  logic negative;
  logic [E_MAX-1:0] exponent_code, sign_code;
  logic [M_MAX:0] mantissa_code;
  logic [E_MAX+M_MAX+1:0] whole;

  assign negative  = x[31] && !is_zero;
  assign sign_code = sign_place & {E_MAX{negative}};

  always_comb begin
    if (is_zero) begin
      exponent_code = '0;
      mantissa_code = '0;
    end else if (is_first) begin
      exponent_code = E_MAX'(1);
      mantissa_code = '0;
    end else if (is_largest) begin
      exponent_code = top_exponent;
      mantissa_code = '1;
    end else begin
      exponent_code = exponent[E_MAX-1:0];
      mantissa_code = sum[M_MAX:0];
    end
  end

  // The sign is put above the exponent, wherever this ends, before all are moved together.
  assign whole = {{1'b0, exponent_code} | {sign_code, 1'b0}, mantissa_code};
  assign code  = (E_MAX+M_MAX+1)'(whole >> 1) >> shift;

endmodule

`default_nettype wire
