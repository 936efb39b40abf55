// SPDX-License-Identifier: Apache-2.0
//
// bm_float_decompressor: codes of a custom floating-point format, or ranks, as float32 numbers.
//
// Golden model: CustomFloat.decode of bitmason/ir/custom_float.py.
// Throughput: 1 beat per cycle. Latency: 1 cycle.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.
//
// A rank is a code's exponent and mantissa, as one integer, with its sign in two's complement. Inputs
// may be narrower than codes: ranks are then small, codes never negative.

`default_nettype none

module bm_float_decompressor #(
  parameter  int unsigned LANES      = 2,  // numbers per beat
  parameter  int unsigned E_BITS     = 4,  // bits of the exponent
  parameter  int unsigned M_BITS     = 3,  // bits of the mantissa, 0 or more
  parameter  int          BIAS       = 7,  // of the exponent
  parameter  bit          SUBNORMALS = 1'b0,  // exponent 0 has numbers, not only zero
  parameter  bit          RANKS      = 1'b0,  // takes ranks
  localparam int unsigned CODE_W     = 1 + E_BITS + M_BITS,
  parameter  int unsigned IN_W       = CODE_W  // bits of an input
) (
  input  wire logic                    clk,
  input  wire logic                    rst,

  input  wire logic [  LANES*IN_W-1:0] s_axis_tdata,
  input  wire logic                    s_axis_tvalid,
  output wire logic                    s_axis_tready,

  output wire logic [    LANES*32-1:0] m_axis_tdata,
  output wire logic                    m_axis_tvalid,
  input  wire logic                    m_axis_tready
);

  if (LANES < 1) begin : gen_reject_empty
    $error("bm_float_decompressor: LANES (%0d) must be 1 or more", LANES);
  end
  if (IN_W < 1 || IN_W > CODE_W) begin : gen_reject_width
    $error("bm_float_decompressor: IN_W (%0d) must be from 1 to %0d", IN_W, CODE_W);
  end

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
    logic [CODE_W-1:0] code;

    if (RANKS) begin : gen_rank
      logic [CODE_W-1:0] rank;
      logic [CODE_W-2:0] magnitude;
      assign rank      = CODE_W'($signed(s_axis_tdata[lane*IN_W+:IN_W]));
      assign magnitude = rank[CODE_W-1] ? -rank[CODE_W-2:0] : rank[CODE_W-2:0];
      assign code      = {rank[CODE_W-1], magnitude};
    end else begin : gen_code
      assign code = CODE_W'(s_axis_tdata[lane*IN_W+:IN_W]);
    end

    bm_float_decode #(
      .E_BITS(E_BITS),
      .M_BITS(M_BITS),
      .BIAS(BIAS),
      .SUBNORMALS(SUBNORMALS)
    ) u_decode (
      .code,
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
