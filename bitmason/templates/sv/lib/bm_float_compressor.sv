// SPDX-License-Identifier: Apache-2.0
//
// bm_float_compressor: float32 numbers as codes of a custom floating-point format, or as ranks.
//
// Golden model: CustomFloat.encode_bits of bitmason/ir/custom_float.py.
// Throughput: 1 beat per cycle. Latency: 1 cycle.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.
//
// A rank is a code's exponent and mantissa, as one integer, with its sign in two's complement.

`default_nettype none

module bm_float_compressor #(
  parameter  int unsigned LANES   = 2,  // numbers per beat
  parameter  int unsigned E_BITS  = 4,  // bits of the exponent
  parameter  int unsigned M_BITS  = 3,  // bits of the mantissa, 0 or more
  parameter  int          BIAS    = 7,  // of the exponent
  parameter  int unsigned LARGEST = 119,  // the largest code without sign
  parameter  bit          NEAREST = 1'b0,  // rounds to nearest, ties to even; otherwise truncates
  parameter  bit          RANKS   = 1'b0,  // gives ranks
  localparam int unsigned CODE_W  = 1 + E_BITS + M_BITS
) (
  input  wire logic                    clk,
  input  wire logic                    rst,

  input  wire logic [    LANES*32-1:0] s_axis_tdata,
  input  wire logic                    s_axis_tvalid,
  output wire logic                    s_axis_tready,

  output wire logic [LANES*CODE_W-1:0] m_axis_tdata,
  output wire logic                    m_axis_tvalid,
  input  wire logic                    m_axis_tready
);

  if (LANES < 1) begin : gen_reject_empty
    $error("bm_float_compressor: LANES (%0d) must be 1 or more", LANES);
  end

  logic en;
  logic valid_q;
  logic [LANES*CODE_W-1:0] codes_d, codes_q;

  assign en            = m_axis_tready || !valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = codes_q;

  always_ff @(posedge clk) begin
    if (en) begin
      valid_q <= s_axis_tvalid;
      codes_q <= codes_d;
    end
    if (rst) valid_q <= 1'b0;
  end

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    logic [CODE_W-1:0] code;

    bm_float_encode #(
      .E_BITS(E_BITS),
      .M_BITS(M_BITS),
      .BIAS(BIAS),
      .LARGEST(LARGEST),
      .NEAREST(NEAREST)
    ) u_encode (
      .x(s_axis_tdata[lane*32+:32]),
      .code
    );

    if (RANKS) begin : gen_rank
      logic [CODE_W-1:0] magnitude;
      assign magnitude                    = {1'b0, code[CODE_W-2:0]};
      assign codes_d[lane*CODE_W+:CODE_W] = code[CODE_W-1] ? -magnitude : magnitude;
    end else begin : gen_code
      assign codes_d[lane*CODE_W+:CODE_W] = code;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
