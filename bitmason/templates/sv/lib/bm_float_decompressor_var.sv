// SPDX-License-Identifier: Apache-2.0
//
// bm_float_decompressor_var: codes of a floating-point format chosen at run time as float32.
//
// Golden model: CustomFloat.decode of bitmason/ir/custom_float.py.
// Throughput: 1 beat per cycle. Latency: 1 cycle. A beat gets the format that stood at the inputs
// in the cycle before the one in which it is taken.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.
//
// Each code stands at the right of a slot of 1 + E_MAX + M_MAX bits; what is to its left does not
// matter.

`default_nettype none

module bm_float_decompressor_var #(
  parameter  int unsigned LANES  = 2,  // numbers per beat
  parameter  int unsigned E_MAX  = 6,  // the most bits of an exponent
  parameter  int unsigned M_MAX  = 6,  // the most bits of a mantissa
  localparam int unsigned E_W    = $clog2(E_MAX + 1),
  localparam int unsigned M_W    = $clog2(M_MAX + 2),
  localparam int unsigned SLOT_W = 1 + E_MAX + M_MAX
) (
  input  wire logic                    clk,
  input  wire logic                    rst,

  // The format: see bm_float_constants. Whether all exponents are used makes no difference here.
  input  wire logic [         E_W-1:0] e_bits,
  input  wire logic [         M_W-1:0] m_bits,
  input  wire logic [             7:0] bias,

  input  wire logic [LANES*SLOT_W-1:0] s_axis_tdata,
  input  wire logic                    s_axis_tvalid,
  output wire logic                    s_axis_tready,

  output wire logic [    LANES*32-1:0] m_axis_tdata,
  output wire logic                    m_axis_tvalid,
  input  wire logic                    m_axis_tready
);

  if (LANES < 1) begin : gen_reject_empty
    $error("bm_float_decompressor_var: LANES (%0d) must be 1 or more", LANES);
  end

  logic [7:0] offset;
  logic [E_MAX-1:0] exponent_mask, sign_place, top_exponent;
  logic [M_W-1:0] shift;
  logic [M_MAX:0] last_place, half_less;
  logic lowest, rounds, ties_up;
  logic unused;

  // What only compressors need.
  assign unused = &{lowest, top_exponent, last_place, half_less, rounds, ties_up};

  bm_float_constants #(
    .E_MAX(E_MAX),
    .M_MAX(M_MAX)
  ) u_constants (
    .clk,
    .en(1'b1),
    .e_bits,
    .m_bits,
    .bias,
    .full(1'b0),
    .nearest(1'b0),
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

  logic en;
  logic valid_q;
  logic [LANES*32-1:0] numbers_d, numbers_q;

  assign en            = m_axis_tready || !valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = numbers_q;

  always_ff @(posedge clk) begin
    if (en) begin
      valid_q   <= s_axis_tvalid;
      numbers_q <= numbers_d;
    end
    if (rst) valid_q <= 1'b0;
  end

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    bm_float_decode_var #(
      .E_MAX(E_MAX),
      .M_MAX(M_MAX)
    ) u_decode (
      .code(s_axis_tdata[lane*SLOT_W+:SLOT_W]),
      .offset,
      .exponent_mask,
      .sign_place,
      .shift,
      .x(numbers_d[lane*32+:32])
    );
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
