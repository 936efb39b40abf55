// SPDX-License-Identifier: Apache-2.0
//
// bm_width_converter: regroups a stream from IN_N to OUT_N elements per beat, any ratio.
//
// Golden model: the identity on the sequence of elements; the first element of a beat is in the
// least significant bits. A frame must be a whole number of beats on both sides. With LANES, a
// beat is that many such beats side by side, lane 0 lowest, all of them regrouped in step.
// Throughput: never the bottleneck: a frame of C elements takes max(C/IN_N, C/OUT_N) cycles.
// Latency: 1 cycle from the input beat that completes an output beat (0 when IN_N == OUT_N).
// s_axis_tready is combinational from m_axis_tready; add a bm_skid to cut the path.

`default_nettype none

module bm_width_converter #(
  parameter int unsigned ELEM_W = 8,  // bits per element
  parameter int unsigned IN_N   = 2,  // elements per input beat
  parameter int unsigned OUT_N  = 3,  // elements per output beat
  parameter int unsigned LANES  = 1  // sequences side by side, each with IN_N and OUT_N elements
) (
  input  wire logic                          clk,
  input  wire logic                          rst,

  input  wire logic [ LANES*IN_N*ELEM_W-1:0] s_axis_tdata,
  input  wire logic                          s_axis_tvalid,
  output wire logic                          s_axis_tready,

  output wire logic [LANES*OUT_N*ELEM_W-1:0] m_axis_tdata,
  output wire logic                          m_axis_tvalid,
  input  wire logic                          m_axis_tready
);

  localparam int unsigned SLICE_W = LANES * ELEM_W;  // one element of every lane
  localparam int unsigned IN_W    = IN_N * SLICE_W;
  localparam int unsigned OUT_W   = OUT_N * SLICE_W;

  function automatic int unsigned gcd(input int unsigned a, input int unsigned b);
    int unsigned rest;
    gcd = a;
    rest = b;
    while (rest != 0) begin
      int unsigned next;
      next = gcd % rest;
      gcd  = rest;
      rest = next;
    end
  endfunction

  // Between the ports lanes are the inner order: slices are regrouped as if they were elements.
  logic [IN_W-1:0] taken;
  logic [OUT_W-1:0] given;

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    for (genvar i = 0; i < IN_N; i++) begin : gen_in
      assign taken[i*SLICE_W+lane*ELEM_W+:ELEM_W] = s_axis_tdata[(lane*IN_N+i)*ELEM_W+:ELEM_W];
    end
    for (genvar i = 0; i < OUT_N; i++) begin : gen_out
      assign m_axis_tdata[(lane*OUT_N+i)*ELEM_W+:ELEM_W] = given[i*SLICE_W+lane*ELEM_W+:ELEM_W];
    end
  end

  if (IN_N == OUT_N) begin : gen_wires
    logic unused;
    assign unused        = &{clk, rst};
    assign s_axis_tready = m_axis_tready;
    assign m_axis_tvalid = s_axis_tvalid;
    assign given         = taken;
  end else if (OUT_N % IN_N == 0) begin : gen_up
    // Beats enter at the top and move down, so the first ends in the least significant bits.
    localparam int unsigned RATIO  = OUT_N / IN_N;
    localparam int unsigned STEP_W = $clog2(RATIO);

    logic [OUT_W-1:0] data_q;
    logic [STEP_W-1:0] step_q;
    logic valid_q;

    assign s_axis_tready = m_axis_tready || !valid_q;
    assign m_axis_tvalid = valid_q;
    assign given         = data_q;

    always_ff @(posedge clk) begin
      if (s_axis_tready) begin
        valid_q <= s_axis_tvalid && step_q == STEP_W'(RATIO - 1);
        if (s_axis_tvalid) begin
          data_q <= {taken, data_q[OUT_W-1:IN_W]};
          step_q <= (step_q == STEP_W'(RATIO - 1)) ? '0 : step_q + 1'b1;
        end
      end
      if (rst) begin
        valid_q <= 1'b0;
        step_q  <= '0;
      end
    end
  end else if (IN_N % OUT_N == 0) begin : gen_down
    // A beat is loaded whole and leaves from the least significant end.
    localparam int unsigned RATIO  = IN_N / OUT_N;
    localparam int unsigned LEFT_W = $clog2(RATIO + 1);

    logic [IN_W-1:0] data_q;
    logic [LEFT_W-1:0] left_q;  // output beats still held

    assign s_axis_tready = left_q == '0 || (left_q == LEFT_W'(1) && m_axis_tready);
    assign m_axis_tvalid = left_q != '0;
    assign given         = data_q[OUT_W-1:0];

    always_ff @(posedge clk) begin
      if (s_axis_tready) begin
        data_q <= taken;
        left_q <= s_axis_tvalid ? LEFT_W'(RATIO) : '0;
      end else if (m_axis_tready) begin
        data_q <= IN_W'(data_q[IN_W-1:OUT_W]);
        left_q <= left_q - 1'b1;
      end
      if (rst) left_q <= '0;
    end
  end else begin : gen_gearbox
    // A shift register counted in units of the greatest common divisor. It takes a beat whenever
    // less than one output beat would be left, which is as late as possible without a bubble.
    localparam int unsigned UNIT_N = gcd(IN_N, OUT_N);
    localparam int unsigned UNIT_W = UNIT_N * SLICE_W;
    localparam int unsigned IN_U   = IN_N / UNIT_N;
    localparam int unsigned OUT_U  = OUT_N / UNIT_N;
    localparam int unsigned HOLD_U = IN_U + OUT_U - 1;
    localparam int unsigned HOLD_W = HOLD_U * UNIT_W;
    localparam int unsigned FILL_W = $clog2(HOLD_U + 1);

    logic [HOLD_W-1:0] data_q, kept, placed;
    logic [FILL_W-1:0] fill_q, left;  // units held; units left after this cycle's output
    logic push, pop;

    assign m_axis_tvalid = fill_q >= FILL_W'(OUT_U);
    assign given         = data_q[OUT_W-1:0];
    assign s_axis_tready = left < FILL_W'(OUT_U);

    assign push = s_axis_tvalid && s_axis_tready;
    assign pop  = m_axis_tvalid && m_axis_tready;

    assign left   = pop ? fill_q - FILL_W'(OUT_U) : fill_q;
    assign kept   = pop ? HOLD_W'(data_q[HOLD_W-1:OUT_W]) : data_q;
    assign placed = push ? HOLD_W'(taken) << (left * UNIT_W) : '0;

    // Units above the fill are zero, so a new beat is merged with a plain OR.
    always_ff @(posedge clk) begin
      data_q <= kept | placed;
      fill_q <= push ? left + FILL_W'(IN_U) : left;
      if (rst) begin
        data_q <= '0;
        fill_q <= '0;
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
