// SPDX-License-Identifier: Apache-2.0
//
// bm_delay: CYCLES registers in a row, all moved by one enable; wires when CYCLES is 0.
//
// Golden model: the identity. Throughput: 1 word per enabled cycle. Latency: CYCLES enabled
// cycles. No stream ports and no reset, so that long delays may become shift-register memories.

`default_nettype none

module bm_delay #(
  parameter int unsigned WIDTH  = 8,  // bits
  parameter int unsigned CYCLES = 1  // registers, 0 or more
) (
  input  wire logic             clk,
  input  wire logic             en,

  input  wire logic [WIDTH-1:0] d,
  output wire logic [WIDTH-1:0] q
);

  if (CYCLES == 0) begin : gen_wires
    logic unused;
    assign unused = &{clk, en};
    assign q = d;
  end else begin : gen_registers
    logic [WIDTH-1:0] delayed_q[CYCLES];

    assign q = delayed_q[CYCLES-1];

    always_ff @(posedge clk) begin
      if (en) begin
        delayed_q[0] <= d;
        for (int unsigned i = 1; i < CYCLES; i++) delayed_q[i] <= delayed_q[i-1];
      end
    end
  end

endmodule

`default_nettype wire
