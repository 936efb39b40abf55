// SPDX-License-Identifier: Apache-2.0
//
// bm_window_parallel: sends whole windows of an image, all taps of a group of channels per beat.
//
// A beat in is LANES_IN neighbouring pixels of WIDTH bits, the first in the least significant ones;
// CF beats make these pixels whole. A beat out is LANES_OUT neighbouring windows of KH*KW taps of
// WIDTH bits, tap row by tap row, the first tap lowest; CF beats make these windows whole.
// Golden model: bitmason/ir/ops/windows.py. Throughput: H*W/LANES_IN*CF cycles per frame, exactly,
// while input and output are ready; no bubble between frames.
// Latency: 1 cycle from the input beat that completes an output beat. s_axis_tready is
// combinational from m_axis_tready.
//
// Control: PATTERN over the input beats of a frame: every step takes one beat, and emits one when
// that beat holds the last tap of windows: pixel group x of row y with
// (y - REACH_Y) % SH == 0 and, if LANES_IN == 1, (x - GROUPS_BACK) % SW == 0, from there on.
// en = m_axis_tready || !m_axis_tvalid; a step fires when en && s_axis_tvalid; s_axis_tready = en.
//
// Storage: KH-1 lines (DH*W pixels each) and, of the last row of taps, the pixels of one window.

