// SPDX-License-Identifier: Apache-2.0
//
// bm_rom_loop: the words of a bm_rom in turn, over and over: data is a word until next is high.
//
// Golden model: itertools.cycle(words). Throughput: 1 word per cycle. Latency: word 0 stands at
// data in the first cycle after reset, however short the reset was. No stream ports.

`default_nettype none

module bm_rom_loop #(
  parameter int unsigned WIDTH     = 8,  // bits per word
  parameter int unsigned DEPTH     = 16,  // words
  parameter string       INIT_FILE = "",  // see bm_rom
  parameter string       STYLE     = "auto"  // see bm_rom
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic             next,  // go on to the next word
  output wire logic [WIDTH-1:0] data
);

  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam int unsigned SECOND = (DEPTH > 1) ? 1 : 0;

  // The memory is read one word ahead, as its register is the one that holds data.
  logic [ADDR_W-1:0] addr_q;

  always_ff @(posedge clk) begin
    if (next) addr_q <= (addr_q == ADDR_W'(DEPTH - 1)) ? '0 : addr_q + 1'b1;
    if (rst) addr_q <= ADDR_W'(SECOND);
  end

  bm_rom #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH),
    .INIT_FILE(INIT_FILE),
    .STYLE(STYLE)
  ) u_rom (
    .clk,
    .en(next || rst),
    .addr(rst ? '0 : addr_q),
    .data
  );

endmodule

`default_nettype wire
