// SPDX-License-Identifier: Apache-2.0
//
// bm_ras_booted: a bm_ras whose lists lie coded in a small read-only memory, and come out of it
// once after reset.
//
// Golden model: that of bm_ras_loaded. Throughput and latency: those of bm_ras_loaded, of lists that
// come without a pause from the first cycle behind reset on. s_axis_tready is a function of registers.
//
// Lane l of the input stands at bits l*TAKE*IN_W, that of the output at bits l*ACC_W.

`default_nettype none

module bm_ras_booted #(
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
  parameter int unsigned CODED      = 64,  // words of the coded lists
  parameter string       LISTS_FILE = "",  // the coded lists, see bm_rom_stream
  parameter string       PICKS_FILE = "",  // see bm_ras_core
  parameter string       LIST_STYLE = "auto",  // memory of the lists: auto, distributed or block
  parameter string       ROM_STYLE  = "auto",  // of picks and coded lists, see bm_rom
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
  input  wire logic                       m_axis_tready,

  output wire logic                       loaded,  // stays until reset
  output wire logic                       lists_error  // stays until reset
);

  logic [15:0] lists;
  logic lists_valid, lists_ready, lists_last;

  bm_rom_stream #(
    .WORDS(CODED),
    .LOOP(1'b0),
    .INIT_FILE(LISTS_FILE),
    .STYLE(ROM_STYLE)
  ) u_coded (
    .clk,
    .rst,
    .m_axis_tdata(lists),
    .m_axis_tvalid(lists_valid),
    .m_axis_tready(lists_ready),
    .m_axis_tlast(lists_last)
  );

  bm_ras_loaded #(
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
    .RUNS(RUNS),
    .SYMBOLS(SYMBOLS),
    .LENGTHS(LENGTHS),
    .SEED(SEED),
    .PICKS_FILE(PICKS_FILE),
    .LIST_STYLE(LIST_STYLE),
    .ROM_STYLE(ROM_STYLE),
    .RAM_STYLE(RAM_STYLE),
    .DSP(DSP)
  ) u_unit (
    .clk,
    .rst,
    .s_axis_lists_tdata(lists),
    .s_axis_lists_tvalid(lists_valid),
    .s_axis_lists_tready(lists_ready),
    .s_axis_lists_tlast(lists_last),
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready,
    .loaded,
    .lists_error
  );

`ifndef SYNTHESIS
  lists_are_right_a: assert property (@(posedge clk) disable iff (rst) !lists_error);

  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
