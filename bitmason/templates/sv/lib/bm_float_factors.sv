// SPDX-License-Identifier: Apache-2.0
//
// bm_float_factors: the factors of products as numbers: custom floating point becomes fixed point.
//
// Golden model: CustomFloat.fixed of bitmason/ir/custom_float.py, times 2**SHIFT. Combinational.
// Without exponent bits the factors are numbers already, and pass.

`default_nettype none

module bm_float_factors #(
  parameter int unsigned N          = 4,  // factors
  parameter int unsigned IN_W       = 4,  // bits of each as it is kept
  parameter bit          IN_SIGNED  = 1'b0,  // ranks are two's complement; codes always have a sign
  parameter bit          RANK       = 1'b0,  // they are ranks, not codes
  parameter int unsigned E_BITS     = 0,  // exponent bits of their format; 0 for plain numbers
  parameter int unsigned M_BITS     = 0,  // mantissa bits
  parameter bit          SUBNORMALS = 1'b0,  // the format has subnormal numbers
  parameter int          SHIFT      = 0,  // the power of two that one step of the result stands for
  parameter int unsigned OUT_W      = 4  // bits of each as a number
) (
  input  wire logic [ N*IN_W-1:0] kept,
  output wire logic [N*OUT_W-1:0] numbers
);

  localparam int unsigned CODE_W = 1 + E_BITS + M_BITS;
  localparam int unsigned MOST_W = (RANK && !IN_SIGNED) ? CODE_W - 1 : CODE_W;
  // Bits that are zero in every number do not reach it.
  localparam int unsigned DOWN   = (SHIFT < 0) ? -SHIFT : 0;
  localparam int unsigned UP     = (SHIFT > 0) ? SHIFT : 0;

  if (E_BITS == 0) begin : gen_numbers
    if (IN_W != OUT_W) begin : gen_reject_width
      $error("bm_float_factors: numbers of %0d bits pass as they are, not as %0d", IN_W, OUT_W);
    end

    assign numbers = kept;
  end else begin : gen_floats
    if (IN_W < 1 || IN_W > MOST_W) begin : gen_reject_width
      $error("bm_float_factors: IN_W (%0d) must be from 1 to %0d", IN_W, MOST_W);
    end

    for (genvar i = 0; i < N; i++) begin : gen_factor
      logic [CODE_W-1:0] x;
      logic [OUT_W+DOWN-1:0] fixed;

      if (RANK && IN_SIGNED) begin : gen_signed
        assign x = CODE_W'($signed(kept[i*IN_W+:IN_W]));
      end else begin : gen_plain
        assign x = CODE_W'(kept[i*IN_W+:IN_W]);
      end

      bm_float_to_fixed #(
        .E_BITS(E_BITS),
        .M_BITS(M_BITS),
        .SUBNORMALS(SUBNORMALS),
        .RANK(RANK),
        .OUT_W(OUT_W + DOWN)
      ) u_fixed (
        .x,
        .fixed
      );

      assign numbers[i*OUT_W+:OUT_W] = OUT_W'(fixed >> DOWN) << UP;
    end
  end

endmodule

`default_nettype wire
