// SPDX-License-Identifier: Apache-2.0
//
// bm_join_table: two streams become one: for each channel, the entry of its table that both name.
//
// Golden model: bitmason/ir/ops/join.py. Throughput: 1 beat per cycle. Latency: 1 cycle.
// PIPE(1, 1) that takes one beat of each input in the same cycle:
// en = m_axis_tready || !m_axis_tvalid, s0_axis_tready = en && s1_axis_tvalid and
// s1_axis_tready = en && s0_axis_tvalid (combinational; add a bm_skid to cut the paths).
//
// Tables: those of a bm_lookup with IN0_W + IN1_W input bits; the raw bits x0 and x1 name the entry
// x1 * 2**IN0_W + x0.

`default_nettype none

module bm_join_table #(
  parameter int unsigned CHANNELS    = 4,  // a multiple of PE
  parameter int unsigned PE          = 2,  // channels per beat
  parameter int unsigned IN0_W       = 2,  // bits per element of input 0
  parameter int unsigned IN1_W       = 2,  // bits per element of input 1
  parameter int unsigned OUT_W       = 4,  // bits per output
  parameter bit          SHARED      = 1'b0,  // one table for all channels
  parameter string       INIT_PREFIX = "",  // start of the names of the tables, see bm_lookup
  parameter string       ROM_STYLE   = "auto"  // see bm_rom
) (
  input  wire logic                clk,
  input  wire logic                rst,

  input  wire logic [PE*IN0_W-1:0] s0_axis_tdata,
  input  wire logic                s0_axis_tvalid,
  output wire logic                s0_axis_tready,

  input  wire logic [PE*IN1_W-1:0] s1_axis_tdata,
  input  wire logic                s1_axis_tvalid,
  output wire logic                s1_axis_tready,

  output wire logic [PE*OUT_W-1:0] m_axis_tdata,
  output wire logic                m_axis_tvalid,
  input  wire logic                m_axis_tready
);

  localparam int unsigned PAIR_W = IN0_W + IN1_W;

  if (CHANNELS % PE != 0) begin : gen_reject_partial_fold
    $error("bm_join_table: CHANNELS (%0d) must be a multiple of PE (%0d)", CHANNELS, PE);
  end

  logic en;
  logic [PE*PAIR_W-1:0] pairs;

  assign s0_axis_tready = en && s1_axis_tvalid;
  assign s1_axis_tready = en && s0_axis_tvalid;

  for (genvar pe = 0; pe < PE; pe++) begin : gen_pair
    assign pairs[pe*PAIR_W+:PAIR_W] =
        {s1_axis_tdata[pe*IN1_W+:IN1_W], s0_axis_tdata[pe*IN0_W+:IN0_W]};
  end

  bm_lookup #(
    .CHANNELS(CHANNELS),
    .PE(PE),
    .IN_W(PAIR_W),
    .OUT_W(OUT_W),
    .SHARED(SHARED),
    .INIT_PREFIX(INIT_PREFIX),
    .ROM_STYLE(ROM_STYLE)
  ) u_lookup (
    .clk,
    .rst,
    .s_axis_tdata(pairs),
    .s_axis_tvalid(s0_axis_tvalid && s1_axis_tvalid),
    .s_axis_tready(en),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

`ifndef SYNTHESIS
  // The lookup offers its beats as a stream must; here, neither input moves on without the other.
  inputs_move_together_a: assert property (@(posedge clk) disable iff (rst)
    (s0_axis_tvalid && s0_axis_tready) == (s1_axis_tvalid && s1_axis_tready));
`endif

endmodule

`default_nettype wire
