// SPDX-License-Identifier: Apache-2.0
//
// bm_bit_counter: how many of INPUTS bits of one weight are 1; the compressor tree's building block.
//
// Golden model: count = (ones in bits) modulo 2**OUTPUTS. Combinational.
//
// On xc7, 3 inputs cost 1 LUT6 with both outputs used, 5 cost 2, 6 cost 3, and 7 cost 3 with a
// piece of the carry chain. Where no primitives are named, only counters with a carry chain keep a
// tree's structure: a synthesiser balances the logic of the others across counters, and would merge
// counters written as whole sums into one multi-operand adder.

`default_nettype none

module bm_bit_counter #(
  parameter int unsigned INPUTS = 7,  // 3, 5, 6 or 7
  parameter int unsigned OUTPUTS = 3,  // low bits of the count that are wanted, 1 to 3
  parameter string       TARGET = "generic"  // "xilinx" for explicit LUTs and CARRY4
) (
  input  wire logic [ INPUTS-1:0] bits,
  output wire logic [OUTPUTS-1:0] count
);

  if (INPUTS != 3 && (INPUTS < 5 || INPUTS > 7)) begin : gen_reject_inputs
    $error("bm_bit_counter: INPUTS (%0d) must be 3, 5, 6 or 7", INPUTS);
  end
  if (OUTPUTS < 1 || OUTPUTS > 3 || (INPUTS == 3 && OUTPUTS == 3)) begin : gen_reject_outputs
    $error("bm_bit_counter: OUTPUTS (%0d) must be 1 to 3, or to 2 for 3 inputs", OUTPUTS);
  end

  // The truth table of one bit of the count: entry n tells how many of the six bits of n are 1.
  function automatic logic [63:0] table_of(int unsigned count_bit);
    for (int unsigned n = 0; n < 64; n++) begin
      table_of[n] = 1'($countones(6'(n)) >> count_bit);
    end
  endfunction

  localparam logic [63:0] ONES = table_of(0);
  localparam logic [63:0] TWOS = table_of(1);
  localparam logic [63:0] FOURS = table_of(2);

  logic [2:0] full_count;

  if (OUTPUTS == 1) begin : gen_parity
    assign full_count = {2'b00, ^bits};
  end else if (TARGET == "xilinx" && INPUTS == 3) begin : gen_xilinx_3
    LUT6_2 #(
      .INIT({ONES[31:0], TWOS[31:0]})
    ) u_full_adder (
      .I0(bits[0]),
      .I1(bits[1]),
      .I2(bits[2]),
      .I3(1'b0),
      .I4(1'b0),
      .I5(1'b1),
      .O5(full_count[1]),
      .O6(full_count[0])
    );
    assign full_count[2] = 1'b0;
  end else if (TARGET == "xilinx" && INPUTS == 5) begin : gen_xilinx_5
    LUT6_2 #(
      .INIT({ONES[31:0], FOURS[31:0]})
    ) u_ones_and_fours (
      .I0(bits[0]),
      .I1(bits[1]),
      .I2(bits[2]),
      .I3(bits[3]),
      .I4(bits[4]),
      .I5(1'b1),
      .O5(full_count[2]),
      .O6(full_count[0])
    );
    LUT5 #(
      .INIT(TWOS[31:0])
    ) u_twos (
      .I0(bits[0]),
      .I1(bits[1]),
      .I2(bits[2]),
      .I3(bits[3]),
      .I4(bits[4]),
      .O (full_count[1])
    );
  end else if (TARGET == "xilinx" && INPUTS == 6) begin : gen_xilinx_6
    for (genvar i = 0; i < 3; i++) begin : gen_outputs
      LUT6 #(
        .INIT(table_of(i))
      ) u_count (
        .I0(bits[0]),
        .I1(bits[1]),
        .I2(bits[2]),
        .I3(bits[3]),
        .I4(bits[4]),
        .I5(bits[5]),
        .O (full_count[i])
      );
    end
  end else if (TARGET == "xilinx") begin : gen_xilinx_7
    // Let five = bits[0] + ... + bits[4]. The carry chain adds bits[5] and bits[6] to the parity of
    // five, and the carry of that to five / 2, which is 0, 1 or 2. A carry leaves its slice only
    // through the sum output of one more position, whose LUT holds a 0: written out, as it is used.
    logic [2:0] propagate;
    logic [1:0] generated;
    logic [3:0] carry;
    logic       no_sum;
    logic       unused_ok;

    // The upper half is for bits[5] = 1: O6 = parity of six bits, O5 = of five, which is bits[5]
    // whenever O6 is 0, and only then does the chain look at it.
    LUT6_2 #(
      .INIT(ONES)
    ) u_ones (
      .I0(bits[0]),
      .I1(bits[1]),
      .I2(bits[2]),
      .I3(bits[3]),
      .I4(bits[4]),
      .I5(bits[5]),
      .O5(generated[0]),
      .O6(propagate[0])
    );
    LUT6_2 #(
      .INIT({TWOS[31:0], FOURS[31:0]})
    ) u_twos (
      .I0(bits[0]),
      .I1(bits[1]),
      .I2(bits[2]),
      .I3(bits[3]),
      .I4(bits[4]),
      .I5(1'b1),
      .O5(generated[1]),
      .O6(propagate[1])
    );
    (* keep *)
    LUT1 #(
      .INIT(2'b00)
    ) u_carry_exit (
      .I0(bits[6]),
      .O (propagate[2])
    );
    CARRY4 u_chain (
      .CI    (1'b0),
      .CYINIT(bits[6]),
      .DI    ({2'b00, generated}),
      .S     ({1'b0, propagate}),
      .O     ({no_sum, full_count}),
      .CO    (carry)
    );
    assign unused_ok = &{1'b0, no_sum, carry};
  end else if (INPUTS == 7) begin : gen_generic_7
    // The same with an inferred chain: parity + bits[5] + bits[6], and above it five / 2 in two
    // addends, one for "2 or more" and one for "4 or more".
    logic [5:0] five;

    assign five = {1'b0, bits[4:0]};
    assign full_count = {1'b0, TWOS[five] | FOURS[five], ONES[five]}
        + {1'b0, FOURS[five], bits[5]} + 3'(bits[6]);
  end else begin : gen_generic
    assign full_count = {FOURS[6'(bits)], TWOS[6'(bits)], ONES[6'(bits)]};
  end

  assign count = full_count[OUTPUTS-1:0];

  if (OUTPUTS < 3) begin : gen_narrow
    logic unused_count;
    assign unused_count = &{1'b0, full_count[2:OUTPUTS]};
  end

endmodule

`default_nettype wire
