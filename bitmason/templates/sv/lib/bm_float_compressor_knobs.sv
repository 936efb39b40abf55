// SPDX-License-Identifier: Apache-2.0
//
// bm_float_compressor_knobs: float32 numbers as ranks of a format that each frame names.
//
// Golden model: bitmason/ir/ops/float_link.py (compress). Throughput: 1 beat per cycle.
// Latency: 3 cycles. s_axis_tready is combinational from m_axis_tready and s_knobs_tvalid,
// s_knobs_tready from m_axis_tready and s_axis_tvalid.
//
// A frame's format comes with its first beat: bits of the exponent (1 counts as 2 without FULL),
// bits of the mantissa with its leading one, and the exponent field that the smallest number has in
// float32. It travels with the data, so frames follow each other whatever their formats are.

`default_nettype none

module bm_float_compressor_knobs #(
  parameter  int unsigned LANES   = 2,  // numbers per beat
  parameter  int unsigned E_MAX   = 4,  // the most bits of an exponent
  parameter  int unsigned M_MAX   = 3,  // the most bits of a mantissa
  parameter  bit          FULL    = 1'b0,  // the all-ones exponent is used
  parameter  bit          NEAREST = 1'b0,  // rounds to nearest, ties to even; otherwise truncates
  parameter  int unsigned BEATS   = 4,  // beats per frame
  localparam int unsigned RANK_W  = 1 + E_MAX + M_MAX
) (
  input  wire logic                    clk,
  input  wire logic                    rst,

  input  wire logic [    LANES*32-1:0] s_axis_tdata,
  input  wire logic                    s_axis_tvalid,
  output wire logic                    s_axis_tready,

  input  wire logic [            23:0] s_knobs_tdata,  // {least, sbits, ebits}, a beat a frame
  input  wire logic                    s_knobs_tvalid,
  output wire logic                    s_knobs_tready,

  output wire logic [LANES*RANK_W-1:0] m_axis_tdata,
  output wire logic                    m_axis_tvalid,
  input  wire logic                    m_axis_tready
);

  localparam int unsigned E_W = $clog2(E_MAX + 1);
  localparam int unsigned M_W = $clog2(M_MAX + 2);

  if (LANES < 1) begin : gen_reject_empty
    $error("bm_float_compressor_knobs: LANES (%0d) must be 1 or more", LANES);
  end

  logic en;
  logic [LANES*32-1:0] x_q, x;
  logic [LANES*RANK_W-1:0] ranks_d, ranks_q;
  logic [1:0] valid_q;
  logic valid;
  logic [E_W-1:0] e_bits;
  logic [M_W-1:0] m_bits;
  logic [7:0] bias;

  assign en            = m_axis_tready || !valid_q[1];
  assign m_axis_tvalid = valid_q[1];
  assign m_axis_tdata  = ranks_q;

  bm_float_knobs #(
    .WIDTH(LANES * 32),
    .E_MAX(E_MAX),
    .M_MAX(M_MAX),
    .FULL(FULL),
    .BEATS(BEATS)
  ) u_knobs (
    .clk,
    .rst,
    .en,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .s_knobs_tdata,
    .s_knobs_tvalid,
    .s_knobs_tready,
    .data(x),
    .valid,
    .e_bits,
    .m_bits,
    .bias
  );

  logic [7:0] offset;
  logic [E_MAX-1:0] exponent_mask, sign_place, top_exponent;
  logic [M_W-1:0] shift;
  logic [M_MAX:0] last_place, half_less;
  logic lowest, rounds, ties_up;
  logic unused;

  assign unused = &sign_place;  // where codes have their sign

  bm_float_constants #(
    .E_MAX(E_MAX),
    .M_MAX(M_MAX)
  ) u_constants (
    .clk,
    .en,
    .e_bits,
    .m_bits,
    .bias,
    .full(FULL),
    .nearest(NEAREST),
    .offset,
    .lowest,
    .exponent_mask,
    .sign_place,
    .top_exponent,
    .shift,
    .last_place,
    .half_less,
    .rounds,
    .ties_up
  );

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    logic [RANK_W-1:0] magnitude;

    // The sign stands beside the magnitude, wherever that ends.
    bm_float_encode_var #(
      .E_MAX(E_MAX),
      .M_MAX(M_MAX)
    ) u_encode (
      .x({1'b0, x_q[lane*32+:31]}),
      .offset,
      .lowest,
      .exponent_mask,
      .sign_place('0),
      .top_exponent,
      .shift,
      .last_place,
      .half_less,
      .rounds,
      .ties_up,
      .code(magnitude)
    );

    assign ranks_d[lane*RANK_W+:RANK_W] = x_q[lane*32+31] ? -magnitude : magnitude;
  end

  always_ff @(posedge clk) begin
    if (en) begin
      x_q     <= x;
      ranks_q <= ranks_d;
      valid_q <= {valid_q[0], valid};
    end
    if (rst) valid_q <= '0;
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
