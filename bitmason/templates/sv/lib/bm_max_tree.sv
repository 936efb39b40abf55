// SPDX-License-Identifier: Apache-2.0
//
// bm_max_tree: the greatest of N terms, by a balanced tree of comparisons.
//
// Golden model: numpy.max. Throughput: 1 result per enabled cycle. Latency: STAGES enabled cycles.
// No stream ports. The registers are spread evenly over the levels.

`default_nettype none

module bm_max_tree #(
  parameter int unsigned N         = 4,  // terms
  parameter int unsigned IN_W      = 8,  // bits per term
  parameter bit          IN_SIGNED = 1'b0,  // terms are two's complement
  parameter int unsigned STAGES    = 0  // registers from terms to greatest
) (
  input  wire logic              clk,
  input  wire logic              en,

  input  wire logic [N*IN_W-1:0] terms,  // term 0 in the least significant bits
  output wire logic [  IN_W-1:0] greatest
);

  localparam int unsigned LEVELS = $clog2(N);

  for (genvar level = 0; level <= LEVELS; level++) begin : gen_level
    localparam int unsigned COUNT = (N + 2 ** level - 1) / 2 ** level;
    localparam int unsigned DUE   = (LEVELS == 0) ? STAGES : level * STAGES / LEVELS;
    localparam int unsigned DONE  =
        (LEVELS == 0 || level == 0) ? 0 : (level - 1) * STAGES / LEVELS;

    logic [COUNT*IN_W-1:0] best_d, best;

    if (level == 0) begin : gen_terms
      assign best_d = terms;
    end else begin : gen_pairs
      localparam int unsigned TERMS = (N + 2 ** (level - 1) - 1) / 2 ** (level - 1);

      logic [TERMS*IN_W-1:0] parts;
      assign parts = gen_level[level-1].best;

      for (genvar i = 0; i < COUNT; i++) begin : gen_pair
        if (2 * i + 1 == TERMS) begin : gen_odd
          assign best_d[i*IN_W+:IN_W] = parts[2*i*IN_W+:IN_W];
        end else begin : gen_greater
          bm_max #(
            .WIDTH(IN_W),
            .IN_SIGNED(IN_SIGNED)
          ) u_max (
            .a(parts[2*i*IN_W+:IN_W]),
            .b(parts[(2*i+1)*IN_W+:IN_W]),
            .greater(best_d[i*IN_W+:IN_W])
          );
        end
      end
    end

    bm_delay #(
      .WIDTH(COUNT * IN_W),
      .CYCLES(DUE - DONE)
    ) u_registers (
      .clk,
      .en,
      .d(best_d),
      .q(best)
    );
  end

  assign greatest = gen_level[LEVELS].best;

endmodule

`default_nettype wire
