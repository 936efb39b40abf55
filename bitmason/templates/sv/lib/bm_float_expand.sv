// SPDX-License-Identifier: Apache-2.0
//
// bm_float_expand: ranks of custom floating-point numbers as whole multiples of the format's unit.
//
// Golden model: CustomFloat.fixed of bitmason/ir/custom_float.py, modulo 2**OUT_W.
// Throughput: 1 beat per cycle. Latency: 1 cycle.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.
//
// A rank is a code's exponent and mantissa, as one integer, with its sign. IN_W may be less than
// that of a format's ranks where numbers are known to be small or never negative.

`default_nettype none

module bm_float_expand #(
  parameter int unsigned PE         = 2,  // numbers per beat
  parameter int unsigned IN_W       = 8,  // bits per rank
  parameter bit          IN_SIGNED  = 1'b1,  // ranks are two's complement
  parameter int unsigned E_BITS     = 4,  // bits of the format's exponent
  parameter int unsigned M_BITS     = 3,  // bits of its mantissa, 0 or more
  parameter bit          SUBNORMALS = 1'b0,  // exponent 0 has numbers, not only zero
  parameter int unsigned OUT_W      = 18  // bits per result, two's complement
) (
  input  wire logic                clk,
  input  wire logic                rst,

  input  wire logic [ PE*IN_W-1:0] s_axis_tdata,
  input  wire logic                s_axis_tvalid,
  output wire logic                s_axis_tready,

  output wire logic [PE*OUT_W-1:0] m_axis_tdata,
  output wire logic                m_axis_tvalid,
  input  wire logic                m_axis_tready
);

  localparam int unsigned RANK_W = 1 + E_BITS + M_BITS;
  localparam int unsigned MOST_W = IN_SIGNED ? RANK_W : RANK_W - 1;

  if (IN_W < 1 || IN_W > MOST_W) begin : gen_reject_width
    $error("bm_float_expand: IN_W (%0d) must be from 1 to %0d", IN_W, MOST_W);
  end

  logic en;
  logic valid_q;
  logic [PE*OUT_W-1:0] fixed_d, fixed_q;

  assign en            = m_axis_tready || !valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = fixed_q;

  always_ff @(posedge clk) begin
    if (en) begin
      valid_q <= s_axis_tvalid;
      fixed_q <= fixed_d;
    end
    if (rst) valid_q <= 1'b0;
  end

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    logic [RANK_W-1:0] rank;

    if (IN_SIGNED) begin : gen_signed
      assign rank = RANK_W'($signed(s_axis_tdata[lane*IN_W+:IN_W]));
    end else begin : gen_unsigned
      assign rank = RANK_W'(s_axis_tdata[lane*IN_W+:IN_W]);
    end

    bm_float_to_fixed #(
      .E_BITS(E_BITS),
      .M_BITS(M_BITS),
      .SUBNORMALS(SUBNORMALS),
      .RANK(1'b1),
      .OUT_W(OUT_W)
    ) u_fixed (
      .x(rank),
      .fixed(fixed_d[lane*OUT_W+:OUT_W])
    );
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