`default_nettype none

module bm_window_parallel #(
  parameter  int unsigned WIDTH     = 8,  // bits of a pixel per beat
  parameter  int unsigned CF        = 1,  // beats per pixel
  parameter  int unsigned LANES_IN  = 1,  // pixels side by side
  parameter  int unsigned H         = 4,  // rows of the image
  parameter  int unsigned W         = 4,  // pixels per row, a multiple of LANES_IN
  parameter  int unsigned KH        = 3,  // rows of the window
  parameter  int unsigned KW        = 3,  // pixels per row of the window
  parameter  int unsigned SH        = 1,  // stride, down
  parameter  int unsigned SW        = 1,  // stride, across; divides LANES_IN unless that is 1
  parameter  int unsigned DH        = 1,  // distance of neighbouring taps, down
  parameter  int unsigned DW        = 1,  // distance of neighbouring taps, across
  parameter  string       RAM_STYLE = "auto",  // lines: "auto", "distributed" or "block"
  localparam int unsigned LANES_OUT = (LANES_IN > SW) ? LANES_IN / SW : 1,
  localparam int unsigned IN_W      = LANES_IN * WIDTH,
  localparam int unsigned OUT_W     = LANES_OUT * KH * KW * WIDTH
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [ IN_W-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output wire logic             s_axis_tready,

  output wire logic [OUT_W-1:0] m_axis_tdata,
  output wire logic             m_axis_tvalid,
  input  wire logic             m_axis_tready
);

  // Pixels from the first to the last tap of a window, down and across.
  localparam int unsigned REACH_Y = (KH - 1) * DH;
  localparam int unsigned REACH_X = (KW - 1) * DW;
  localparam int unsigned OW      = (REACH_X < W) ? (W - 1 - REACH_X) / SW + 1 : 1;

  if (CF < 1 || LANES_IN < 1) begin : gen_reject_empty
    $error("bm_window_parallel: CF (%0d) and LANES_IN (%0d) must be 1 or more", CF, LANES_IN);
  end
  if (KH < 1 || KW < 1) begin : gen_reject_kernel
    $error("bm_window_parallel: the window (%0d x %0d) must be 1 x 1 or more", KH, KW);
  end
  if (SH < 1 || SW < 1) begin : gen_reject_stride
    $error("bm_window_parallel: the stride (%0d x %0d) must be 1 x 1 or more", SH, SW);
  end
  if (DH < 1 || DW < 1) begin : gen_reject_dilation
    $error("bm_window_parallel: the dilation (%0d x %0d) must be 1 x 1 or more", DH, DW);
  end
  if (REACH_Y >= H || REACH_X >= W) begin : gen_reject_image
    $error("bm_window_parallel: a window of %0d x %0d pixels does not fit an image of %0d x %0d",
           REACH_Y + 1, REACH_X + 1, H, W);
  end
  if (W % LANES_IN != 0) begin : gen_reject_row
    $error("bm_window_parallel: W (%0d) must be a multiple of LANES_IN (%0d)", W, LANES_IN);
  end
  if (LANES_IN > 1 && LANES_IN % SW != 0) begin : gen_reject_lanes
    $error("bm_window_parallel: LANES_IN (%0d) must be 1 or a multiple of SW (%0d)", LANES_IN, SW);
  end
  if (OW % LANES_OUT != 0) begin : gen_reject_windows
    $error("bm_window_parallel: the windows of a row (%0d) must be a multiple of LANES_OUT (%0d)",
           OW, LANES_OUT);
  end
  if (RAM_STYLE != "auto" && RAM_STYLE != "distributed" && RAM_STYLE != "block")
  begin : gen_reject_style
    $error("bm_window_parallel: RAM_STYLE must be auto, distributed or block, not %s", RAM_STYLE);
  end

  // Groups of LANES_IN pixels: per row, from the first tap of LANES_OUT windows back to the last,
  // and from such windows to the next ones.
  localparam int unsigned GROUPS      = W / LANES_IN;
  localparam int unsigned GROUPS_BACK = ((LANES_OUT - 1) * SW + REACH_X) / LANES_IN;
  localparam int unsigned GROUPS_STEP = (LANES_IN == 1) ? SW : 1;

  logic en, fire;

  assign en            = m_axis_tready || !m_axis_tvalid;
  assign s_axis_tready = en;
  assign fire          = en && s_axis_tvalid;

  // Row of taps KH-1 is the input, and each other row is the one below DH rows ago. A row is kept
  // as groups 0 to GROUPS_BACK beats of CF old; what is older waits in the line memory.
  logic [IN_W-1:0] groups[KH*(GROUPS_BACK+1)];  // row outer, the newest first

  for (genvar ky = 0; ky < KH; ky++) begin : gen_row
    for (genvar back = 1; back <= GROUPS_BACK; back++) begin : gen_back
      bm_delay #(
        .WIDTH(IN_W),
        .CYCLES(CF)
      ) u_delay (
        .clk,
        .en(fire),
        .d(groups[ky*(GROUPS_BACK+1)+back-1]),
        .q(groups[ky*(GROUPS_BACK+1)+back])
      );
    end
  end

  assign groups[(KH-1)*(GROUPS_BACK+1)] = s_axis_tdata;

  if (KH > 1) begin : gen_lines
    // All lines are as long, so they share one memory. A word is read just before it is overwritten
    // and spends the last of its LENGTH steps in the read register.
    localparam int unsigned LENGTH = (DH * GROUPS - GROUPS_BACK) * CF;
    localparam int unsigned LINE_W = (KH - 1) * IN_W;

    logic [LINE_W-1:0] leaving, arriving_q;

    for (genvar ky = 0; ky < KH - 1; ky++) begin : gen_line
      assign leaving[ky*IN_W+:IN_W]     = groups[(ky+1)*(GROUPS_BACK+1)+GROUPS_BACK];
      assign groups[ky*(GROUPS_BACK+1)] = arriving_q[ky*IN_W+:IN_W];
    end

    if (LENGTH == 1) begin : gen_register
      always_ff @(posedge clk) begin
        if (fire) arriving_q <= leaving;
      end
    end else begin : gen_memory
      localparam int unsigned ADDR_W = (LENGTH > 2) ? $clog2(LENGTH - 1) : 1;

      (* ram_style = RAM_STYLE *)
      logic [LINE_W-1:0] words[LENGTH-1];
      logic [ADDR_W-1:0] addr_q;

      always_ff @(posedge clk) begin
        if (fire) begin
          words[addr_q] <= leaving;
          arriving_q    <= words[addr_q];
        end
      end

      always_ff @(posedge clk) begin
        if (fire) addr_q <= (addr_q == ADDR_W'(LENGTH - 2)) ? '0 : addr_q + 1'b1;
        if (rst) addr_q <= '0;
      end
    end
  end

  // Lane j of the output begins j*SW pixels after the first of the oldest group.
  logic [OUT_W-1:0] taps, data_q;
  logic valid_q;

  for (genvar j = 0; j < LANES_OUT; j++) begin : gen_lane
    for (genvar ky = 0; ky < KH; ky++) begin : gen_tap_row
      for (genvar kx = 0; kx < KW; kx++) begin : gen_tap
        localparam int unsigned PIXEL = j * SW + kx * DW;
        localparam int unsigned BACK  = GROUPS_BACK - PIXEL / LANES_IN;
        localparam int unsigned LANE  = PIXEL % LANES_IN;

        assign taps[((j*KH+ky)*KW+kx)*WIDTH+:WIDTH] =
            groups[ky*(GROUPS_BACK+1)+BACK][LANE*WIDTH+:WIDTH];
      end
    end
  end

  // Where the input beat stands, and how many groups and rows come before the next windows do.
  localparam int unsigned WAIT_X  = (GROUPS_BACK > GROUPS_STEP - 1) ? GROUPS_BACK : GROUPS_STEP - 1;
  localparam int unsigned WAIT_Y  = (REACH_Y > SH - 1) ? REACH_Y : SH - 1;
  localparam int unsigned BEAT_W  = (CF > 1) ? $clog2(CF) : 1;
  localparam int unsigned X_W     = (GROUPS > 1) ? $clog2(GROUPS) : 1;
  localparam int unsigned Y_W     = (H > 1) ? $clog2(H) : 1;
  localparam int unsigned WAITX_W = (WAIT_X > 0) ? $clog2(WAIT_X + 1) : 1;
  localparam int unsigned WAITY_W = (WAIT_Y > 0) ? $clog2(WAIT_Y + 1) : 1;

  logic [BEAT_W-1:0] beat_q;
  logic [X_W-1:0] x_q;
  logic [Y_W-1:0] y_q;
  logic [WAITX_W-1:0] wait_x_q;
  logic [WAITY_W-1:0] wait_y_q;
  logic group_ends, row_ends, frame_ends, emits;

  assign group_ends = beat_q == BEAT_W'(CF - 1);
  assign row_ends   = group_ends && x_q == X_W'(GROUPS - 1);
  assign frame_ends = row_ends && y_q == Y_W'(H - 1);
  assign emits      = wait_x_q == '0 && wait_y_q == '0;

  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  always_ff @(posedge clk) begin
    if (fire) begin
      beat_q <= group_ends ? '0 : beat_q + 1'b1;
      if (group_ends) begin
        x_q      <= x_q + 1'b1;
        wait_x_q <= (wait_x_q == '0) ? WAITX_W'(GROUPS_STEP - 1) : wait_x_q - 1'b1;
      end
      if (row_ends) begin
        x_q      <= '0;
        y_q      <= y_q + 1'b1;
        wait_x_q <= WAITX_W'(GROUPS_BACK);
        wait_y_q <= (wait_y_q == '0) ? WAITY_W'(SH - 1) : wait_y_q - 1'b1;
      end
      if (frame_ends) begin
        y_q      <= '0;
        wait_y_q <= WAITY_W'(REACH_Y);
      end
      if (emits) data_q <= taps;
    end
    if (en) valid_q <= s_axis_tvalid && emits;
    if (rst) begin
      valid_q  <= 1'b0;
      beat_q   <= '0;
      x_q      <= '0;
      y_q      <= '0;
      wait_x_q <= WAITX_W'(GROUPS_BACK);
      wait_y_q <= WAITY_W'(REACH_Y);
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
