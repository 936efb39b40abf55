// SPDX-License-Identifier: Apache-2.0
//
// bm_ras_core: a Reduce-and-Scale unit (see bm_ras) but for the memory of what its adders add.
//
// Golden model, throughput and latency: those of bm_ras. s_axis_tready is a function of registers.
//
// Control: two vectors are held. A vector is there in the cycle behind its last beat; from then on
// each enabled cycle makes one of its STEPS steps, and the one behind the last makes the first step
// of the next vector, if that is there. Beats are taken while fewer than two vectors are whole:
// again in the cycle behind a last step. What a step emits is on offer DEPTH enabled cycles later,
// where DEPTH = (SCALERS == 1 ? 5 : 6). Every cycle is enabled in which no beat is on offer or the
// one on offer is taken.
//
// Memories, for step `step` of a vector of group `group` at word group*STEPS + step:
//   list_entries, of list_word in the cycle behind one with list_next: for each adder pe*SIMD + s
//     {first, slot}: it adds column slot*SIMD + s. A run of additions begins at `first`; what is
//     added between runs does not matter. There are no steps before the cycle behind the first one
//     with list_ready, which stays.
//   PICKS_FILE: for each scaler {emits, opens, place, adder, value}: the sum of the adder
//     adder*SCALERS + scaler, with this step's addition, times value joins this scaler's part of
//     the row at `place`, which it opens or goes on with. A value of 0 picks nothing. The parts of
//     all scalers that emit in a step are those of a complete row, which goes out.
// Lane l of the input stands at bits l*TAKE*IN_W, that of the output at bits l*ACC_W.

