// SPDX-License-Identifier: Apache-2.0
//
// bm_ras_loaded: a bm_ras that takes what its adders add from a stream, once after reset, and then
// works through vectors.
//
// Golden model: that of bm_ras, and `coded_lists` of bitmason/backends/layers/ras/loaded.py.
// Throughput: that of bm_ras. Latency: that of bm_ras; the first step is made in the second cycle
// with loaded, at the earliest, and two vectors are taken before. When the words of the stream come
// without a pause, loaded rises N + 6 cycles behind the one in which the first of them is taken,
// where N is the number of symbols, the end among them.
// Both s_axis_tready and s_axis_lists_tready are functions of registers.
//
// Without a right stream of lists nothing comes out: see bm_ras_lists. The stream is words of 16
// bits, as bm_weight_reader reads them; reset asks for a new one.
// Lane l of the input stands at bits l*TAKE*IN_W, that of the output at bits l*ACC_W.

`default_nettype none

module bm_ras_loaded #(
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
  parameter int unsigned RUNS       = 128,  // see bm_ras_lists
  parameter int unsigned SYMBOLS    = 5,  // see bm_huffman_decoder
  parameter bit [127:0]  LENGTHS    = 128'h43421,  // see bm_huffman_decoder
  parameter bit [31:0]   SEED       = 32'h0,  // see bm_crc_check
  parameter string       PICKS_FILE = "",  // see bm_ras_core
  parameter string       LIST_STYLE = "auto",  // memory of the lists: auto, distributed or block
  parameter string       ROM_STYLE  = "auto",  // of the picks, see bm_rom
  parameter string       RAM_STYLE  = "auto",  // the vectors, see bm_ras_vectors
  parameter bit          DSP        = 1'b0  // multiply in DSP blocks
) (
  input  wire logic                       clk,
  input  wire logic                       rst,

  input  wire logic [               15:0] s_axis_lists_tdata,
  input  wire logic                       s_axis_lists_tvalid,
  output wire logic                       s_axis_lists_tready,
  input  wire logic                       s_axis_lists_tlast,

  input  wire logic [LANES*TAKE*IN_W-1:0] s_axis_tdata,
  input  wire logic                       s_axis_tvalid,
  output wire logic                       s_axis_tready,

  output wire logic [    LANES*ACC_W-1:0] m_axis_tdata,
  output wire logic                       m_axis_tvalid,
  input  wire logic                       m_axis_tready,

  output wire logic                       loaded,  // stays until reset
  output wire logic                       lists_error  // stays until reset
);

  localparam int unsigned SLOTS   = MW / SIMD;
  localparam int unsigned ENTRY_W = ((SLOTS > 1) ? $clog2(SLOTS) : 1) + 1;
  localparam int unsigned WORDS   = GROUPS * STEPS;
  localparam int unsigned ADDR_W  = (WORDS > 1) ? $clog2(WORDS) : 1;

  logic list_next;
  logic [ADDR_W-1:0] list_word;
  logic [PE*SIMD*ENTRY_W-1:0] list_entries;

  bm_ras_lists #(
    .ADDERS(PE * SIMD),
    .WORDS(WORDS),
    .SLOTS(SLOTS),
    .RUNS(RUNS),
    .SYMBOLS(SYMBOLS),
    .LENGTHS(LENGTHS),
    .SEED(SEED),
    .RAM_STYLE(LIST_STYLE)
  ) u_lists (
    .clk,
    .rst,
    .s_axis_lists_tdata,
    .s_axis_lists_tvalid,
    .s_axis_lists_tready,
    .s_axis_lists_tlast,
    .list_next,
    .list_word,
    .list_entries,
    .loaded,
    .lists_error
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
    .list_ready(loaded),
    .list_next,
    .list_word,
    .list_entries,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  needs_lists_a: assert property (@(posedge clk) disable iff (rst) m_axis_tvalid |-> loaded);

  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
