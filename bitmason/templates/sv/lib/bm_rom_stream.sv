// SPDX-License-Identifier: Apache-2.0
//
// bm_rom_stream: the words of a bm_rom as a stream of 16 bits with tlast, once or over and over.
//
// Golden model: the words that were written to the file, or itertools.cycle of them.
// Throughput: 1 word per cycle. Latency: word 0 is on offer 1 cycle behind reset, however short it
// was. tvalid and tdata come from registers; m_axis_tready enables the memory's own.
//
// A line of the file is {tlast, word}, so one memory may hold several streams one after the other.

`default_nettype none

module bm_rom_stream #(
  parameter int unsigned WORDS     = 16,  // lines of the file
  parameter bit          LOOP      = 1'b1,  // over and over; otherwise once after reset
  parameter string       INIT_FILE = "",  // see bm_rom
  parameter string       STYLE     = "auto"  // see bm_rom
) (
  input  wire logic        clk,
  input  wire logic        rst,

  output wire logic [15:0] m_axis_tdata,
  output wire logic        m_axis_tvalid,
  input  wire logic        m_axis_tready,
  output wire logic        m_axis_tlast
);

  localparam int unsigned ADDR_W = (WORDS > 1) ? $clog2(WORDS) : 1;

  if (WORDS < 1) begin : gen_reject_empty
    $error("bm_rom_stream: WORDS (%0d) must be 1 or more", WORDS);
  end

  // The memory is read one word ahead, as its register is the one that is on offer.
  logic [ADDR_W-1:0] addr_q;
  logic valid_q, done_q;
  logic reads, read_last, next;

  assign next          = m_axis_tready || !valid_q;
  assign reads         = next && !done_q;
  assign read_last     = reads && addr_q == ADDR_W'(WORDS - 1);
  assign m_axis_tvalid = valid_q;

  always_ff @(posedge clk) begin
    if (next) valid_q <= !done_q;
    if (reads) addr_q <= read_last ? '0 : addr_q + 1'b1;
    if (read_last) done_q <= !LOOP;
    if (rst) begin
      valid_q <= 1'b0;
      done_q  <= 1'b0;
      addr_q  <= '0;
    end
  end

  bm_rom #(
    .WIDTH(17),
    .DEPTH(WORDS),
    .INIT_FILE(INIT_FILE),
    .STYLE(STYLE)
  ) u_rom (
    .clk,
    .en(reads),
    .addr(addr_q),
    .data({m_axis_tlast, m_axis_tdata})
  );

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable({m_axis_tdata, m_axis_tlast}));
`endif

endmodule

`default_nettype wire
