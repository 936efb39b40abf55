// SPDX-License-Identifier: Apache-2.0
//
// bm_vvu: a vector-vector unit: the dot product of each channel's window with its own weights.
//
// Golden model: bitmason/ir/ops/depthwise.py. Throughput: TAPS/SIMD cycles per output beat of PE
// channels, exactly. PIPE(STAGES + 1, TAPS/SIMD): one enable for everything,
// en = m_axis_tready || !m_axis_tvalid, s_axis_tready = en (combinational; add a bm_skid to cut the
// path), every TAPS/SIMD beats in make one beat out.
// Latency: STAGES + 1 cycles from the last input beat of an output beat.
//
// ENGINE "parallel": sum of products, two's complement if inputs or weights are.
//        "select":   weights of one bit, 0 = -1 and 1 = +1: sum(+-x), signed.
//
// Input: for each PE channels the TAPS elements of their window, SIMD taps per beat; tap t of a
// beat and channel pe stand at element t*PE + pe. Weight memory: the word at group*TAPS/SIMD + beat
// holds the weight of the element at the same place of that beat, at bits (t*PE + pe)*W_W.

`default_nettype none

module bm_vvu #(
  parameter string       ENGINE    = "parallel",  // "parallel" or "select"
  parameter int unsigned CHANNELS  = 4,  // a multiple of PE
  parameter int unsigned TAPS      = 9,  // elements per window, a multiple of SIMD
  parameter int unsigned PE        = 2,  // channels at once
  parameter int unsigned SIMD      = 1,  // taps at once
  parameter int unsigned IN_W      = 4,  // bits per element
  parameter bit          IN_SIGNED = 1'b0,  // elements are two's complement
  parameter int unsigned W_W       = 4,  // bits per weight
  parameter bit          W_SIGNED  = 1'b1,  // weights are two's complement ("parallel")
  parameter int unsigned ACC_W     = 12,  // bits per accumulator; sums are modulo 2**ACC_W
  parameter string       INIT_FILE = "",  // weights
  parameter string       ROM_STYLE = "auto",  // see bm_rom
  parameter int unsigned STAGES    = 0,  // registers inside each dot product
  parameter bit          DSP       = 1'b0  // multiply in DSP blocks ("parallel")
) (
  input  wire logic                    clk,
  input  wire logic                    rst,

  input  wire logic [SIMD*PE*IN_W-1:0] s_axis_tdata,
  input  wire logic                    s_axis_tvalid,
  output wire logic                    s_axis_tready,

  output wire logic [    PE*ACC_W-1:0] m_axis_tdata,
  output wire logic                    m_axis_tvalid,
  input  wire logic                    m_axis_tready
);

  localparam int unsigned FOLDS = TAPS / SIMD;

  if (CHANNELS % PE != 0) begin : gen_reject_partial_output
    $error("bm_vvu: CHANNELS (%0d) must be a multiple of PE (%0d)", CHANNELS, PE);
  end
  if (TAPS % SIMD != 0) begin : gen_reject_partial_window
    $error("bm_vvu: TAPS (%0d) must be a multiple of SIMD (%0d)", TAPS, SIMD);
  end
  if (ENGINE != "parallel" && ENGINE != "select") begin : gen_reject_engine
    $error("bm_vvu: ENGINE must be parallel or select, not %s", ENGINE);
  end
  if (ENGINE == "select" && W_W != 1) begin : gen_reject_weights
    $error("bm_vvu: ENGINE select takes weights of 1 bit, not %0d", W_W);
  end

  logic en;
  logic dot_valid, dot_first, dot_last;
  logic valid_q;

  assign en            = m_axis_tready || !valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q;

  logic [SIMD*PE*W_W-1:0] weights;

  bm_rom_loop #(
    .WIDTH(SIMD * PE * W_W),
    .DEPTH(CHANNELS / PE * FOLDS),
    .INIT_FILE(INIT_FILE),
    .STYLE(ROM_STYLE)
  ) u_weights (
    .clk,
    .rst,
    .next(en && s_axis_tvalid),
    .data(weights)
  );

  bm_beat_place #(
    .BEATS(FOLDS),
    .STAGES(STAGES)
  ) u_place (
    .clk,
    .rst,
    .en,
    .valid(s_axis_tvalid),
    .out_valid(dot_valid),
    .out_first(dot_first),
    .out_last(dot_last)
  );

  always_ff @(posedge clk) begin
    if (en) valid_q <= dot_valid && dot_last;
    if (rst) valid_q <= 1'b0;
  end

  // The accumulator is the output register too: it moves on only when its result was taken.
  for (genvar pe = 0; pe < PE; pe++) begin : gen_pe
    logic [SIMD*IN_W-1:0] x;
    logic [SIMD*W_W-1:0] w;
    logic [ACC_W-1:0] dot, sum_q;

    for (genvar t = 0; t < SIMD; t++) begin : gen_tap
      assign x[t*IN_W+:IN_W] = s_axis_tdata[(t*PE+pe)*IN_W+:IN_W];
      assign w[t*W_W+:W_W]   = weights[(t*PE+pe)*W_W+:W_W];
    end

    if (ENGINE == "select") begin : gen_bipolar
      bm_dot_bipolar #(
        .SIMD(SIMD),
        .IN_W(IN_W),
        .IN_SIGNED(IN_SIGNED),
        .OUT_W(ACC_W),
        .STAGES(STAGES)
      ) u_dot (
        .clk,
        .en,
        .x,
        .w,
        .total(dot)
      );
    end else if (IN_W == 1 && !IN_SIGNED) begin : gen_one_bit_inputs
      bm_dot_select #(
        .SIMD(SIMD),
        .IN_W(W_W),
        .IN_SIGNED(W_SIGNED),
        .OUT_W(ACC_W),
        .STAGES(STAGES)
      ) u_dot (
        .clk,
        .en,
        .x(w),
        .w(x),
        .total(dot)
      );
    end else if (W_W == 1 && !W_SIGNED) begin : gen_one_bit_weights
      bm_dot_select #(
        .SIMD(SIMD),
        .IN_W(IN_W),
        .IN_SIGNED(IN_SIGNED),
        .OUT_W(ACC_W),
        .STAGES(STAGES)
      ) u_dot (
        .clk,
        .en,
        .x,
        .w,
        .total(dot)
      );
    end else begin : gen_parallel
      bm_dot_parallel #(
        .SIMD(SIMD),
        .IN_W(IN_W),
        .IN_SIGNED(IN_SIGNED),
        .W_W(W_W),
        .W_SIGNED(W_SIGNED),
        .OUT_W(ACC_W),
        .STAGES(STAGES),
        .DSP(DSP)
      ) u_dot (
        .clk,
        .en,
        .x,
        .w,
        .total(dot)
      );
    end

    assign m_axis_tdata[pe*ACC_W+:ACC_W] = sum_q;

    always_ff @(posedge clk) begin
      if (en && dot_valid) sum_q <= (dot_first ? '0 : sum_q) + dot;
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
