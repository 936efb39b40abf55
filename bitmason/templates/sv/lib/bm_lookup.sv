// SPDX-License-Identifier: Apache-2.0
//
// bm_lookup: for each channel, the entry of its table that the raw bits of the input name.
//
// Golden model: bitmason/ir/ops/lookup.py. Throughput: 1 beat per cycle. Latency: 1 cycle.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.
//
// Tables: one file per lane, "<INIT_PREFIX>_<lane>.mem": for each fold, fold 0 first, the
// 2**IN_W entries of the channel fold*PE + lane, in the order of the raw bits of the input.
// With SHARED, all channels use the 2**IN_W entries of "<INIT_PREFIX>_0.mem".

`default_nettype none

module bm_lookup #(
  parameter int unsigned CHANNELS    = 4,  // a multiple of PE
  parameter int unsigned PE          = 2,  // channels per beat
  parameter int unsigned IN_W        = 4,  // bits per input
  parameter int unsigned OUT_W       = 4,  // bits per output
  parameter bit          SHARED      = 1'b0,  // one table for all channels
  parameter string       INIT_PREFIX = "",  // start of the names of the tables
  parameter string       ROM_STYLE   = "auto"  // see bm_rom
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

  localparam int unsigned FOLDS  = SHARED ? 1 : CHANNELS / PE;
  localparam int unsigned WORDS  = FOLDS * 2 ** IN_W;
  localparam int unsigned ADDR_W = $clog2(WORDS);

  if (CHANNELS % PE != 0) begin : gen_reject_partial_fold
    $error("bm_lookup: CHANNELS (%0d) must be a multiple of PE (%0d)", CHANNELS, PE);
  end

  logic en;
  logic valid_q;

  assign en            = m_axis_tready || !valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q;

  always_ff @(posedge clk) begin
    if (en) valid_q <= s_axis_tvalid;
    if (rst) valid_q <= 1'b0;
  end

  logic [PE*ADDR_W-1:0] addrs;

  if (FOLDS == 1) begin : gen_single
    assign addrs = s_axis_tdata;
  end else begin : gen_folds
    localparam int unsigned FOLD_W = $clog2(FOLDS);
    logic [FOLD_W-1:0] fold_q;

    for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
      assign addrs[lane*ADDR_W+:ADDR_W] = {fold_q, s_axis_tdata[lane*IN_W+:IN_W]};
    end

    always_ff @(posedge clk) begin
      if (en && s_axis_tvalid) begin
        fold_q <= (fold_q == FOLD_W'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
      end
      if (rst) fold_q <= '0;
    end
  end

  for (genvar lane = 0; lane < PE; lane++) begin : gen_table
    bm_rom #(
      .WIDTH(OUT_W),
      .DEPTH(WORDS),
      .INIT_FILE($sformatf("%s_%0d.mem", INIT_PREFIX, SHARED ? 0 : lane)),
      .STYLE(ROM_STYLE)
    ) u_rom (
      .clk,
      .en,
      .addr(addrs[lane*ADDR_W+:ADDR_W]),
      .data(m_axis_tdata[lane*OUT_W+:OUT_W])
    );
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
