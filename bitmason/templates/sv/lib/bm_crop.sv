// SPDX-License-Identifier: Apache-2.0
//
// bm_crop: keeps some rows of an image, some columns of those and some words of their pixels.
//
// Golden model: bitmason/ir/ops/arrange.py. Throughput: 1 input beat per cycle.
// Control: PATTERN over the input beats of a frame: for each row, column and word. Every step
// takes a beat; the steps of what is kept emit. Latency: 1 cycle. No bubble between frames.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.

`default_nettype none

module bm_crop #(
  parameter int unsigned WIDTH  = 8,  // bits per word of a pixel
  parameter int unsigned H      = 4,  // rows in
  parameter int unsigned W      = 4,  // columns in
  parameter int unsigned CF     = 1,  // words per pixel in
  parameter int unsigned Y0     = 0,  // first row kept
  parameter int unsigned SY     = 1,  // from one row kept to the next
  parameter int unsigned OUT_H  = H,  // rows kept
  parameter int unsigned X0     = 0,  // first column kept
  parameter int unsigned SX     = 1,  // from one column kept to the next
  parameter int unsigned OUT_W  = W,  // columns kept
  parameter int unsigned C0     = 0,  // first word kept
  parameter int unsigned SC     = 1,  // from one word kept to the next
  parameter int unsigned OUT_CF = CF  // words kept
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

  if (SY < 1 || SX < 1 || SC < 1) begin : gen_reject_step
    $error("bm_crop: SY (%0d), SX (%0d) and SC (%0d) must be 1 or more", SY, SX, SC);
  end
  if (OUT_H < 1 || OUT_W < 1 || OUT_CF < 1) begin : gen_reject_empty
    $error("bm_crop: OUT_H (%0d), OUT_W (%0d) and OUT_CF (%0d) must be 1 or more",
           OUT_H, OUT_W, OUT_CF);
  end else begin : gen_keep
    if (Y0 + (OUT_H - 1) * SY >= H) begin : gen_reject_row
      $error("bm_crop: row %0d is to be kept, but H is %0d", Y0 + (OUT_H - 1) * SY, H);
    end
    if (X0 + (OUT_W - 1) * SX >= W) begin : gen_reject_column
      $error("bm_crop: column %0d is to be kept, but W is %0d", X0 + (OUT_W - 1) * SX, W);
    end
    if (C0 + (OUT_CF - 1) * SC >= CF) begin : gen_reject_word
      $error("bm_crop: word %0d is to be kept, but CF is %0d", C0 + (OUT_CF - 1) * SC, CF);
    end
  end

  logic en, fire;
  logic keep_row, keep_column, keep_word;
  logic word_ends, row_ends, frame_ends, unused;

  logic [WIDTH-1:0] data_q;
  logic valid_q;

  assign en            = m_axis_tready || !valid_q;
  assign fire          = en && s_axis_tvalid;
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  assign unused = frame_ends;

  bm_stride_counter #(
    .LENGTH(CF),
    .FIRST (C0),
    .STEP  (SC),
    .COUNT (OUT_CF)
  ) u_word (
    .clk,
    .rst,
    .en    (fire),
    .marked(keep_word),
    .last  (word_ends)
  );

  bm_stride_counter #(
    .LENGTH(W),
    .FIRST (X0),
    .STEP  (SX),
    .COUNT (OUT_W)
  ) u_column (
    .clk,
    .rst,
    .en    (fire && word_ends),
    .marked(keep_column),
    .last  (row_ends)
  );

  bm_stride_counter #(
    .LENGTH(H),
    .FIRST (Y0),
    .STEP  (SY),
    .COUNT (OUT_H)
  ) u_row (
    .clk,
    .rst,
    .en    (fire && word_ends && row_ends),
    .marked(keep_row),
    .last  (frame_ends)
  );

  always_ff @(posedge clk) begin
    if (en) begin
      valid_q <= fire && keep_row && keep_column && keep_word;
      data_q  <= s_axis_tdata;
    end
    if (rst) valid_q <= 1'b0;
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
