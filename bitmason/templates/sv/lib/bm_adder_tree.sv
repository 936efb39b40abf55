// SPDX-License-Identifier: Apache-2.0
//
// bm_adder_tree: the sum of N terms, modulo 2**OUT_W, by a balanced tree of growing widths.
//
// Golden model: numpy.sum. Throughput: 1 sum per enabled cycle. Latency: STAGES enabled cycles.
// No stream ports. The registers are spread evenly over the levels; none is wider than OUT_W.

`default_nettype none

module bm_adder_tree #(
  parameter int unsigned N         = 4,  // terms
  parameter int unsigned IN_W      = 8,  // bits per term
  parameter bit          IN_SIGNED = 1'b0,  // terms are two's complement
  parameter int unsigned OUT_W     = 10,  // bits of the sum
  parameter int unsigned STAGES    = 0  // registers from terms to total
) (
  input  wire logic              clk,
  input  wire logic              en,

  input  wire logic [N*IN_W-1:0] terms,  // term 0 in the least significant bits
  output wire logic [ OUT_W-1:0] total
);

  localparam int unsigned LEVELS = $clog2(N);

  for (genvar level = 0; level <= LEVELS; level++) begin : gen_level
    localparam int unsigned COUNT = (N + 2 ** level - 1) / 2 ** level;
    localparam int unsigned SUM_W = (IN_W + level < OUT_W) ? IN_W + level : OUT_W;
    localparam int unsigned DUE   = (LEVELS == 0) ? STAGES : level * STAGES / LEVELS;
    localparam int unsigned DONE  =
        (LEVELS == 0 || level == 0) ? 0 : (level - 1) * STAGES / LEVELS;

    logic [COUNT*SUM_W-1:0] sums_d, sums;

    if (level == 0) begin : gen_terms
      for (genvar i = 0; i < COUNT; i++) begin : gen_term
        assign sums_d[i*SUM_W+:SUM_W] = terms[i*IN_W+:SUM_W];
      end
      if (SUM_W < IN_W) begin : gen_modulo
        logic unused;
        assign unused = ^terms;
      end
    end else begin : gen_pairs
      localparam int unsigned TERMS  = (N + 2 ** (level - 1) - 1) / 2 ** (level - 1);
      localparam int unsigned TERM_W = (IN_W + level - 1 < OUT_W) ? IN_W + level - 1 : OUT_W;

      logic [TERMS*TERM_W-1:0] parts;
      assign parts = gen_level[level-1].sums;

      for (genvar i = 0; i < COUNT; i++) begin : gen_pair
        logic [SUM_W-1:0] left;
        if (IN_SIGNED) begin : gen_signed
          assign left = SUM_W'($signed(parts[2*i*TERM_W+:TERM_W]));
        end else begin : gen_unsigned
          assign left = SUM_W'(parts[2*i*TERM_W+:TERM_W]);
        end

        if (2 * i + 1 == TERMS) begin : gen_odd
          assign sums_d[i*SUM_W+:SUM_W] = left;
        end else begin : gen_sum
          logic [SUM_W-1:0] right;
          if (IN_SIGNED) begin : gen_signed
            assign right = SUM_W'($signed(parts[(2*i+1)*TERM_W+:TERM_W]));
          end else begin : gen_unsigned
            assign right = SUM_W'(parts[(2*i+1)*TERM_W+:TERM_W]);
          end
          assign sums_d[i*SUM_W+:SUM_W] = left + right;
        end
      end
    end

    bm_delay #(
      .WIDTH(COUNT * SUM_W),
      .CYCLES(DUE - DONE)
    ) u_registers (
      .clk,
      .en,
      .d(sums_d),
      .q(sums)
    );
  end

  if (IN_SIGNED) begin : gen_signed_total
    assign total = OUT_W'($signed(gen_level[LEVELS].sums));
  end else begin : gen_unsigned_total
    assign total = OUT_W'(gen_level[LEVELS].sums);
  end

endmodule

`default_nettype wire
