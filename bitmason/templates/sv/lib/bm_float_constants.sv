// SPDX-License-Identifier: Apache-2.0
//
// bm_float_constants: what the engines of a custom floating-point format chosen at run time share.
//
// Golden model: CustomFloat.constants of bitmason/ir/custom_float.py. Latency: 1 enabled cycle.
//
// In place of Min, Min/2 and Max stand the exponents at which they lie, as `offset` moves them to
// the format's and `top_exponent` limits them. Masks stand where a number of places was asked for:
// they cost each engine less than it.

`default_nettype none

module bm_float_constants #(
  parameter  int unsigned E_MAX = 6,  // the most bits of an exponent
  parameter  int unsigned M_MAX = 6,  // the most bits of a mantissa
  localparam int unsigned E_W   = $clog2(E_MAX + 1),
  localparam int unsigned M_W   = $clog2(M_MAX + 2)
) (
  input  wire logic             clk,
  input  wire logic             en,  // takes another format

  // The format: the exponent field is 1 to E_MAX bits, the mantissa up to M_MAX bits.
  input  wire logic [  E_W-1:0] e_bits,
  input  wire logic [  M_W-1:0] m_bits,
  input  wire logic [      7:0] bias,  // two's complement, 2**e_bits - 128 to 127
  input  wire logic             full,  // the all-ones exponent is used
  input  wire logic             nearest,  // rounds to nearest, ties to even; otherwise truncates

  output wire logic [      7:0] offset,  // of the format's exponents from float32's, modulo 256
  output wire logic             lowest,  // there is none: the smallest number is that of float32
  output wire logic [E_MAX-1:0] exponent_mask,
  output wire logic [E_MAX-1:0] sign_place,  // the bit above the exponent, bit 1 the lowest
  output wire logic [E_MAX-1:0] top_exponent,
  output wire logic [  M_W-1:0] shift,  // places that the mantissa is shorter than M_MAX

  // Of a mantissa of M_MAX bits and one more below.
  output wire logic [  M_MAX:0] last_place,  // of the last bit that stays; zero when truncating
  output wire logic [  M_MAX:0] half_less,  // all below the first bit that goes; as above
  output wire logic             rounds,  // to nearest
  output wire logic             ties_up  // without mantissa no neighbour of a tie is even
);

  if (E_MAX < 1 || E_MAX > 7 || M_MAX > 23) begin : gen_reject_format
    $error("bm_float_constants: E_MAX (%0d) must be from 1 to 7 and M_MAX (%0d) 23 or less",
           E_MAX, M_MAX);
  end

  logic [7:0] offset_q;
  logic [E_MAX-1:0] mask_d, place_d, mask_q, place_q, top_q;
  logic [M_W-1:0] shift_d, shift_q;
  logic [M_MAX:0] last_d, half_d, last_q, half_q;
  logic lowest_q, rounds_q, ties_up_q;

  assign shift_d = M_W'(M_MAX) - m_bits;

  for (genvar i = 0; i < E_MAX; i++) begin : gen_exponent_bit
    assign mask_d[i]  = E_W'(i) < e_bits;
    assign place_d[i] = E_W'(i + 1) == e_bits;
  end

  for (genvar i = 0; i <= M_MAX; i++) begin : gen_mantissa_bit
    assign half_d[i] = nearest && M_W'(i) < shift_d;
    assign last_d[i] = nearest && M_W'(i) == shift_d + 1'b1;
  end

  always_ff @(posedge clk) begin
    if (en) begin
      offset_q  <= bias - 8'd127;
      lowest_q  <= bias == 8'd127;
      mask_q    <= mask_d;
      place_q   <= place_d;
      top_q     <= mask_d & ~E_MAX'(!full);
      shift_q   <= shift_d;
      last_q    <= last_d;
      half_q    <= half_d;
      rounds_q  <= nearest;
      ties_up_q <= nearest && m_bits == '0;
    end
  end

  assign offset        = offset_q;
  assign lowest        = lowest_q;
  assign exponent_mask = mask_q;
  assign sign_place    = place_q;
  assign top_exponent  = top_q;
  assign shift         = shift_q;
  assign last_place    = last_q;
  assign half_less     = half_q;
  assign rounds        = rounds_q;
  assign ties_up       = ties_up_q;

endmodule

`default_nettype wire
