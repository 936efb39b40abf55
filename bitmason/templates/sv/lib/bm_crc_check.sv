// SPDX-License-Identifier: Apache-2.0
//
// bm_crc_check: takes the checksum off a stream of words, and remembers whether it was ever wrong.
//
// Golden model: `unchecked` of bitmason/coding/bits.py: CRC-32 (that of zlib) of all words before
// the last two, which hold it, the lower half first; a word counts as two bytes, the lower first.
// Throughput: 1 word per cycle. Latency: a word goes on in the cycle in which the second one behind
// it is taken, without a register. s_axis_tready is combinational from m_axis_tready.
//
// The last word that goes on has m_axis_tlast. A stream of one or two words has no content: it is
// wrong, and one word of no meaning goes on for it, so that whoever follows sees every stream end.

`default_nettype none

module bm_crc_check #(
  parameter bit [31:0] SEED = 32'h0  // where the checksum starts, 0 for that of the words alone
) (
  input  wire logic        clk,
  input  wire logic        rst,

  input  wire logic [15:0] s_axis_tdata,
  input  wire logic        s_axis_tvalid,
  output wire logic        s_axis_tready,
  input  wire logic        s_axis_tlast,

  output wire logic [15:0] m_axis_tdata,
  output wire logic        m_axis_tvalid,
  input  wire logic        m_axis_tready,
  output wire logic        m_axis_tlast,

  output wire logic        check_error  // stays until reset
);

  // What the register holds behind words and their own checksum.
  localparam bit [31:0] RESIDUE = 32'hDEBB20E3;

  function automatic logic [31:0] stepped(input logic [31:0] crc, input logic [15:0] word);
    logic [31:0] result = crc;
    for (int unsigned i = 0; i < 16; i++) begin
      result = (result >> 1) ^ ((result[0] ^ word[i]) ? 32'hEDB88320 : 32'h0);
    end
    return result;
  endfunction

  logic [15:0] newer_q, older_q;
  logic [1:0] held_q;  // words, 2 at most
  logic [31:0] crc_d, crc_q;
  logic full, take, error_q;

  assign full          = held_q == 2'd2;
  assign m_axis_tvalid = s_axis_tvalid && (full || s_axis_tlast);
  assign m_axis_tdata  = older_q;
  assign m_axis_tlast  = s_axis_tlast;
  assign s_axis_tready = m_axis_tready || !(full || s_axis_tlast);
  assign take          = s_axis_tvalid && s_axis_tready;
  assign check_error   = error_q;

  assign crc_d = stepped(crc_q, s_axis_tdata);

  always_ff @(posedge clk) begin
    if (take) begin
      older_q <= newer_q;
      newer_q <= s_axis_tdata;
      held_q  <= s_axis_tlast ? '0 : full ? held_q : held_q + 1'b1;
      crc_q   <= s_axis_tlast ? ~SEED : crc_d;
      if (s_axis_tlast && (!full || crc_d != RESIDUE)) error_q <= 1'b1;
    end
    if (rst) begin
      held_q  <= '0;
      crc_q   <= ~SEED;
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
