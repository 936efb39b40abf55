// SPDX-License-Identifier: Apache-2.0
//
// bm_max: the greater of two numbers.
//
// Golden model: numpy.maximum. Combinational. No stream ports. Numbers of one bit take one gate
// where a comparison would take a carry chain.

`default_nettype none

module bm_max #(
  parameter int unsigned WIDTH     = 8,  // bits
  parameter bit          IN_SIGNED = 1'b0  // numbers are two's complement
) (
  input  wire logic [WIDTH-1:0] a,
  input  wire logic [WIDTH-1:0] b,
  output wire logic [WIDTH-1:0] greater
);

  if (WIDTH == 1) begin : gen_gate
    // A signed bit is 0 or -1.
    assign greater = IN_SIGNED ? a & b : a | b;
  end else if (IN_SIGNED) begin : gen_signed
    assign greater = ($signed(a) > $signed(b)) ? a : b;
  end else begin : gen_unsigned
    assign greater = (a > b) ? a : b;
  end

endmodule

`default_nettype wire
