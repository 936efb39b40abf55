// SPDX-License-Identifier: Apache-2.0
//
// bm_huffman_decoder: words of 16 bits in, the symbols of a canonical Huffman code out, each with
// the code bits of the entry that it stands for.
//
// Golden model: bitmason/coding/streams.py, without the checksum.
// Throughput: 1 symbol per cycle of any length while words arrive, 1 word a cycle at most; an end
// whose own bits lie in two words takes 2 cycles.
// Latency: 3 cycles from the word in which a symbol starts, 2 from the next one, where it ends there.
// s_axis_tready is combinational from m_axis_tready.
//
// A stream is the words up to s_axis_tlast, the first bit of a word in its bit 15. Its symbols go
// out up to the end (SYMBOLS - 1), which has m_axis_tlast; the symbol SYMBOLS - 2 has no code bits.
// However wrong a stream is, one end goes out for it: that in its last word, or one in the place of
// what is wrong: a symbol that is no code, the last one of words that give out before the end, an end
// with words behind it. Then code_error rises, and what is left of the words is dropped.

`default_nettype none

module bm_huffman_decoder #(
  parameter  int unsigned SYMBOLS  = 5,  // of the alphabet, from 3 to 32
  // Bits of the code of each symbol from 1 to 12, 0 where it has none: those of s at 4*s.
  parameter  bit [127:0]  LENGTHS  = 128'h43421,
  parameter  int unsigned CODE_W   = 1,  // code bits behind the symbol of an entry, from 0 to 4
  localparam int unsigned SYMBOL_W = $clog2(SYMBOLS),
  localparam int unsigned OUT_W    = SYMBOL_W + ((CODE_W > 0) ? CODE_W : 1)
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [     15:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output wire logic             s_axis_tready,
  input  wire logic             s_axis_tlast,

  output wire logic [OUT_W-1:0] m_axis_tdata,  // {code bits, symbol}
  output wire logic             m_axis_tvalid,
  input  wire logic             m_axis_tready,
  output wire logic             m_axis_tlast,

  output wire logic             code_error  // stays until reset
);

  localparam int unsigned ESCAPE = SYMBOLS - 2;
  localparam int unsigned FINISH = SYMBOLS - 1;

  function automatic int unsigned length_of(input int unsigned symbol);
    return 32'(LENGTHS[4*symbol+:4]);
  endfunction

  function automatic int unsigned longest();
    int unsigned most = 0;
    for (int unsigned s = 0; s < SYMBOLS; s++) begin
      if (length_of(s) > most) most = length_of(s);
    end
    return most;
  endfunction

  // Symbols whose code has that many bits, or fewer.
  function automatic int unsigned codes_up_to(input int unsigned bits);
    int unsigned count = 0;
    for (int unsigned s = 0; s < SYMBOLS; s++) begin
      if (length_of(s) > 0 && length_of(s) <= bits) count++;
    end
    return count;
  endfunction

  // The first number behind the codes of that many bits.
  function automatic int unsigned behind(input int unsigned bits);
    int unsigned code = 0;
    for (int unsigned i = 1; i <= bits; i++) begin
      code = 2 * code + codes_up_to(i) - codes_up_to(i - 1);
    end
    return code;
  endfunction

  function automatic int unsigned code_of(input int unsigned symbol);
    int unsigned code = behind(length_of(symbol));
    for (int unsigned s = symbol; s < SYMBOLS; s++) begin
      if (length_of(s) == length_of(symbol)) code--;
    end
    return code;
  endfunction

  localparam int unsigned MOST     = longest();
  localparam int unsigned WINDOW_W = MOST + CODE_W;
  localparam int unsigned CODES    = codes_up_to(MOST);
  localparam int unsigned ESCAPE_W = length_of(ESCAPE);
  localparam int unsigned FINISH_W = length_of(FINISH);
  localparam int unsigned PLACE_W  = (CODES > 1) ? $clog2(CODES) : 1;

  if (SYMBOLS < 3 || SYMBOLS > 32) begin : gen_reject_symbols
    $error("bm_huffman_decoder: SYMBOLS (%0d) must be from 3 to 32", SYMBOLS);
  end
  if (CODE_W > 4) begin : gen_reject_code
    $error("bm_huffman_decoder: CODE_W (%0d) must be 4 or less", CODE_W);
  end
  if (MOST > 12 || FINISH_W == 0) begin : gen_reject_lengths
    $error("bm_huffman_decoder: LENGTHS must be 12 or less (%0d) and that of the end not 0 (%0d)",
           MOST, FINISH_W);
  end
  if (behind(MOST) > 2 ** MOST) begin : gen_reject_code_space
    $error("bm_huffman_decoder: LENGTHS need %0d codes of %0d bits", behind(MOST), MOST);
  end

  // The symbols in the order of their codes.
  function automatic bit [32*SYMBOL_W-1:0] ordered();
    bit [32*SYMBOL_W-1:0] symbols = '0;
    int unsigned place = 0;
    for (int unsigned bits = 1; bits <= MOST; bits++) begin
      for (int unsigned s = 0; s < SYMBOLS; s++) begin
        if (length_of(s) == bits) begin
          symbols[place*SYMBOL_W+:SYMBOL_W] = SYMBOL_W'(s);
          place++;
        end
      end
    end
    return symbols;
  endfunction

  // From the number of a code of each length to its place in that order.
  function automatic bit [13*PLACE_W-1:0] offsets();
    bit [13*PLACE_W-1:0] found = '0;
    for (int unsigned bits = 1; bits <= MOST; bits++) begin
      found[bits*PLACE_W+:PLACE_W] = PLACE_W'(codes_up_to(bits) - behind(bits));
    end
    return found;
  endfunction

  localparam bit [32*SYMBOL_W-1:0] ORDERED = ordered();
  localparam bit [ 13*PLACE_W-1:0] OFFSETS = offsets();

  // The word that is read, and the next one.
  logic [15:0] word_q, next_q;
  logic word_valid_q, next_valid_q, word_last_q, next_last_q;
  logic [3:0] at_q;  // bits of the word that are read

  logic [WINDOW_W-1:0] window;
  assign window = WINDOW_W'({word_q, next_q} << at_q >> (32 - WINDOW_W));

  // Codes in the order of their numbers: of `bits` bits is the first one that is less than the
  // first number behind those of `bits` bits.
  logic [MOST:0] below;
  logic [MOST-1:0] code_window;
  assign code_window = window[WINDOW_W-1-:MOST];
  assign below[0]    = 1'b0;

  for (genvar bits = 1; bits <= MOST; bits++) begin : gen_below
    localparam int unsigned BEHIND = behind(bits);
    if (BEHIND == 2 ** bits) begin : gen_all
      assign below[bits] = 1'b1;
    end else if (BEHIND == 0) begin : gen_none
      assign below[bits] = 1'b0;
    end else begin : gen_some
      assign below[bits] = code_window[MOST-1-:bits] < bits'(BEHIND);
    end
  end

  // Its place among the codes is its number and what depends on its length alone.
  logic [PLACE_W-1:0] number, offset, place;
  logic [4:0] bits_read;
  logic [OUT_W-SYMBOL_W-1:0] code;
  logic is_escape, is_end;

  always_comb begin
    number    = '0;
    offset    = '0;
    code      = '0;
    bits_read = 5'(MOST);
    for (int unsigned bits = 1; bits <= MOST; bits++) begin
      if (below[bits] && !below[bits-1]) begin
        number    = PLACE_W'(code_window >> (MOST - bits));
        offset    = OFFSETS[bits*PLACE_W+:PLACE_W];
        bits_read = 5'(bits + CODE_W);
        if (CODE_W > 0) code = (OUT_W - SYMBOL_W)'(window >> (MOST - bits));
      end
    end
    if (is_escape) bits_read = 5'(ESCAPE_W);
    if (is_end) bits_read = 5'(FINISH_W);
  end

  if (ESCAPE_W == 0) begin : gen_no_escape
    assign is_escape = 1'b0;
  end else begin : gen_escape
    assign is_escape = code_window[MOST-1-:ESCAPE_W] == ESCAPE_W'(code_of(ESCAPE));
  end

  assign is_end = code_window[MOST-1-:FINISH_W] == FINISH_W'(code_of(FINISH));
  assign place  = number + offset;

  logic [4:0] at_d;
  logic crosses, ends_last, runs_out, wrong, ends;
  logic en, go, drops, moves;
  logic drops_q, out_valid_q, out_last_q, error_q;
  logic [OUT_W-1:0] out_q;

  assign at_d      = 5'(at_q) + bits_read;
  assign crosses   = at_d > 5'd16;  // into the next word
  assign ends_last = crosses ? next_last_q : word_last_q;
  assign runs_out  = word_last_q && (crosses || (at_d[4] && !is_end));
  assign wrong     = runs_out || !below[MOST] || (is_end && !ends_last);
  assign ends      = is_end || wrong;

  assign en    = m_axis_tready || !out_valid_q;
  assign go    = en && word_valid_q && !drops_q && (!crosses || next_valid_q || word_last_q);
  assign drops = drops_q && word_valid_q;
  assign moves = drops || (go && (at_d[4] || ends)) || !word_valid_q;

  assign s_axis_tready = moves || !next_valid_q;
  assign m_axis_tvalid = out_valid_q;
  assign m_axis_tdata  = out_q;
  assign m_axis_tlast  = out_last_q;
  assign code_error    = error_q;

  always_ff @(posedge clk) begin
    if (moves) begin
      word_q       <= next_q;
      word_last_q  <= next_last_q;
      word_valid_q <= next_valid_q;
    end
    if (s_axis_tready) begin
      next_q       <= s_axis_tdata;
      next_last_q  <= s_axis_tlast;
      next_valid_q <= s_axis_tvalid;
    end
    if (go) at_q <= ends ? '0 : at_d[3:0];
    if (go && ends) drops_q <= !word_last_q;
    if (drops && word_last_q) drops_q <= 1'b0;
    if (go && wrong) error_q <= 1'b1;
    if (en) out_valid_q <= go;
    if (go) begin
      out_q      <= {code, ends ? SYMBOL_W'(FINISH) : ORDERED[place*SYMBOL_W+:SYMBOL_W]};
      out_last_q <= ends;
    end
    if (rst) begin
      word_valid_q <= 1'b0;
      next_valid_q <= 1'b0;
      out_valid_q  <= 1'b0;
      drops_q      <= 1'b0;
      error_q      <= 1'b0;
      at_q         <= '0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable({m_axis_tdata, m_axis_tlast}));
`endif

endmodule

`default_nettype wire
