// SPDX-License-Identifier: Apache-2.0
//
// bm_weight_reader: reads the stream of one layer: words in, checked; the entries of its matrix out,
// row by row.
//
// Golden model: `read` of bitmason/coding/streams.py. Streams may follow one another.
// Throughput: 1 word and 1 symbol per cycle, for the rest see bm_huffman_decoder and bm_gap_decoder.
// Latency: with S symbols before the one that shows what follows an entry, the first entry goes out
// S + 4 cycles after the third word was taken (S < 4). s_axis_tready is a register.
//
// Each stream ends with s_axis_tlast. For each go out exactly ROWS ends of rows, the last of them
// with m_axis_tlast, whatever its words are, as soon as all of them came: nothing waits for more.
// stream_error is 1 from the last beat of the first stream that is wrong, at the latest. So weights
// may be used when a last beat came and stream_error is 0 in that cycle.

`default_nettype none

module bm_weight_reader #(
  parameter  int unsigned ROWS     = 4,
  parameter  int unsigned COLUMNS  = 8,
  parameter  int unsigned SYMBOLS  = 5,  // see bm_huffman_decoder
  parameter  bit [127:0]  LENGTHS  = 128'h43421,  // see bm_huffman_decoder
  parameter  int unsigned CODE_W   = 1,  // bits of a code, from 0 to 4
  parameter  bit [31:0]   SEED     = 32'h0,  // where the checksum starts
  localparam int unsigned COLUMN_W = (COLUMNS > 1) ? $clog2(COLUMNS) : 1,
  localparam int unsigned PART_W   = (CODE_W > 0) ? CODE_W : 1,  // of an entry
  localparam int unsigned OUT_W    = 2 + COLUMN_W + PART_W
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [     15:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output wire logic             s_axis_tready,
  input  wire logic             s_axis_tlast,

  output wire logic [OUT_W-1:0] m_axis_tdata,  // {row ends, is an entry, column, code}
  output wire logic             m_axis_tvalid,
  input  wire logic             m_axis_tready,
  output wire logic             m_axis_tlast,

  output wire logic             stream_error  // stays until reset
);

  localparam int unsigned SYMBOL_W = $clog2(SYMBOLS);

  logic [16:0] word;
  logic word_valid, word_ready;
  logic [15:0] content;
  logic content_valid, content_ready, content_last;
  logic [PART_W+SYMBOL_W-1:0] symbol;
  logic symbol_valid, symbol_ready, symbol_last;
  logic check_error, code_error, range_error;

  bm_skid #(
    .WIDTH(17)
  ) u_skid (
    .clk,
    .rst,
    .s_axis_tdata({s_axis_tlast, s_axis_tdata}),
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata(word),
    .m_axis_tvalid(word_valid),
    .m_axis_tready(word_ready)
  );

  bm_crc_check #(
    .SEED(SEED)
  ) u_check (
    .clk,
    .rst,
    .s_axis_tdata(word[15:0]),
    .s_axis_tvalid(word_valid),
    .s_axis_tready(word_ready),
    .s_axis_tlast(word[16]),
    .m_axis_tdata(content),
    .m_axis_tvalid(content_valid),
    .m_axis_tready(content_ready),
    .m_axis_tlast(content_last),
    .check_error
  );

  bm_huffman_decoder #(
    .SYMBOLS(SYMBOLS),
    .LENGTHS(LENGTHS),
    .CODE_W(CODE_W)
  ) u_symbols (
    .clk,
    .rst,
    .s_axis_tdata(content),
    .s_axis_tvalid(content_valid),
    .s_axis_tready(content_ready),
    .s_axis_tlast(content_last),
    .m_axis_tdata(symbol),
    .m_axis_tvalid(symbol_valid),
    .m_axis_tready(symbol_ready),
    .m_axis_tlast(symbol_last),
    .code_error
  );

  bm_gap_decoder #(
    .ROWS(ROWS),
    .COLUMNS(COLUMNS),
    .SYMBOLS(SYMBOLS),
    .CODE_W(PART_W)
  ) u_gaps (
    .clk,
    .rst,
    .s_axis_tdata(symbol),
    .s_axis_tvalid(symbol_valid),
    .s_axis_tready(symbol_ready),
    .s_axis_tlast(symbol_last),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready,
    .m_axis_tlast,
    .range_error
  );

  assign stream_error = check_error || code_error || range_error;

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable({m_axis_tdata, m_axis_tlast}));
`endif

endmodule

`default_nettype wire
