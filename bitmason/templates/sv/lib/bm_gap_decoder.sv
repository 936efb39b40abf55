// SPDX-License-Identifier: Apache-2.0
//
// bm_gap_decoder: the symbols of runs of zeros in, the entries of a matrix out, row by row, each
// with its column, its code, and whether it is the last one of its row.
//
// Golden model: `runs_from` and `codes_of` of bitmason/coding/gaps.py.
// Throughput: 1 symbol per cycle. A run that goes on through more than one end of a row takes a
// cycle more for each further one, and the end of a matrix a cycle for each row that is left.
// Latency: an entry goes out in the cycle in which the next entry, or the end of its row, is known:
// combinationally with the next symbol. s_axis_tready is combinational from m_axis_tready, and both
// sides from the symbol.
//
// SYMBOLS - 2 is as many zeros as its number says, any other symbol an entry with that many zeros in
// front; one with s_axis_tlast is the end: all the rest is zeros. Beats are entries, ends of rows, or
// both; a row without entries is a beat of its own. Up to each end go out exactly ROWS ends of rows,
// the last of them with m_axis_tlast, whatever the symbols were: of those that lead out of the matrix
// the first and all behind it are dropped, and range_error rises.

`default_nettype none

module bm_gap_decoder #(
  parameter  int unsigned ROWS     = 4,
  parameter  int unsigned COLUMNS  = 8,
  parameter  int unsigned SYMBOLS  = 5,  // of the alphabet, 3 or more
  parameter  int unsigned CODE_W   = 1,  // bits of a code, 1 or more
  localparam int unsigned SYMBOL_W = $clog2(SYMBOLS),
  localparam int unsigned COLUMN_W = (COLUMNS > 1) ? $clog2(COLUMNS) : 1,
  localparam int unsigned OUT_W    = 2 + COLUMN_W + CODE_W
) (
  input  wire logic                       clk,
  input  wire logic                       rst,

  input  wire logic [CODE_W+SYMBOL_W-1:0] s_axis_tdata,  // {code, symbol}
  input  wire logic                       s_axis_tvalid,
  output wire logic                       s_axis_tready,
  input  wire logic                       s_axis_tlast,

  output wire logic [          OUT_W-1:0] m_axis_tdata,  // {row ends, is an entry, column, code}
  output wire logic                       m_axis_tvalid,
  input  wire logic                       m_axis_tready,
  output wire logic                       m_axis_tlast,

  output wire logic                       range_error  // stays until reset
);

  localparam int unsigned ESCAPE = SYMBOLS - 2;
  localparam int unsigned ROW_W  = (ROWS > 1) ? $clog2(ROWS) : 1;
  // Columns from ESCAPE before the first one, while a run is cut, to as many behind the last one.
  localparam int unsigned PLACE_W = $clog2(COLUMNS + ESCAPE + 2) + 1;
  localparam bit CUTS = ESCAPE >= COLUMNS;  // runs may go on through more than one end of a row

  if (ROWS < 1 || COLUMNS < 1) begin : gen_reject_empty
    $error("bm_gap_decoder: ROWS (%0d) and COLUMNS (%0d) must be 1 or more", ROWS, COLUMNS);
  end
  if (SYMBOLS < 3 || CODE_W < 1) begin : gen_reject_alphabet
    $error("bm_gap_decoder: SYMBOLS (%0d) must be 3 or more and CODE_W (%0d) 1 or more",
           SYMBOLS, CODE_W);
  end

  logic [SYMBOL_W-1:0] symbol;
  logic [CODE_W-1:0] code;
  assign {code, symbol} = s_axis_tdata;

  // The place behind what is read, and the last entry, which waits for what follows it.
  logic signed [PLACE_W-1:0] place_q;
  logic [ROW_W-1:0] row_q;
  logic entry_q;
  logic [COLUMN_W-1:0] column_q;
  logic [CODE_W-1:0] code_q;
  logic error_q;

  logic signed [PLACE_W-1:0] here, wrapped;
  logic is_end, is_entry, wraps, again, last_row, leaves;
  logic row_ends, emits, reads, go;

  assign is_end   = s_axis_tlast;
  assign is_entry = !is_end && symbol != SYMBOL_W'(ESCAPE);
  assign here     = place_q + PLACE_W'({1'b0, symbol});
  assign wraps    = here >= $signed(PLACE_W'(COLUMNS));
  assign wrapped  = wraps ? here - $signed(PLACE_W'(COLUMNS)) : here;
  assign again    = CUTS && wraps && wrapped >= $signed(PLACE_W'(COLUMNS));
  assign last_row = row_q == ROW_W'(ROWS - 1);
  assign leaves   = !is_end && wraps && last_row;

  assign row_ends = is_end || wraps;
  assign emits    = !leaves && (row_ends || (is_entry && entry_q));
  assign reads    = is_end ? last_row : leaves || !again;

  assign s_axis_tready = reads && (m_axis_tready || !emits);
  assign m_axis_tvalid = s_axis_tvalid && emits;
  assign m_axis_tdata  = {row_ends, entry_q, column_q, code_q};
  assign m_axis_tlast  = is_end && last_row;
  assign range_error   = error_q;

  assign go = s_axis_tvalid && (m_axis_tready || !emits);

  always_ff @(posedge clk) begin
    if (go && leaves) begin
      error_q <= 1'b1;
      place_q <= $signed(PLACE_W'(COLUMNS));  // so that all that follows leaves too
    end
    if (go && !leaves) begin
      if (row_ends) row_q <= last_row ? '0 : row_q + 1'b1;
      // A run that is cut goes on from as far before the next row as the row was long.
      if (is_end) place_q <= '0;
      else if (again) place_q <= place_q - $signed(PLACE_W'(COLUMNS));
      else place_q <= wrapped + PLACE_W'(is_entry);
      if (is_entry && reads) begin
        entry_q  <= 1'b1;
        column_q <= COLUMN_W'(wrapped);
        code_q   <= code;
      end else if (row_ends) begin
        entry_q <= 1'b0;
      end
    end
    if (rst) begin
      place_q <= '0;
      row_q   <= '0;
      entry_q <= 1'b0;
      error_q <= 1'b0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable({m_axis_tdata, m_axis_tlast}));
`endif

endmodule

`default_nettype wire
