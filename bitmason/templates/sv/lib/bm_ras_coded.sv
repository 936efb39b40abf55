// SPDX-License-Identifier: Apache-2.0
//
// bm_ras_coded: a matrix-vector unit for weights of few values, most of them zero, that are kept
// as a Huffman-coded stream and decoded anew for each vector. An element in, and a result of each
// row of the matrix out, per beat and lane. One addition per cycle.
//
// Golden model: bitmason/ir/ops/dense.py, of weights that bitmason/backends/layers/ras/streams.py
// codes. Throughput: max(steps, MW) cycles per vector, exactly, while input and output are ready.
// A step is a symbol of the stream, or one more end of a row that its run goes on through or that
// is left at the end. Latency: from the last input beat of a vector to its first output beat,
// FIRST + 4 cycles, where FIRST steps go before the one that ends the first row, when no earlier
// vector is in the way. s_axis_tready is a function of registers.
//
// Control: two vectors are held. A vector is there in the cycle behind its last beat; from then on,
// but for the first 4 cycles behind reset, each enabled cycle makes one of its steps, and the one
// behind the last makes the first step of the next vector, if that is there. Beats are taken while
// fewer than two vectors are whole: again in the cycle behind a last step. The row that a step ends
// is on offer 3 enabled cycles later. Every cycle is enabled in which no beat is on offer or the
// one on offer is taken.
//
// INIT_FILE holds the streams of the matrices that the vectors meet in turn, {last, word} a line,
// without checksums. No end has its bits in two words: where they would be, the second one is left
// out, as words that give out within a symbol are an end as well (see bm_huffman_decoder).
// Nothing is gained by adding up first what meets equal weights where there is but one adder: its
// product with each input is narrower than those with sums, and as many are made.
// Lane l of the input stands at bits l*IN_W, that of the output at bits l*ACC_W.

