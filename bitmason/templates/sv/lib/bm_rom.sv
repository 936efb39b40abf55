// SPDX-License-Identifier: Apache-2.0
//
// bm_rom: a read-only memory whose words come from a file of hexadecimal numbers, one a line.
//
// Golden model: the array that was written to the file. Throughput: 1 word per cycle.
// Latency: 1 cycle (DEPTH 1 has no memory: the word is a constant). No stream ports.

`default_nettype none

module bm_rom #(
  parameter  int unsigned WIDTH     = 8,  // bits per word
  parameter  int unsigned DEPTH     = 16,  // words
  parameter  string       INIT_FILE = "",  // $readmemh, word 0 first
  // "auto", "block", "distributed" or "logic" (yosys maps small initialised memories as "logic").
  parameter  string       STYLE     = "auto",
  localparam int unsigned ADDR_W    = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  wire logic              clk,
  input  wire logic              en,  // read; otherwise data stays

  input  wire logic [ADDR_W-1:0] addr,
  output wire logic [ WIDTH-1:0] data
);

  if (STYLE != "auto" && STYLE != "block" && STYLE != "distributed" && STYLE != "logic")
  begin : gen_reject_style
    $error("bm_rom: STYLE must be auto, block, distributed or logic, not %s", STYLE);
  end

  (* rom_style = STYLE, ram_style = STYLE *)
  logic [WIDTH-1:0] words[DEPTH];
  logic [WIDTH-1:0] data_q;

  initial $readmemh(INIT_FILE, words);

  if (DEPTH == 1) begin : gen_constant
    logic unused;
    assign unused = &{clk, en, addr};
    assign data_q = words[0];
  end else begin : gen_memory
    always_ff @(posedge clk) begin
      if (en) data_q <= words[addr];
    end
  end

  assign data = data_q;

endmodule

`default_nettype wire
