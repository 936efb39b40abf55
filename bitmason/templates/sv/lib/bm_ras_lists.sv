// SPDX-License-Identifier: Apache-2.0
//
// bm_ras_lists: the memory of what the adders of a bm_ras_core add, filled once after reset from a
// coded stream.
//
// Golden model: `coded_lists` of bitmason/backends/layers/ras/loaded.py.
// Throughput: 1 entry per cycle in, 1 word per cycle out. Latency: loaded rises in the cycle behind
// the last entry, see bm_weight_reader; a word comes 1 cycle after list_next.
// s_axis_lists_tready is a register.
//
// The stream is that of a matrix with a row for each run of additions, those of adder 0 first; the
// entries of a row are the slots of the run, and what is added between runs are rows as well. Each
// adder has exactly WORDS entries. Words are filled one by one, for each adder anew: what is there
// is shifted down by an entry, so that the first adder's arrives at the bottom with the last one.
//
// lists_error rises behind a stream that is wrong in any way and stays, as loaded does behind a right
// one; never both. What follows is taken and ignored, so that whoever sends it does not wait.

`default_nettype none

module bm_ras_lists #(
  parameter  int unsigned ADDERS    = 8,  // entries of a word
  parameter  int unsigned WORDS     = 16,
  parameter  int unsigned SLOTS     = 2,  // an entry is {first of its run, one of so many}
  parameter  int unsigned RUNS      = 128,  // rows of the coded matrix
  parameter  int unsigned SYMBOLS   = 5,  // see bm_huffman_decoder
  parameter  bit [127:0]  LENGTHS   = 128'h43421,  // see bm_huffman_decoder
  parameter  bit [31:0]   SEED      = 32'h0,  // see bm_crc_check
  parameter  string       RAM_STYLE = "auto",  // memory: "auto", "distributed" or "block"
  localparam int unsigned SLOT_W    = (SLOTS > 1) ? $clog2(SLOTS) : 1,
  localparam int unsigned ENTRY_W   = SLOT_W + 1,
  localparam int unsigned WIDTH     = ADDERS * ENTRY_W,
  localparam int unsigned ADDR_W    = (WORDS > 1) ? $clog2(WORDS) : 1
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [      15:0] s_axis_lists_tdata,
  input  wire logic              s_axis_lists_tvalid,
  output wire logic              s_axis_lists_tready,
  input  wire logic              s_axis_lists_tlast,

  input  wire logic              list_next,  // read a word
  input  wire logic [ADDR_W-1:0] list_word,
  output wire logic [ WIDTH-1:0] list_entries,

  output wire logic              loaded,
  output wire logic              lists_error
);

  localparam int unsigned TURN_W = (ADDERS > 1) ? $clog2(ADDERS) : 1;

  if (ADDERS < 1 || WORDS < 1) begin : gen_reject_empty
    $error("bm_ras_lists: ADDERS (%0d) and WORDS (%0d) must be 1 or more", ADDERS, WORDS);
  end
  if (RAM_STYLE != "auto" && RAM_STYLE != "distributed" && RAM_STYLE != "block")
  begin : gen_reject_style
    $error("bm_ras_lists: RAM_STYLE must be auto, distributed or block, not %s", RAM_STYLE);
  end

  logic run_ends, is_entry, valid, last, stream_error, unused_code;
  logic [SLOT_W-1:0] slot;

  bm_weight_reader #(
    .ROWS(RUNS),
    .COLUMNS(SLOTS),
    .SYMBOLS(SYMBOLS),
    .LENGTHS(LENGTHS),
    .CODE_W(0),
    .SEED(SEED)
  ) u_reader (
    .clk,
    .rst,
    .s_axis_tdata(s_axis_lists_tdata),
    .s_axis_tvalid(s_axis_lists_tvalid),
    .s_axis_tready(s_axis_lists_tready),
    .s_axis_tlast(s_axis_lists_tlast),
    .m_axis_tdata({run_ends, is_entry, slot, unused_code}),
    .m_axis_tvalid(valid),
    .m_axis_tready(1'b1),
    .m_axis_tlast(last),
    .stream_error
  );

  // Where the next entry belongs.
  logic [ADDR_W-1:0] word_q;
  logic [TURN_W-1:0] adder_q;
  logic first_q;
  logic fills, word_ends, ends, right;
  logic wrong_q, loaded_q, error_q;

  assign fills       = valid && !loaded_q;
  assign word_ends   = word_q == ADDR_W'(WORDS - 1);
  assign ends        = word_ends && adder_q == TURN_W'(ADDERS - 1);
  assign right       = is_entry && last == ends;
  assign loaded      = loaded_q;
  assign lists_error = error_q;

  always_ff @(posedge clk) begin
    if (fills) begin
      word_q  <= word_ends ? '0 : word_q + 1'b1;
      first_q <= run_ends;
      if (word_ends) adder_q <= ends ? '0 : adder_q + 1'b1;
      if (!right) wrong_q <= 1'b1;
      if (last && right && !wrong_q && !stream_error) loaded_q <= 1'b1;
      if (last && (!right || wrong_q || stream_error)) error_q <= 1'b1;
    end
    if (rst) begin
      word_q   <= '0;
      adder_q  <= '0;
      first_q  <= 1'b1;
      wrong_q  <= 1'b0;
      loaded_q <= 1'b0;
      error_q  <= 1'b0;
    end
  end

  logic [WIDTH-1:0] data_q;
  assign list_entries = data_q;

  if (WORDS == 1) begin : gen_register
    logic unused;
    assign unused = &{list_next, list_word};

    always_ff @(posedge clk) begin
      if (fills) data_q <= WIDTH'({first_q, slot, data_q} >> ENTRY_W);
    end
  end else begin : gen_memory
    // What is written was read in the cycle before, and never what is read. A last write from before
    // a reset does no harm: all that words held is shifted out.
    (* ram_style = RAM_STYLE, no_rw_check *)
    logic [WIDTH-1:0] words[WORDS];
    logic [ENTRY_W-1:0] entry_q;
    logic [ADDR_W-1:0] at_q;
    logic fills_q;

    always_ff @(posedge clk) begin
      if (fills_q) words[at_q] <= WIDTH'({entry_q, data_q} >> ENTRY_W);
      if (fills || list_next) data_q <= words[loaded_q ? list_word : word_q];
    end

    always_ff @(posedge clk) begin
      entry_q <= {first_q, slot};
      at_q    <= word_q;
      fills_q <= fills;
    end
  end

`ifndef SYNTHESIS
  ends_in_one_way_a: assert property (@(posedge clk) disable iff (rst) !(loaded && lists_error));
`endif

endmodule

`default_nettype wire
