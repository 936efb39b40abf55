// SPDX-License-Identifier: Apache-2.0
//
// bm_upsample: nearest neighbour by whole factors: every row FY times, in it every pixel FX times.
//
// Golden model: bitmason/ir/ops/arrange.py. Throughput: 1 output beat per cycle.
// Control: PATTERN over the output beats of an input row: for each of FY visits of the row, each
// column, each of FX visits of the pixel, each word. Every step emits; the steps of the first
// visit of both take a beat. Latency: 1 cycle. No bubble between rows and frames.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.
// Memory: one row (one pixel where FY = 1), with one port; none where that is a single word.

`default_nettype none

module bm_upsample #(
  parameter int unsigned WIDTH     = 8,  // bits per word of a pixel
  parameter int unsigned W         = 4,  // columns in
  parameter int unsigned CF        = 1,  // words per pixel
  parameter int unsigned FY        = 2,  // times that a row is sent
  parameter int unsigned FX        = 2,  // times that a pixel is sent
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

  localparam int unsigned WORDS    = ((FY > 1) ? W : 1) * CF;  // that are sent again
  localparam int unsigned WORD_W   = (CF > 1) ? $clog2(CF) : 1;
  localparam int unsigned COLUMN_W = (W > 1) ? $clog2(W) : 1;
  localparam int unsigned X_W      = (FX > 1) ? $clog2(FX) : 1;
  localparam int unsigned Y_W      = (FY > 1) ? $clog2(FY) : 1;

  if (W < 1 || CF < 1) begin : gen_reject_empty
    $error("bm_upsample: W (%0d) and CF (%0d) must be 1 or more", W, CF);
  end
  if (FY < 1 || FX < 1) begin : gen_reject_factor
    $error("bm_upsample: FY (%0d) and FX (%0d) must be 1 or more", FY, FX);
  end
  if (RAM_STYLE != "auto" && RAM_STYLE != "distributed" && RAM_STYLE != "block")
  begin : gen_reject_style
    $error("bm_upsample: RAM_STYLE must be auto, distributed or block, not %s", RAM_STYLE);
  end

  logic en, fire, takes;
  logic word_ends, pixel_ends, row_ends;

  logic [WORD_W-1:0] word_q;
  logic [X_W-1:0] x_visit_q;
  logic [COLUMN_W-1:0] column_q;
  logic [Y_W-1:0] y_visit_q;
  logic [WIDTH-1:0] data_q;
  logic valid_q;

  assign en            = m_axis_tready || !valid_q;
  assign takes         = x_visit_q == '0 && y_visit_q == '0;
  assign fire          = en && (s_axis_tvalid || !takes);
  assign s_axis_tready = en && takes;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  assign word_ends  = word_q == WORD_W'(CF - 1);
  assign pixel_ends = word_ends && x_visit_q == X_W'(FX - 1);
  assign row_ends   = pixel_ends && column_q == COLUMN_W'(W - 1);

  always_ff @(posedge clk) begin
    if (en) valid_q <= fire;
    if (fire) begin
      word_q <= word_ends ? '0 : word_q + 1'b1;
      if (word_ends) x_visit_q <= pixel_ends ? '0 : x_visit_q + 1'b1;
      if (pixel_ends) column_q <= row_ends ? '0 : column_q + 1'b1;
      if (row_ends) y_visit_q <= (y_visit_q == Y_W'(FY - 1)) ? '0 : y_visit_q + 1'b1;
    end
    if (rst) begin
      valid_q   <= 1'b0;
      word_q    <= '0;
      x_visit_q <= '0;
      column_q  <= '0;
      y_visit_q <= '0;
    end
  end

  if (WORDS == 1) begin : gen_register
    always_ff @(posedge clk) begin
      if (fire && takes) data_q <= s_axis_tdata;
    end
  end else begin : gen_memory
    // A step either writes its word or reads it, so one port will do, and the read register, which
    // follows what is written, is the output register.
    localparam int unsigned ADDR_W = $clog2(WORDS);

    (* ram_style = RAM_STYLE *)
    logic [WIDTH-1:0] words[WORDS];
    logic [ADDR_W-1:0] pixel_addr_q, addr_q;  // first word of the pixel, this word
    logic rewinds;  // the next step is at the start of the memory

    assign rewinds = (FY > 1) ? row_ends : pixel_ends;

    always_ff @(posedge clk) begin
      if (fire) begin
        if (takes) begin
          words[addr_q] <= s_axis_tdata;
          data_q        <= s_axis_tdata;
        end else begin
          data_q <= words[addr_q];
        end
      end
    end

    always_ff @(posedge clk) begin
      if (fire) begin
        addr_q <= (word_ends && !pixel_ends) ? pixel_addr_q : addr_q + 1'b1;
        if (pixel_ends) pixel_addr_q <= addr_q + 1'b1;
      end
      if (rst || (fire && rewinds)) begin
        addr_q       <= '0;
        pixel_addr_q <= '0;
      end
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
