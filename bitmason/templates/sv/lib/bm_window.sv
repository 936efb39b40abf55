// SPDX-License-Identifier: Apache-2.0
//
// bm_window: sends the windows of an image one after the other, a word per beat.
//
// A pixel is BLOCKS x WORDS words, block outer; an output frame is, for each window in raster order
// and each block: the words of that block at every tap, tap row by tap row.
// Golden model: bitmason/ir/ops/windows.py. Throughput: 1 beat in and 1 beat out per cycle, no
// bubble between windows, rows and frames while the words are there. With enough DEPTH a frame
// takes max(H*W, OH*OW*KH*KW) * BLOCKS*WORDS cycles, for OH x OW windows.
// Latency: 2 cycles from the input beat that an output beat needs. s_axis_tready is a register.
//
// Control: a ring of DEPTH*CF words (CF = BLOCKS*WORDS). It takes a beat while words written minus
// words freed < DEPTH*CF. A read fires when en = m_axis_tready || !m_axis_tvalid and its word was
// written in an earlier cycle; the read register is the output register. The last read of a window
// frees, from the next cycle on, all that lies before the origin of the next window, in this frame
// or the next one; with stride remainders that may be more than was written so far.

`default_nettype none

module bm_window #(
  parameter int unsigned WIDTH     = 8,  // bits per word
  parameter int unsigned BLOCKS    = 1,  // blocks per pixel; all taps of a block stay together
  parameter int unsigned WORDS     = 1,  // words per block
  parameter int unsigned H         = 4,  // rows of the image
  parameter int unsigned W         = 4,  // pixels per row
  parameter int unsigned KH        = 3,  // rows of the window
  parameter int unsigned KW        = 3,  // pixels per row of the window
  parameter int unsigned SH        = 1,  // stride, down
  parameter int unsigned SW        = 1,  // stride, across
  parameter int unsigned DH        = 1,  // distance of neighbouring taps, down
  parameter int unsigned DW        = 1,  // distance of neighbouring taps, across
  parameter int unsigned DEPTH     = 12,  // pixels held; see gen_reject_depth for the least
  parameter string       RAM_STYLE = "auto"  // memory: "auto", "distributed" or "block"
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

  // Pixels from the first to the last tap of a window: in a row, in a column, in raster order.
  localparam int unsigned REACH_X = (KW - 1) * DW;
  localparam int unsigned REACH_Y = (KH - 1) * DH;
  localparam int unsigned REACH   = REACH_Y * W + REACH_X;

  if (BLOCKS < 1 || WORDS < 1) begin : gen_reject_empty
    $error("bm_window: BLOCKS (%0d) and WORDS (%0d) must be 1 or more", BLOCKS, WORDS);
  end
  if (KH < 1 || KW < 1) begin : gen_reject_kernel
    $error("bm_window: the window (%0d x %0d) must be 1 x 1 or more", KH, KW);
  end
  if (SH < 1 || SW < 1) begin : gen_reject_stride
    $error("bm_window: the stride (%0d x %0d) must be 1 x 1 or more", SH, SW);
  end
  if (DH < 1 || DW < 1) begin : gen_reject_dilation
    $error("bm_window: the dilation (%0d x %0d) must be 1 x 1 or more", DH, DW);
  end
  if (REACH_Y >= H || REACH_X >= W) begin : gen_reject_image
    $error("bm_window: a window of %0d x %0d pixels does not fit an image of %0d x %0d",
           REACH_Y + 1, REACH_X + 1, H, W);
  end
  if (DEPTH <= REACH) begin : gen_reject_depth
    $error("bm_window: DEPTH (%0d) must be %0d or more, the pixels from first to last tap",
           DEPTH, REACH + 1);
  end
  if (RAM_STYLE != "auto" && RAM_STYLE != "distributed" && RAM_STYLE != "block")
  begin : gen_reject_style
    $error("bm_window: RAM_STYLE must be auto, distributed or block, not %s", RAM_STYLE);
  end

  // Steps of the read position are signed numbers of words.
  localparam int OH     = (REACH_Y < H) ? (int'(H) - 1 - int'(REACH_Y)) / int'(SH) + 1 : 1;
  localparam int OW     = (REACH_X < W) ? (int'(W) - 1 - int'(REACH_X)) / int'(SW) + 1 : 1;
  localparam int CF     = int'(BLOCKS * WORDS);
  localparam int HELD   = int'(DEPTH) * CF;
  localparam int ADDR_W = (HELD > 1) ? $clog2(HELD) : 1;

  // From the origin of a window to that of the next one: in the row, in the next row, in the next
  // frame. That much is freed.
  localparam int FREE_WINDOW = int'(SW) * CF;
  localparam int FREE_ROW    = (int'(SH * W) - (OW - 1) * int'(SW)) * CF;
  localparam int FREE_FRAME  = (int'(H * W) - ((OH - 1) * int'(SH * W) + (OW - 1) * int'(SW))) * CF;
  localparam int FREE_SHORT  = (FREE_WINDOW > FREE_ROW) ? FREE_WINDOW : FREE_ROW;
  localparam int FREE_MOST   = (FREE_SHORT > FREE_FRAME) ? FREE_SHORT : FREE_FRAME;
  localparam int COUNT_W     = $clog2(HELD + FREE_MOST + 1) + 1;

  // From each word read to the next one: one further, to the next tap of the row, to the next row
  // of taps, to the next block; then from the last word of a window.
  localparam int STEP_WORD   = 1;
  localparam int STEP_TAP    = int'(DW) * CF - (int'(WORDS) - 1);
  localparam int STEP_ROW    = (int'(DH * W) - int'(REACH_X)) * CF - (int'(WORDS) - 1);
  localparam int STEP_BLOCK  = 1 - int'(REACH) * CF;
  localparam int STEP_WINDOW = STEP_BLOCK - CF;

  // A step as a hop forward in the ring.
  function automatic logic [ADDR_W-1:0] hop(input int step);
    return ADDR_W'((step % HELD + HELD) % HELD);
  endfunction

  // The walk over words, taps, blocks and windows stands one step ahead of the read it is for, so
  // that what follows a read comes from registers.
  localparam int WORD_W  = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam int KX_W    = (KW > 1) ? $clog2(KW) : 1;
  localparam int KY_W    = (KH > 1) ? $clog2(KH) : 1;
  localparam int BLOCK_W = (BLOCKS > 1) ? $clog2(BLOCKS) : 1;
  localparam int OX_W    = (OW > 1) ? $clog2(OW) : 1;
  localparam int OY_W    = (OH > 1) ? $clog2(OH) : 1;

  logic [WORD_W-1:0] word_q;
  logic [KX_W-1:0] kx_q;
  logic [KY_W-1:0] ky_q;
  logic [BLOCK_W-1:0] block_q;
  logic [OX_W-1:0] ox_q;
  logic [OY_W-1:0] oy_q;
  logic word_ends, kx_ends, ky_ends, block_ends, ox_ends, oy_ends;

  assign word_ends  = word_q == WORD_W'(WORDS - 1);
  assign kx_ends    = word_ends && kx_q == KX_W'(KW - 1);
  assign ky_ends    = kx_ends && ky_q == KY_W'(KH - 1);
  assign block_ends = ky_ends && block_q == BLOCK_W'(BLOCKS - 1);
  assign ox_ends    = block_ends && ox_q == OX_W'(OW - 1);
  assign oy_ends    = ox_ends && oy_q == OY_W'(OH - 1);

  logic loaded_q;  // step_q, hop_q and free_q belong to the next read
  logic signed [COUNT_W-1:0] step_q, free_q;
  logic [ADDR_W-1:0] hop_q;
  logic advance;

  always_ff @(posedge clk) begin
    loaded_q <= 1'b1;
    if (advance) begin
      word_q <= word_ends ? '0 : word_q + 1'b1;
      if (word_ends) kx_q <= kx_ends ? '0 : kx_q + 1'b1;
      if (kx_ends) ky_q <= ky_ends ? '0 : ky_q + 1'b1;
      if (ky_ends) block_q <= block_ends ? '0 : block_q + 1'b1;
      if (block_ends) ox_q <= ox_ends ? '0 : ox_q + 1'b1;
      if (ox_ends) oy_q <= oy_ends ? '0 : oy_q + 1'b1;

      free_q <= '0;
      if (!word_ends) begin
        step_q <= COUNT_W'(STEP_WORD);
        hop_q  <= hop(STEP_WORD);
      end else if (!kx_ends) begin
        step_q <= COUNT_W'(STEP_TAP);
        hop_q  <= hop(STEP_TAP);
      end else if (!ky_ends) begin
        step_q <= COUNT_W'(STEP_ROW);
        hop_q  <= hop(STEP_ROW);
      end else if (!block_ends) begin
        step_q <= COUNT_W'(STEP_BLOCK);
        hop_q  <= hop(STEP_BLOCK);
      end else if (!ox_ends) begin
        step_q <= COUNT_W'(STEP_WINDOW + FREE_WINDOW);
        hop_q  <= hop(STEP_WINDOW + FREE_WINDOW);
        free_q <= COUNT_W'(FREE_WINDOW);
      end else if (!oy_ends) begin
        step_q <= COUNT_W'(STEP_WINDOW + FREE_ROW);
        hop_q  <= hop(STEP_WINDOW + FREE_ROW);
        free_q <= COUNT_W'(FREE_ROW);
      end else begin
        step_q <= COUNT_W'(STEP_WINDOW + FREE_FRAME);
        hop_q  <= hop(STEP_WINDOW + FREE_FRAME);
        free_q <= COUNT_W'(FREE_FRAME);
      end
    end
    if (rst) begin
      loaded_q <= 1'b0;
      word_q   <= '0;
      kx_q     <= '0;
      ky_q     <= '0;
      block_q  <= '0;
      ox_q     <= '0;
      oy_q     <= '0;
    end
  end

  // Both counts are biased so that their sign decides.
  logic signed [COUNT_W-1:0] level_q;  // words written and not freed, less HELD
  logic signed [COUNT_W-1:0] ahead_q;  // words written from the one to read on, less 1
  logic [ADDR_W-1:0] write_addr_q, read_addr_q;
  logic [ADDR_W:0] read_addr_d;
  logic push, fire;

  // What is written is free, so it is never what is read: yosys need not guard against that.
  (* ram_style = RAM_STYLE, no_rw_check *)
  logic [WIDTH-1:0] words[HELD];
  logic [WIDTH-1:0] data_q;
  logic valid_q;

  assign s_axis_tready = level_q < 0;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  assign push        = s_axis_tvalid && s_axis_tready;
  assign fire        = ahead_q >= 0 && (m_axis_tready || !valid_q);
  assign advance     = fire || !loaded_q;
  assign read_addr_d = {1'b0, read_addr_q} + {1'b0, hop_q};

  always_ff @(posedge clk) begin
    if (push) words[write_addr_q] <= s_axis_tdata;
    if (fire) data_q <= words[read_addr_q];
  end

  always_ff @(posedge clk) begin
    level_q <= level_q + COUNT_W'(push) - (fire ? free_q : '0);
    ahead_q <= ahead_q + COUNT_W'(push) - (fire ? step_q : '0);
    if (push) begin
      write_addr_q <= (write_addr_q == ADDR_W'(HELD - 1)) ? '0 : write_addr_q + 1'b1;
    end
    if (fire) begin
      read_addr_q <= ADDR_W'((read_addr_d >= (ADDR_W + 1)'(HELD)) ?
                             read_addr_d - (ADDR_W + 1)'(HELD) : read_addr_d);
    end
    if (m_axis_tready || !valid_q) valid_q <= fire;
    if (rst) begin
      level_q      <= COUNT_W'(-HELD);
      ahead_q      <= '1;
      valid_q      <= 1'b0;
      write_addr_q <= '0;
      read_addr_q  <= '0;
    end
  end

`ifndef SYNTHESIS
  step_is_loaded_a: assert property (@(posedge clk) disable iff (rst) fire |-> loaded_q);

  never_reads_where_it_writes_a: assert property (@(posedge clk) disable iff (rst)
    push && fire |-> write_addr_q != read_addr_q);

  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
