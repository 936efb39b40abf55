// SPDX-License-Identifier: Apache-2.0
//
// bm_ras: a matrix-vector unit for weights of few values, most of them zero (Reduce-and-Scale): the
// inputs that meet equal weights are added up first, and only their sums are multiplied.
// MW elements in, TAKE per beat; a result of each row of the matrix out, one per beat.
// Vectors belong to GROUPS matrices in turn; LANES vectors side by side meet the same weights.
//
// Golden model: bitmason/ir/ops/dense.py, of weights that bitmason/backends/layers/ras/lists.py
// lists. Throughput: max(STEPS, MW/TAKE) cycles per vector, exactly, while input and output are
// ready. Latency: from the last input beat of a vector to its first output beat, FIRST + DEPTH + 1
// cycles, where FIRST steps go before the one that emits first and DEPTH = (SCALERS == 1 ? 5 : 6),
// when no earlier vector is in the way. s_axis_tready is a function of registers.
//
// LISTS_FILE and PICKS_FILE hold what the unit does in each step: see bm_ras_core, which does it.
// Lane l of the input stands at bits l*TAKE*IN_W, that of the output at bits l*ACC_W.

`default_nettype none

module bm_ras #(
  parameter int unsigned MW         = 8,  // elements per vector, a multiple of SIMD
  parameter int unsigned GROUPS     = 1,  // matrices that the vectors meet in turn
  parameter int unsigned LANES      = 1,  // vectors side by side
  parameter int unsigned PE         = 2,  // adders of each bank of columns
  parameter int unsigned SIMD       = 4,  // banks: that of a column is column % SIMD
  parameter int unsigned TAKE       = 2,  // elements per input beat and lane, dividing SIMD
  parameter int unsigned IN_W       = 4,  // bits per element
  parameter bit          IN_SIGNED  = 1'b0,  // elements are two's complement
  parameter int unsigned VALUE_W    = 4,  // bits per value of the weights, two's complement
  parameter int unsigned SUM_W      = 7,  // bits of the sum of a run, IN_W or more
  parameter int unsigned ACC_W      = 11,  // bits per result; results are modulo 2**ACC_W
  parameter int unsigned STEPS      = 16,  // words of the lists of a group
  parameter int unsigned SCALERS    = 1,  // sums picked at once, dividing PE*SIMD
  parameter int unsigned PLACES     = 4,  // rows that are open at once
  parameter string       LISTS_FILE = "",  // what the adders add
  parameter string       PICKS_FILE = "",  // what becomes of their sums
  parameter string       ROM_STYLE  = "auto",  // see bm_rom
  parameter string       RAM_STYLE  = "auto",  // the vectors, see bm_ras_vectors
  parameter bit          DSP        = 1'b0  // multiply in DSP blocks
) (
  input  wire logic                       clk,
  input  wire logic                       rst,

  input  wire logic [LANES*TAKE*IN_W-1:0] s_axis_tdata,
  input  wire logic                       s_axis_tvalid,
  output wire logic                       s_axis_tready,

  output wire logic [    LANES*ACC_W-1:0] m_axis_tdata,
  output wire logic                       m_axis_tvalid,
  input  wire logic                       m_axis_tready
);

  localparam int unsigned SLOTS   = MW / SIMD;
  localparam int unsigned ENTRY_W = ((SLOTS > 1) ? $clog2(SLOTS) : 1) + 1;
  localparam int unsigned WORDS   = GROUPS * STEPS;
  localparam int unsigned ADDR_W  = (WORDS > 1) ? $clog2(WORDS) : 1;

  logic list_next;
  logic [ADDR_W-1:0] list_word;
  logic [PE*SIMD*ENTRY_W-1:0] list_entries;

  bm_rom #(
    .WIDTH(PE * SIMD * ENTRY_W),
    .DEPTH(WORDS),
    .INIT_FILE(LISTS_FILE),
    .STYLE(ROM_STYLE)
  ) u_lists (
    .clk,
    .en(list_next),
    .addr(list_word),
    .data(list_entries)
  );

  bm_ras_core #(
    .MW(MW),
    .GROUPS(GROUPS),
    .LANES(LANES),
    .PE(PE),
    .SIMD(SIMD),
    .TAKE(TAKE),
    .IN_W(IN_W),
    .IN_SIGNED(IN_SIGNED),
    .VALUE_W(VALUE_W),
    .SUM_W(SUM_W),
    .ACC_W(ACC_W),
    .STEPS(STEPS),
    .SCALERS(SCALERS),
    .PLACES(PLACES),
    .PICKS_FILE(PICKS_FILE),
    .ROM_STYLE(ROM_STYLE),
    .RAM_STYLE(RAM_STYLE),
    .DSP(DSP)
  ) u_core (
    .clk,
    .rst,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .list_ready(1'b1),
    .list_next,
    .list_word,
    .list_entries,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
