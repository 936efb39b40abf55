// SPDX-License-Identifier: Apache-2.0
//
// bm_widen: gives the COUNT elements of a beat more bits; wires and, for bipolar codes, inverters.
//
// Golden model: the identity on values. Combinational, no clock.
//
// CODE "unsigned": zeros in front. "signed": two's complement. "bipolar": bits 0 = -1 and 1 = +1
// become two's complement.

`default_nettype none

module bm_widen #(
  parameter int unsigned COUNT = 2,  // elements per beat
  parameter int unsigned IN_W  = 1,  // bits per element in
  parameter int unsigned OUT_W = 2,  // bits per element out, more than IN_W
  parameter string       CODE  = "unsigned"  // "unsigned", "signed" or "bipolar"
) (
  input  wire logic [ COUNT*IN_W-1:0] x,
  output wire logic [COUNT*OUT_W-1:0] y
);

  if (OUT_W <= IN_W) begin : gen_reject_narrow
    $error("bm_widen: OUT_W (%0d) must be more than IN_W (%0d)", OUT_W, IN_W);
  end
  if (CODE != "unsigned" && CODE != "signed" && CODE != "bipolar") begin : gen_reject_code
    $error("bm_widen: CODE must be unsigned, signed or bipolar, not %s", CODE);
  end
  if (CODE == "bipolar" && IN_W != 1) begin : gen_reject_bits
    $error("bm_widen: bipolar elements have 1 bit, not %0d", IN_W);
  end

  for (genvar i = 0; i < COUNT; i++) begin : gen_element
    if (CODE == "unsigned") begin : gen_unsigned
      assign y[i*OUT_W+:OUT_W] = OUT_W'(x[i*IN_W+:IN_W]);
    end else if (CODE == "signed") begin : gen_signed
      assign y[i*OUT_W+:OUT_W] = OUT_W'(signed'(x[i*IN_W+:IN_W]));
    end else begin : gen_bipolar
      assign y[i*OUT_W+:OUT_W] = {{(OUT_W - 1) {!x[i]}}, 1'b1};
    end
  end

endmodule

`default_nettype wire