`default_nettype none

module bm_ras_core #(
  parameter  int unsigned MW         = 8,  // elements per vector, a multiple of SIMD
  parameter  int unsigned GROUPS     = 1,  // matrices that the vectors meet in turn
  parameter  int unsigned LANES      = 1,  // vectors side by side
  parameter  int unsigned PE         = 2,  // adders of each bank of columns
  parameter  int unsigned SIMD       = 4,  // banks: that of a column is column % SIMD
  parameter  int unsigned TAKE       = 2,  // elements per input beat and lane, dividing SIMD
  parameter  int unsigned IN_W       = 4,  // bits per element
  parameter  bit          IN_SIGNED  = 1'b0,  // elements are two's complement
  parameter  int unsigned VALUE_W    = 4,  // bits per value of the weights, two's complement
  parameter  int unsigned SUM_W      = 7,  // bits of the sum of a run, IN_W or more
  parameter  int unsigned ACC_W      = 11,  // bits per result; results are modulo 2**ACC_W
  parameter  int unsigned STEPS      = 16,  // words of the lists of a group
  parameter  int unsigned SCALERS    = 1,  // sums picked at once, dividing PE*SIMD
  parameter  int unsigned PLACES     = 4,  // rows that are open at once
  parameter  string       PICKS_FILE = "",  // what becomes of their sums
  parameter  string       ROM_STYLE  = "auto",  // see bm_rom
  parameter  string       RAM_STYLE  = "auto",  // the vectors, see bm_ras_vectors
  parameter  bit          DSP        = 1'b0,  // multiply in DSP blocks
  localparam int unsigned ADDERS     = PE * SIMD,
  localparam int unsigned SLOTS      = MW / SIMD,
  localparam int unsigned SLOT_W     = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned ENTRY_W    = SLOT_W + 1,
  localparam int unsigned WORDS      = GROUPS * STEPS,
  localparam int unsigned ADDR_W     = (WORDS > 1) ? $clog2(WORDS) : 1
) (
  input  wire logic                       clk,
  input  wire logic                       rst,

  input  wire logic [LANES*TAKE*IN_W-1:0] s_axis_tdata,
  input  wire logic                       s_axis_tvalid,
  output wire logic                       s_axis_tready,

  input  wire logic                       list_ready,
  output wire logic                       list_next,
  output wire logic [         ADDR_W-1:0] list_word,
  input  wire logic [ ADDERS*ENTRY_W-1:0] list_entries,

  output wire logic [    LANES*ACC_W-1:0] m_axis_tdata,
  output wire logic                       m_axis_tvalid,
  input  wire logic                       m_axis_tready
);

  localparam int unsigned SOURCES = ADDERS / SCALERS;
  localparam int unsigned ADDER_W = (SOURCES > 1) ? $clog2(SOURCES) : 1;
  localparam int unsigned PLACE_W = (PLACES > 1) ? $clog2(PLACES) : 1;
  localparam int unsigned PICK_W  = VALUE_W + ADDER_W + PLACE_W + 2;
  localparam int unsigned STEP_W  = (STEPS > 1) ? $clog2(STEPS) : 1;
  localparam int unsigned DEPTH   = (SCALERS == 1) ? 5 : 6;  // registers from a step to the output

  if (MW % SIMD != 0) begin : gen_reject_partial_input
    $error("bm_ras_core: MW (%0d) must be a multiple of SIMD (%0d)", MW, SIMD);
  end
  if (SIMD % TAKE != 0) begin : gen_reject_partial_beat
    $error("bm_ras_core: SIMD (%0d) must be a multiple of TAKE (%0d)", SIMD, TAKE);
  end
  if (ADDERS % SCALERS != 0) begin : gen_reject_partial_scaler
    $error("bm_ras_core: PE*SIMD (%0d) must be a multiple of SCALERS (%0d)", ADDERS, SCALERS);
  end
  if (GROUPS < 1 || LANES < 1 || STEPS < 1 || PLACES < 1) begin : gen_reject_empty
    $error("bm_ras_core: GROUPS (%0d), LANES (%0d), STEPS (%0d) and PLACES (%0d) must be 1 or more",
           GROUPS, LANES, STEPS, PLACES);
  end

  // Everything moves by this one enable. Without a vector the steps still go through, and do no
  // harm: no run and no row reaches from one vector into the next.
  logic en;
  logic fetch, there, vector_ends;

  logic [STEP_W-1:0] step_q;
  logic [ADDR_W-1:0] addr_q;
  logic read_q, advance;
  logic [SCALERS*PICK_W-1:0] picks;

  // The memories are read one word ahead, so that a step is made in the cycle it is due.
  assign fetch       = there && read_q && en;
  assign vector_ends = fetch && step_q == STEP_W'(STEPS - 1);
  assign advance     = fetch || (list_ready && !read_q);
  assign list_next   = advance;
  assign list_word   = addr_q;

  always_ff @(posedge clk) begin
    if (advance) read_q <= 1'b1;
    if (fetch) step_q <= vector_ends ? '0 : step_q + 1'b1;
    if (advance) addr_q <= (addr_q == ADDR_W'(WORDS - 1)) ? '0 : addr_q + 1'b1;
    if (rst) begin
      read_q <= 1'b0;
      step_q <= '0;
      addr_q <= '0;
    end
  end

  bm_rom #(
    .WIDTH(SCALERS * PICK_W),
    .DEPTH(WORDS),
    .INIT_FILE(PICKS_FILE),
    .STYLE(ROM_STYLE)
  ) u_picks (
    .clk,
    .en(advance),
    .addr(addr_q),
    .data(picks)
  );

  logic [ADDERS*SLOT_W-1:0] slots;
  logic [ADDERS-1:0] first_d, first;

  for (genvar i = 0; i < ADDERS; i++) begin : gen_entry
    assign {first_d[i], slots[i*SLOT_W+:SLOT_W]} = list_entries[i*ENTRY_W+:ENTRY_W];
  end

  logic [LANES*ADDERS*IN_W-1:0] xs;

  bm_ras_vectors #(
    .LANES(LANES),
    .MW(MW),
    .PE(PE),
    .SIMD(SIMD),
    .TAKE(TAKE),
    .IN_W(IN_W),
    .RAM_STYLE(RAM_STYLE)
  ) u_vectors (
    .clk,
    .rst,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .there,
    .frees(vector_ends),
    .en,
    .slots,
    .x(xs)
  );

  bm_delay #(
    .WIDTH(ADDERS),
    .CYCLES(1)
  ) u_first (
    .clk,
    .en,
    .d(first_d),
    .q(first)
  );

  logic [LANES*ADDERS*SUM_W-1:0] sums;  // lane by lane, each with those of scaler 0 first
  logic [LANES*SCALERS*ACC_W-1:0] totals;  // scaler 0 of each lane first
  logic [SCALERS-1:0] emits_d;

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    for (genvar i = 0; i < ADDERS; i++) begin : gen_adder
      bm_ras_lane #(
        .IN_W(IN_W),
        .IN_SIGNED(IN_SIGNED),
        .SUM_W(SUM_W)
      ) u_lane (
        .clk,
        .en,
        .x(xs[(lane*ADDERS+i)*IN_W+:IN_W]),
        .first(first[i]),
        .sum(sums[(lane*ADDERS+i%SCALERS*SOURCES+i/SCALERS)*SUM_W+:SUM_W])
      );
    end
  end

  for (genvar scaler = 0; scaler < SCALERS; scaler++) begin : gen_scaler
    // The parts of a pick, each delayed to where it is needed.
    logic [VALUE_W-1:0] value_d, value;
    logic [ADDER_W-1:0] adder_d, adder;
    logic [PLACE_W-1:0] place_d, place;
    logic opens_d, opens;

    assign {emits_d[scaler], opens_d, place_d, adder_d, value_d} = picks[scaler*PICK_W+:PICK_W];

    bm_delay #(
      .WIDTH(ADDER_W),
      .CYCLES(2)
    ) u_adder (
      .clk,
      .en,
      .d(adder_d),
      .q(adder)
    );

    bm_delay #(
      .WIDTH(VALUE_W),
      .CYCLES(3)
    ) u_value (
      .clk,
      .en,
      .d(value_d),
      .q(value)
    );

    bm_delay #(
      .WIDTH(PLACE_W + 1),
      .CYCLES(4)
    ) u_place (
      .clk,
      .en,
      .d({opens_d, place_d}),
      .q({opens, place})
    );

    for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
      bm_ras_scale #(
        .SUMS(SOURCES),
        .SUM_W(SUM_W),
        .SIGNED(IN_SIGNED),
        .VALUE_W(VALUE_W),
        .ACC_W(ACC_W),
        .PLACES(PLACES),
        .DSP(DSP)
      ) u_scale (
        .clk,
        .en,
        .sums(sums[(lane*ADDERS+scaler*SOURCES)*SUM_W+:SOURCES*SUM_W]),
        .source(adder),
        .value,
        .place,
        .opens,
        .total(totals[(lane*SCALERS+scaler)*ACC_W+:ACC_W])
      );
    end
  end

  if (SCALERS == 1) begin : gen_whole
    assign m_axis_tdata = totals;
  end else begin : gen_parts
    logic [SCALERS-1:0] emits;
    logic [LANES*ACC_W-1:0] out_d, out_q;

    bm_delay #(
      .WIDTH(SCALERS),
      .CYCLES(DEPTH - 1)
    ) u_emits (
      .clk,
      .en,
      .d(emits_d),
      .q(emits)
    );

    for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
      logic [SCALERS*ACC_W-1:0] parts;

      for (genvar scaler = 0; scaler < SCALERS; scaler++) begin : gen_part
        assign parts[scaler*ACC_W+:ACC_W] =
            totals[(lane*SCALERS+scaler)*ACC_W+:ACC_W] & {ACC_W{emits[scaler]}};
      end

      bm_adder_tree #(
        .N(SCALERS),
        .IN_W(ACC_W),
        .OUT_W(ACC_W)
      ) u_tree (
        .clk,
        .en,
        .terms(parts),
        .total(out_d[lane*ACC_W+:ACC_W])
      );
    end

    assign m_axis_tdata = out_q;

    always_ff @(posedge clk) begin
      if (en) out_q <= out_d;
    end
  end

  logic [DEPTH-1:0] emits_q;

  assign en            = m_axis_tready || !m_axis_tvalid;
  assign m_axis_tvalid = emits_q[DEPTH-1];

  always_ff @(posedge clk) begin
    if (en) emits_q <= DEPTH'({emits_q, fetch && |emits_d});
    if (rst) emits_q <= '0;
  end

`ifndef SYNTHESIS
  lists_stay_ready_a: assert property (@(posedge clk) disable iff (rst) read_q |-> list_ready);

  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
