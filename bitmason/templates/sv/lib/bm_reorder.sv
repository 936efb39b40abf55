// SPDX-License-Identifier: Apache-2.0
//
// bm_reorder: sends the beats of each block of LENGTH in another order.
//
// Golden model: block[order] for each block; bitmason/ir/ops/arrange.py.
// Throughput: 1 beat per cycle, no bubble between blocks: the memory holds two blocks.
// Control: like bm_replay with one pass, but a block is sent only once it has come whole.
// Latency: 2 cycles from the last beat of a block to the first it sends.
// s_axis_tready is a register.

`default_nettype none

module bm_reorder #(
  parameter int unsigned WIDTH     = 8,  // bits per beat
  parameter int unsigned LENGTH    = 4,  // beats per block
  parameter string       INIT_FILE = "",  // $readmemh: for each beat sent its place in the block
  parameter string       RAM_STYLE = "auto",  // beats: "auto", "distributed" or "block"
  parameter string       ROM_STYLE = "auto"  // order: as STYLE of bm_rom
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [WIDTH-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output wire logic             s_axis_tready,

  output wire logic [WIDTH-1:0] m_axis_tdata,
  output wire logic             m_axis_tvalid,
  input  wire logic             m_axis_tready
);

  localparam int unsigned WORDS   = 2 * LENGTH;
  localparam int unsigned ADDR_W  = $clog2(WORDS);
  localparam int unsigned LEVEL_W = $clog2(WORDS + 1);
  localparam int unsigned INDEX_W = (LENGTH > 1) ? $clog2(LENGTH) : 1;

  if (LENGTH < 1) begin : gen_reject_length
    $error("bm_reorder: LENGTH (%0d) must be 1 or more", LENGTH);
  end
  if (RAM_STYLE != "auto" && RAM_STYLE != "distributed" && RAM_STYLE != "block")
  begin : gen_reject_style
    $error("bm_reorder: RAM_STYLE must be auto, distributed or block, not %s", RAM_STYLE);
  end

  (* ram_style = RAM_STYLE *)
  logic [WIDTH-1:0] words[WORDS];
  logic [WIDTH-1:0] data_q;
  logic valid_q, ready_q;

  logic [ADDR_W-1:0] write_addr_q, read_addr;
  logic second_q;  // the block being sent lies in the second half
  logic [INDEX_W-1:0] next_q;  // beat to send after the one whose place is read
  logic [INDEX_W-1:0] place;  // of the next beat to send, within the block
  logic primed_q;  // the first place was read
  logic [INDEX_W-1:0] left_q;  // beats to send after the next one, within the block
  logic [LEVEL_W-1:0] level_d, level_q;  // beats stored from the start of the block being sent
  logic whole_q;  // that block has come whole

  logic push, fetch, block_ends;

  assign s_axis_tready = ready_q;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  assign push       = s_axis_tvalid && ready_q;
  assign fetch      = whole_q && (m_axis_tready || !valid_q);
  assign block_ends = fetch && left_q == '0;
  assign level_d    = level_q + LEVEL_W'(push) - (block_ends ? LEVEL_W'(LENGTH) : '0);
  assign read_addr  = ADDR_W'(place) + (second_q ? ADDR_W'(LENGTH) : '0);

  // Reads one place ahead, so that its cycle is not seen.
  bm_rom #(
    .WIDTH    (INDEX_W),
    .DEPTH    (LENGTH),
    .INIT_FILE(INIT_FILE),
    .STYLE    (ROM_STYLE)
  ) u_order (
    .clk,
    .en  (fetch || !primed_q),
    .addr(next_q),
    .data(place)
  );

  always_ff @(posedge clk) begin
    if (push) words[write_addr_q] <= s_axis_tdata;
    if (fetch) data_q <= words[read_addr];
  end

  always_ff @(posedge clk) begin
    level_q  <= level_d;
    ready_q  <= level_d != LEVEL_W'(WORDS);
    whole_q  <= level_d >= LEVEL_W'(LENGTH);
    primed_q <= 1'b1;
    if (push) begin
      write_addr_q <= (write_addr_q == ADDR_W'(WORDS - 1)) ? '0 : write_addr_q + 1'b1;
    end
    if (m_axis_tready || !valid_q) valid_q <= fetch;
    if (fetch || !primed_q) begin
      next_q <= (next_q == INDEX_W'(LENGTH - 1)) ? '0 : next_q + 1'b1;
    end
    if (fetch) begin
      left_q   <= block_ends ? INDEX_W'(LENGTH - 1) : left_q - 1'b1;
      second_q <= second_q ^ block_ends;
    end
    if (rst) begin
      level_q      <= '0;
      ready_q      <= 1'b1;
      whole_q      <= 1'b0;
      primed_q     <= 1'b0;
      valid_q      <= 1'b0;
      write_addr_q <= '0;
      next_q       <= '0;
      left_q       <= INDEX_W'(LENGTH - 1);
      second_q     <= 1'b0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
