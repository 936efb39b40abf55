// SPDX-License-Identifier: Apache-2.0
//
// bm_ras_vectors: holds two vectors, of which PE*SIMD readers each name an element in every cycle.
//
// Golden model: x[reader] = vector[slot*SIMD + reader % SIMD], of the oldest vector held.
// Throughput: 1 beat per cycle while fewer than two vectors are whole. Latency: a vector is there
// 1 cycle after its last beat; an element comes 1 enabled cycle after its slot.
// s_axis_tready is a function of registers.
//
// Bank s holds the columns s, s + SIMD, ...; there is a copy of it for each PE. A word of a bank
// has the element of each lane. A beat holds TAKE elements of each lane: those of TAKE banks.

`default_nettype none

module bm_ras_vectors #(
  parameter  int unsigned LANES     = 1,  // vectors side by side
  parameter  int unsigned MW        = 8,  // elements per vector, a multiple of SIMD
  parameter  int unsigned PE        = 2,  // readers of each bank
  parameter  int unsigned SIMD      = 4,  // banks, a multiple of TAKE
  parameter  int unsigned TAKE      = 2,  // elements per beat and lane
  parameter  int unsigned IN_W      = 4,  // bits per element
  parameter  string       RAM_STYLE = "auto",  // memory: "auto", "distributed" or "block"
  localparam int unsigned SLOTS     = MW / SIMD,
  localparam int unsigned SLOT_W    = (SLOTS > 1) ? $clog2(SLOTS) : 1
) (
  input  wire logic                          clk,
  input  wire logic                          rst,

  input  wire logic [   LANES*TAKE*IN_W-1:0] s_axis_tdata,
  input  wire logic                          s_axis_tvalid,
  output wire logic                          s_axis_tready,

  output wire logic                          there,  // a whole vector
  input  wire logic                          frees,  // it is read for the last time
  input  wire logic                          en,
  input  wire logic [    PE*SIMD*SLOT_W-1:0] slots,  // reader pe*SIMD + s at that place
  output wire logic [LANES*PE*SIMD*IN_W-1:0] x  // those of lane 0 first
);

  localparam int unsigned PARTS  = SIMD / TAKE;
  localparam int unsigned PART_W = (PARTS > 1) ? $clog2(PARTS) : 1;

  if (MW % SIMD != 0) begin : gen_reject_partial_input
    $error("bm_ras_vectors: MW (%0d) must be a multiple of SIMD (%0d)", MW, SIMD);
  end
  if (SIMD % TAKE != 0) begin : gen_reject_partial_beat
    $error("bm_ras_vectors: SIMD (%0d) must be a multiple of TAKE (%0d)", SIMD, TAKE);
  end
  if (RAM_STYLE != "auto" && RAM_STYLE != "distributed" && RAM_STYLE != "block")
  begin : gen_reject_style
    $error("bm_ras_vectors: RAM_STYLE must be auto, distributed or block, not %s", RAM_STYLE);
  end

  logic [PART_W-1:0] part_q;
  logic [SLOT_W-1:0] slot_q;
  logic [1:0] whole_q;  // vectors held
  logic write_half_q, read_half_q;
  logic push, slot_ends, vector_ends;

  assign s_axis_tready = !whole_q[1];
  assign there         = whole_q != '0;
  assign push          = s_axis_tvalid && s_axis_tready;
  assign slot_ends     = push && part_q == PART_W'(PARTS - 1);
  assign vector_ends   = slot_ends && slot_q == SLOT_W'(SLOTS - 1);

  always_ff @(posedge clk) begin
    whole_q      <= whole_q + 2'(vector_ends) - 2'(frees);
    write_half_q <= write_half_q ^ vector_ends;
    read_half_q  <= read_half_q ^ frees;
    if (push) part_q <= slot_ends ? '0 : part_q + 1'b1;
    if (slot_ends) slot_q <= vector_ends ? '0 : slot_q + 1'b1;
    if (rst) begin
      whole_q      <= '0;
      write_half_q <= 1'b0;
      read_half_q  <= 1'b0;
      part_q       <= '0;
      slot_q       <= '0;
    end
  end

  for (genvar s = 0; s < SIMD; s++) begin : gen_bank
    logic [LANES*IN_W-1:0] element;
    logic write;

    assign write = push && part_q == PART_W'(s / TAKE);

    for (genvar lane = 0; lane < LANES; lane++) begin : gen_element
      assign element[lane*IN_W+:IN_W] = s_axis_tdata[(lane*TAKE+s%TAKE)*IN_W+:IN_W];
    end

    for (genvar pe = 0; pe < PE; pe++) begin : gen_copy
      // What is read of a whole vector is never what is written.
      (* ram_style = RAM_STYLE, no_rw_check *)
      logic [LANES*IN_W-1:0] words[2**(SLOT_W+1)];
      logic [LANES*IN_W-1:0] data_q;

      always_ff @(posedge clk) begin
        if (write) words[{write_half_q, slot_q}] <= element;
        if (en) data_q <= words[{read_half_q, slots[(pe*SIMD+s)*SLOT_W+:SLOT_W]}];
      end

      for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
        assign x[((lane*PE+pe)*SIMD+s)*IN_W+:IN_W] = data_q[lane*IN_W+:IN_W];
      end
    end
  end

`ifndef SYNTHESIS
  frees_what_is_there_a: assert property (@(posedge clk) disable iff (rst) frees |-> there);
`endif

endmodule

`default_nettype wire
