// SPDX-License-Identifier: Apache-2.0
//
// bm_argmax: the index of the largest element of each vector, the lowest index where several are.
//
// Golden model: bitmason/ir/ops/arg_max.py. Throughput: 1 input beat per cycle.
// Latency: 2 cycles from the last input beat of a vector to its one output beat.
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.

`default_nettype none

module bm_argmax #(
  parameter  int unsigned CHANNELS  = 10,  // elements per vector, a multiple of PE
  parameter  int unsigned PE        = 2,  // elements per beat
  parameter  int unsigned IN_W      = 8,  // bits per element
  parameter  bit          IN_SIGNED = 1'b1,  // elements are two's complement
  localparam int unsigned INDEX_W   = (CHANNELS > 1) ? $clog2(CHANNELS) : 1
) (
  input  wire logic               clk,
  input  wire logic               rst,

  input  wire logic [PE*IN_W-1:0] s_axis_tdata,
  input  wire logic               s_axis_tvalid,
  output wire logic               s_axis_tready,

  output wire logic [INDEX_W-1:0] m_axis_tdata,
  output wire logic               m_axis_tvalid,
  input  wire logic               m_axis_tready
);

  localparam int unsigned FOLDS  = CHANNELS / PE;
  localparam int unsigned LEAVES = 2 ** $clog2(PE);

  if (CHANNELS % PE != 0) begin : gen_reject_partial_fold
    $error("bm_argmax: CHANNELS (%0d) must be a multiple of PE (%0d)", CHANNELS, PE);
  end

  logic en;
  logic [INDEX_W-1:0] base_q;  // index of lane 0
  logic last;

  logic [IN_W-1:0] beat_key_q, key_q;
  logic [INDEX_W-1:0] beat_index_q, index_q;
  logic beat_valid_q, beat_first_q, beat_last_q, out_valid_q;
  logic better;

  assign en            = m_axis_tready || !out_valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = out_valid_q;
  assign m_axis_tdata  = index_q;

  // The best of a beat: a tree in heap order, node 1 at the top, the children of n at 2n and 2n+1.
  // Keys compare as unsigned numbers: a signed element has its sign bit inverted. Leaves without
  // a lane have the least key; as the right child wins only when greater, they never win.
  logic [IN_W-1:0] key[2*LEAVES];
  logic [INDEX_W-1:0] index[2*LEAVES];

  always_comb begin
    for (int unsigned n = 0; n < 2 * LEAVES; n++) begin
      key[n]   = '0;
      index[n] = '0;
    end
    for (int unsigned lane = 0; lane < PE; lane++) begin
      key[LEAVES+lane] = s_axis_tdata[lane*IN_W+:IN_W];
      key[LEAVES+lane][IN_W-1] ^= IN_SIGNED;
      index[LEAVES+lane] = base_q + INDEX_W'(lane);
    end
    for (int unsigned n = LEAVES - 1; n > 0; n--) begin
      key[n]   = key[2*n];
      index[n] = index[2*n];
      if (key[2*n+1] > key[2*n]) begin
        key[n]   = key[2*n+1];
        index[n] = index[2*n+1];
      end
    end
  end

  assign last   = base_q == INDEX_W'((FOLDS - 1) * PE);
  assign better = beat_first_q || beat_key_q > key_q;

  always_ff @(posedge clk) begin
    if (en) begin
      beat_key_q   <= key[1];
      beat_index_q <= index[1];
      beat_valid_q <= s_axis_tvalid;
      beat_first_q <= base_q == '0;
      beat_last_q  <= last;
      if (s_axis_tvalid) base_q <= last ? '0 : base_q + INDEX_W'(PE);
      if (beat_valid_q && better) begin
        key_q   <= beat_key_q;
        index_q <= beat_index_q;
      end
      out_valid_q <= beat_valid_q && beat_last_q;
    end
    if (rst) begin
      base_q       <= '0;
      beat_valid_q <= 1'b0;
      out_valid_q  <= 1'b0;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
