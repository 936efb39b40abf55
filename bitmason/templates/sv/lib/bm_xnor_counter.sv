// SPDX-License-Identifier: Apache-2.0
//
// bm_xnor_counter: of INPUTS pairs of bits, how many agree (or, with OP "and", are both 1), as one
// bit of weight 1 and INPUTS / 2 bits of weight 2: counted = sum + 2 * (ones in carries).
//
// Golden model: the first level of bm_xnor_popcount. Combinational, INPUTS / 2 full adders deep.
// On xc7 each full adder, with the two gates in front of it, is one LUT6 with both outputs used.

`default_nettype none

module bm_xnor_counter #(
  parameter  int unsigned INPUTS = 3,  // pairs of bits, at least 2
  parameter  string       OP = "xnor",  // "xnor" or "and"
  parameter  string       TARGET = "generic",  // "generic", or "xilinx" for explicit LUT6_2
  localparam int unsigned CARRIES = INPUTS / 2
) (
  input  wire logic [ INPUTS-1:0] w,
  input  wire logic [ INPUTS-1:0] x,
  output wire logic               sum,
  output wire logic [CARRIES-1:0] carries
);

  if (INPUTS < 2) begin : gen_reject_no_pairs
    $error("bm_xnor_counter: INPUTS (%0d) must be at least 2", INPUTS);
  end

  if (OP != "xnor" && OP != "and") begin : gen_reject_op
    $error("bm_xnor_counter: OP must be xnor or and, not %s", OP);
  end

  function automatic logic counts(logic w_bit, logic x_bit);
    return (OP == "and") ? w_bit & x_bit : ~(w_bit ^ x_bit);
  endfunction

  logic first_sum;

  if (INPUTS % 2 == 1) begin : gen_odd_input
    assign first_sum = counts(w[INPUTS-1], x[INPUTS-1]);
  end else begin : gen_even_inputs
    assign first_sum = 1'b0;
  end

  for (genvar i = 0; i < CARRIES; i++) begin : gen_adders
    logic sum_in;
    logic sum_out;

    if (i == 0) begin : gen_first
      assign sum_in = first_sum;
    end else begin : gen_next
      assign sum_in = gen_adders[i-1].sum_out;
    end

    if (TARGET == "xilinx") begin : gen_xilinx
      // Upper half of INIT: O6, the sum. Lower half: O5, the carry.
      LUT6_2 #(
        .INIT((OP == "and") ? 64'h8777_7888_F888_8000 : 64'h9669_6996_F99F_9009)
      ) u_full_adder (
        .I0(x[2*i]),
        .I1(w[2*i]),
        .I2(x[2*i+1]),
        .I3(w[2*i+1]),
        .I4(sum_in),
        .I5(1'b1),
        .O5(carries[i]),
        .O6(sum_out)
      );
    end else begin : gen_generic
      logic counts_a;
      logic counts_b;

      assign counts_a = counts(w[2*i], x[2*i]);
      assign counts_b = counts(w[2*i+1], x[2*i+1]);
      assign sum_out = counts_a ^ counts_b ^ sum_in;
      assign carries[i] = (counts_a & counts_b) | (sum_in & (counts_a ^ counts_b));
    end
  end

  assign sum = gen_adders[CARRIES-1].sum_out;

endmodule

`default_nettype wire
