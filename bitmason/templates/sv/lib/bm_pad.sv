// SPDX-License-Identifier: Apache-2.0
//
// bm_pad: puts padding pixels around an image and, for a STEP above 1, between its pixels.
//
// Golden model: bitmason/ir/ops/pad.py. Throughput: 1 output beat per cycle.
// Control: PATTERN over the output beats of a frame: for each row, column and word. Every step
// emits; the steps of the image's own pixels take a beat. Latency: 1 cycle. Padding goes out at
// once, also before the first beat of a frame, and there is no bubble between frames.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.

`default_nettype none

module bm_pad #(
  parameter int unsigned         WIDTH  = 8,  // bits per word of a pixel
  parameter int unsigned         CF     = 1,  // words per pixel
  parameter int unsigned         LANES  = 1,  // pixels side by side, 1 unless CF = STEP_X = 1
  parameter int unsigned         H      = 4,  // rows of the image
  parameter int unsigned         W      = 4,  // columns of the image, a multiple of LANES
  parameter int unsigned         TOP    = 1,  // padding rows above
  parameter int unsigned         LEFT   = 1,  // padding columns before
  parameter int unsigned         BOTTOM = 1,  // padding rows below
  parameter int unsigned         RIGHT  = 1,  // padding columns behind
  parameter int unsigned         STEP_Y = 1,  // STEP_Y - 1 padding rows between neighbours
  parameter int unsigned         STEP_X = 1,  // STEP_X - 1 padding columns between neighbours
  parameter logic [CF*WIDTH-1:0] VALUE  = '0  // the padding pixel, word 0 lowest
) (
  input  wire logic                   clk,
  input  wire logic                   rst,

  input  wire logic [LANES*WIDTH-1:0] s_axis_tdata,
  input  wire logic                   s_axis_tvalid,
  output wire logic                   s_axis_tready,

  output wire logic [LANES*WIDTH-1:0] m_axis_tdata,
  output wire logic                   m_axis_tvalid,
  input  wire logic                   m_axis_tready
);

  localparam int unsigned OUT_H  = TOP + (H - 1) * STEP_Y + 1 + BOTTOM;
  localparam int unsigned OUT_W  = LEFT + (W - 1) * STEP_X + 1 + RIGHT;
  localparam int unsigned BEAT_W = LANES * WIDTH;
  localparam int unsigned WORD_W = (CF > 1) ? $clog2(CF) : 1;
  localparam int unsigned SHIFT  = (LEFT % LANES) * WIDTH;  // bits that a row moves up

  if (H < 1 || W < 1) begin : gen_reject_empty
    $error("bm_pad: H (%0d) and W (%0d) must be 1 or more", H, W);
  end
  if (STEP_Y < 1 || STEP_X < 1) begin : gen_reject_step
    $error("bm_pad: STEP_Y (%0d) and STEP_X (%0d) must be 1 or more", STEP_Y, STEP_X);
  end
  if (LANES > 1 && (CF > 1 || STEP_X > 1)) begin : gen_reject_lanes
    $error("bm_pad: %0d LANES need CF = 1 and STEP_X = 1, not %0d and %0d", LANES, CF, STEP_X);
  end else if (W % LANES != 0 || OUT_W % LANES != 0) begin : gen_reject_partial_beat
    $error("bm_pad: W (%0d) and the padded width (%0d) must be multiples of LANES (%0d)",
           W, OUT_W, LANES);
  end

  logic en, fire, takes;
  logic image_row, image_column;
  logic word_ends, row_ends, frame_ends, unused;

  logic [WORD_W-1:0] word_q;
  logic [WIDTH-1:0] padding;
  logic [BEAT_W-1:0] beat, shifted;
  logic [BEAT_W-1:0] data_q;
  logic valid_q;

  assign en            = m_axis_tready || !valid_q;
  assign takes         = image_row && image_column;
  assign fire          = en && (s_axis_tvalid || !takes);
  assign s_axis_tready = en && takes;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  assign word_ends = word_q == WORD_W'(CF - 1);
  assign unused    = frame_ends;

  bm_stride_counter #(
    .LENGTH(OUT_W / LANES),
    .FIRST (LEFT / LANES),
    .STEP  (STEP_X),
    .COUNT (W / LANES)
  ) u_column (
    .clk,
    .rst,
    .en    (fire && word_ends),
    .marked(image_column),
    .last  (row_ends)
  );

  bm_stride_counter #(
    .LENGTH(OUT_H),
    .FIRST (TOP),
    .STEP  (STEP_Y),
    .COUNT (H)
  ) u_row (
    .clk,
    .rst,
    .en    (fire && word_ends && row_ends),
    .marked(image_row),
    .last  (frame_ends)
  );

  assign padding = WIDTH'(VALUE >> (word_q * WIDTH));
  assign beat    = takes ? s_axis_tdata : {LANES{padding}};

  if (SHIFT == 0) begin : gen_aligned
    assign shifted = beat;
  end else begin : gen_shift
    // The highest lanes wait for the next beat. A row that is shifted ends with padding, so what
    // waits when the next row starts is padding again.
    logic [SHIFT-1:0] waiting_q;

    assign shifted = {beat[BEAT_W-SHIFT-1:0], waiting_q};

    always_ff @(posedge clk) begin
      if (fire) waiting_q <= beat[BEAT_W-1:BEAT_W-SHIFT];
      if (rst) waiting_q <= {(SHIFT / WIDTH) {VALUE[WIDTH-1:0]}};
    end
  end

  always_ff @(posedge clk) begin
    if (en) valid_q <= fire;
    if (fire) begin
      data_q <= shifted;
      word_q <= word_ends ? '0 : word_q + 1'b1;
    end
    if (rst) begin
      valid_q <= 1'b0;
      word_q  <= '0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
