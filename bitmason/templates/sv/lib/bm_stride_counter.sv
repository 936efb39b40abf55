// SPDX-License-Identifier: Apache-2.0
//
// bm_stride_counter: counts LENGTH positions round and round and marks COUNT of them, STEP apart.
//
// Golden model: marked = position in range(FIRST, FIRST + COUNT * STEP, STEP).
// Throughput: 1 position per enabled cycle. Latency: none, `marked` and `last` belong to the
// present position, and `marked` is a register. No stream ports.

`default_nettype none

module bm_stride_counter #(
  parameter int unsigned LENGTH = 8,  // positions
  parameter int unsigned FIRST  = 0,  // first marked position
  parameter int unsigned STEP   = 1,  // from one marked position to the next
  parameter int unsigned COUNT  = 8  // marked positions
) (
  input  wire logic clk,
  input  wire logic rst,
  input  wire logic en,  // go to the next position

  output wire logic marked,
  output wire logic last
);

  localparam int unsigned END        = FIRST + (COUNT - 1) * STEP;  // last marked position
  localparam int unsigned POSITION_W = (LENGTH > 1) ? $clog2(LENGTH) : 1;
  localparam int unsigned PHASE_W    = (STEP > 1) ? $clog2(STEP) : 1;

  if (STEP < 1 || COUNT < 1) begin : gen_reject_empty
    $error("bm_stride_counter: STEP (%0d) and COUNT (%0d) must be 1 or more", STEP, COUNT);
  end else if (END >= LENGTH) begin : gen_reject_outside
    $error("bm_stride_counter: position %0d is marked, but LENGTH is %0d", END, LENGTH);
  end

  logic [POSITION_W-1:0] position_d, position_q;
  logic [PHASE_W-1:0] phase_q;  // positions since the last marked one, modulo STEP
  logic open_q;  // from the first marked position to the last
  logic marked_q;
  logic opens, stays, phase_ends;

  assign marked = marked_q;
  assign last   = position_q == POSITION_W'(LENGTH - 1);

  assign position_d = last ? '0 : position_q + 1'b1;
  assign opens      = position_d == POSITION_W'(FIRST);
  assign stays      = open_q && position_q != POSITION_W'(END);
  assign phase_ends = phase_q == PHASE_W'(STEP - 1);

  always_ff @(posedge clk) begin
    if (en) begin
      position_q <= position_d;
      phase_q    <= (opens || phase_ends) ? '0 : phase_q + 1'b1;
      open_q     <= opens || stays;
      marked_q   <= opens || (stays && phase_ends);
    end
    if (rst) begin
      position_q <= '0;
      phase_q    <= '0;
      open_q     <= FIRST == 0;
      marked_q   <= FIRST == 0;
    end
  end

endmodule

`default_nettype wire