`default_nettype none

module bm_ras_coded #(
  parameter  int unsigned              MW        = 8,  // elements per vector
  parameter  int unsigned              MH        = 4,  // rows of each matrix
  parameter  int unsigned              LANES     = 1,  // vectors side by side
  parameter  int unsigned              IN_W      = 4,  // bits per element
  parameter  bit                       IN_SIGNED = 1'b0,  // elements are two's complement
  parameter  int unsigned              CLASSES   = 2,  // values of the weights, from 1 to 8
  parameter  int unsigned              VALUE_W   = 4,  // bits per value, two's complement
  parameter  bit [CLASSES*VALUE_W-1:0] VALUES    = 8'h3B,  // that of code 0 lowest
  parameter  int unsigned              ACC_W     = 11,  // bits of a result, modulo 2**ACC_W
  parameter  int unsigned              SYMBOLS   = 5,  // see bm_huffman_decoder
  parameter  bit [127:0]               LENGTHS   = 128'h43421,  // see bm_huffman_decoder
  parameter  int unsigned              WORDS     = 16,  // lines of the file
  parameter  string                    INIT_FILE = "",  // the streams
  parameter  string                    ROM_STYLE = "auto",  // see bm_rom
  parameter  string                    RAM_STYLE = "auto"  // the vectors, see bm_ras_vectors
) (
  input  wire logic                   clk,
  input  wire logic                   rst,

  input  wire logic [ LANES*IN_W-1:0] s_axis_tdata,
  input  wire logic                   s_axis_tvalid,
  output wire logic                   s_axis_tready,

  output wire logic [LANES*ACC_W-1:0] m_axis_tdata,
  output wire logic                   m_axis_tvalid,
  input  wire logic                   m_axis_tready
);

  localparam int unsigned CODE_W   = $clog2(CLASSES);
  localparam int unsigned PART_W   = (CODE_W > 0) ? CODE_W : 1;  // of a symbol or an entry
  localparam int unsigned SYMBOL_W = $clog2(SYMBOLS);
  localparam int unsigned COLUMN_W = (MW > 1) ? $clog2(MW) : 1;

  if (LANES < 1 || CLASSES < 1 || CLASSES > 8) begin : gen_reject_classes
    $error("bm_ras_coded: LANES (%0d) must be 1 or more and CLASSES (%0d) from 1 to 8",
           LANES, CLASSES);
  end

  logic [15:0] word;
  logic word_valid, word_ready, word_last;
  logic [PART_W+SYMBOL_W-1:0] symbol;
  logic symbol_valid, symbol_ready, symbol_last, symbol_taken;
  logic code_error, range_error, unused;

  // Everything behind the decoder moves by this one enable.
  logic en;
  logic there, steps;
  logic row_ends, is_entry, beat, vector_ends;
  logic [COLUMN_W-1:0] column;
  logic [PART_W-1:0] code_d, code;

  bm_rom_stream #(
    .WORDS(WORDS),
    .LOOP(1'b1),
    .INIT_FILE(INIT_FILE),
    .STYLE(ROM_STYLE)
  ) u_words (
    .clk,
    .rst,
    .m_axis_tdata(word),
    .m_axis_tvalid(word_valid),
    .m_axis_tready(word_ready),
    .m_axis_tlast(word_last)
  );

  bm_huffman_decoder #(
    .SYMBOLS(SYMBOLS),
    .LENGTHS(LENGTHS),
    .CODE_W(CODE_W)
  ) u_symbols (
    .clk,
    .rst,
    .s_axis_tdata(word),
    .s_axis_tvalid(word_valid),
    .s_axis_tready(word_ready),
    .s_axis_tlast(word_last),
    .m_axis_tdata(symbol),
    .m_axis_tvalid(symbol_valid),
    .m_axis_tready(symbol_taken),
    .m_axis_tlast(symbol_last),
    .code_error
  );

  assign steps        = symbol_valid && there && en;
  assign symbol_taken = symbol_ready && there && en;
  assign unused       = &{1'b0, code_error, range_error};

  bm_gap_decoder #(
    .ROWS(MH),
    .COLUMNS(MW),
    .SYMBOLS(SYMBOLS),
    .CODE_W(PART_W)
  ) u_gaps (
    .clk,
    .rst,
    .s_axis_tdata(symbol),
    .s_axis_tvalid(steps),
    .s_axis_tready(symbol_ready),
    .s_axis_tlast(symbol_last),
    .m_axis_tdata({row_ends, is_entry, column, code_d}),
    .m_axis_tvalid(beat),
    .m_axis_tready(1'b1),
    .m_axis_tlast(vector_ends),
    .range_error
  );

  logic [LANES*IN_W-1:0] xs;

  bm_ras_vectors #(
    .LANES(LANES),
    .MW(MW),
    .PE(1),
    .SIMD(1),
    .TAKE(1),
    .IN_W(IN_W),
    .RAM_STYLE(RAM_STYLE)
  ) u_vectors (
    .clk,
    .rst,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .there,
    .frees(beat && vector_ends),
    .en,
    .slots(column),
    .x(xs)
  );

  bm_delay #(
    .WIDTH(PART_W),
    .CYCLES(1)
  ) u_code (
    .clk,
    .en,
    .d(code_d),
    .q(code)
  );

  // What a step has for the elements that it reads, for their products, and for the sums.
  logic entry_q;
  logic [2:0] ends_q;

  assign en            = m_axis_tready || !m_axis_tvalid;
  assign m_axis_tvalid = ends_q[2];

  always_ff @(posedge clk) begin
    if (en) begin
      entry_q <= beat && is_entry;
      ends_q  <= {ends_q[1:0], beat && row_ends};
    end
    if (rst) begin
      entry_q <= 1'b0;
      ends_q  <= '0;
    end
  end

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    logic signed [IN_W+VALUE_W-1:0] product, product_q;
    logic [ACC_W-1:0] sum_q;
    logic unused_high;  // bits above those of the sum

    assign unused_high = &{1'b0, product_q};

    bm_ras_product #(
      .IN_W(IN_W),
      .IN_SIGNED(IN_SIGNED),
      .CLASSES(CLASSES),
      .VALUE_W(VALUE_W),
      .VALUES(VALUES)
    ) u_product (
      .x(xs[lane*IN_W+:IN_W]),
      .code,
      .product(product)
    );

    // A row that went out leaves nothing behind.
    always_ff @(posedge clk) begin
      if (en) begin
        product_q <= entry_q ? product : '0;
        sum_q     <= ACC_W'(product_q) + (m_axis_tvalid ? '0 : sum_q);
      end
      if (rst) begin
        product_q <= '0;
        sum_q     <= '0;
      end
    end

    assign m_axis_tdata[lane*ACC_W+:ACC_W] = sum_q;
  end

`ifndef SYNTHESIS
  symbols_come_in_time_a: assert property (@(posedge clk) disable iff (rst)
    symbol_valid |=> symbol_valid);
  stays_in_the_matrix_a: assert property (@(posedge clk) disable iff (rst) !range_error);

  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
