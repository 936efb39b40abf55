// SPDX-License-Identifier: Apache-2.0
//
// bm_mvu: a matrix-vector unit: MW elements in, SIMD per beat; MH accumulators out, PE per beat.
// Vectors belong to GROUPS matrices in turn; LANES vectors side by side meet the same weights.
//
// Inputs may be ranks of floating-point numbers, weights codes of such (F_E > 0); both are then
// multiplied as fixed point.
//
// Golden model: bitmason/ir/ops/dense.py and xnor_popcount.py. With SF = MW/SIMD and NF = MH/PE:
// Throughput: NF*SF cycles per vector, exactly, while input and output are ready.
// Latency: from the last input beat of a vector to its first output beat
//   (NF == 1 ? 1 : 2) + STAGES + 1 + (ENGINE == "select" ? 1 : 0) cycles,
// when no earlier vector is in the way. s_axis_tready is a register.
//
// ENGINE "parallel": sum of products, two's complement if inputs or weights are.
//        "select":   weights of one bit, 0 = -1 and 1 = +1, inputs of any width:
//                    sum(+-x) = 2 * sum(x where the weight is +1) - sum(x), signed.
//        "xnor":     weights and inputs of one bit: the number of positions that agree, unsigned.
//
// Weight memory: the word at (group*NF + nf)*SF + sf holds the weights of neurons nf*PE + pe and
// columns sf*SIMD + i of that group, at bits (pe*SIMD + i)*W_W.
// Lane l of the input stands at bits l*SIMD*IN_W, that of the output at bits l*PE*ACC_W.

`default_nettype none

module bm_mvu #(
  parameter string       ENGINE    = "parallel",  // "parallel", "select" or "xnor"
  parameter int unsigned MW        = 8,  // elements per vector, a multiple of SIMD
  parameter int unsigned MH        = 4,  // neurons per group, a multiple of PE
  parameter int unsigned GROUPS    = 1,  // matrices that the vectors meet in turn
  parameter int unsigned LANES     = 1,  // vectors side by side
  parameter int unsigned PE        = 2,  // neurons at once
  parameter int unsigned SIMD      = 4,  // elements at once
  parameter int unsigned IN_W      = 4,  // bits per element
  parameter bit          IN_SIGNED = 1'b0,  // elements are two's complement
  parameter int unsigned W_W       = 4,  // bits per weight
  parameter bit          W_SIGNED  = 1'b1,  // weights are two's complement ("parallel")
  parameter int unsigned ACC_W     = 11,  // bits per accumulator; sums are modulo 2**ACC_W
  parameter string       INIT_FILE = "",  // weights
  parameter string       ROM_STYLE = "auto",  // see bm_rom
  parameter int unsigned STAGES    = 0,  // registers inside each dot product
  parameter string       TARGET    = "generic",  // see bm_xnor_popcount
  parameter bit          DSP       = 1'b0,  // multiply in DSP blocks ("parallel")
  parameter int unsigned X_E       = 0,  // exponent bits of inputs that are ranks; 0 where not
  parameter int unsigned X_M       = 0,  // their mantissa bits
  parameter bit          X_SUBNORMALS = 1'b0,  // their format has subnormal numbers
  parameter int unsigned X_W       = IN_W,  // bits of an input as it is multiplied
  parameter int unsigned F_E       = 0,  // exponent bits of weights that are codes; 0 where not
  parameter int unsigned F_M       = 0,  // their mantissa bits
  parameter bit          F_SUBNORMALS = 1'b0,  // their format has subnormal numbers
  parameter int          F_SHIFT   = 0,  // the power of two that is their unit
  parameter int unsigned F_W       = W_W  // bits of a weight as it is multiplied
) (
  input  wire logic                       clk,
  input  wire logic                       rst,

  input  wire logic [LANES*SIMD*IN_W-1:0] s_axis_tdata,
  input  wire logic                       s_axis_tvalid,
  output wire logic                       s_axis_tready,

  output wire logic [ LANES*PE*ACC_W-1:0] m_axis_tdata,
  output wire logic                       m_axis_tvalid,
  input  wire logic                       m_axis_tready
);

  localparam int unsigned SF     = MW / SIMD;
  localparam int unsigned NF     = MH / PE;
  localparam int unsigned WORDS  = GROUPS * NF * SF;
  localparam int unsigned ADDR_W = (WORDS > 1) ? $clog2(WORDS) : 1;
  // 2*s modulo 2**ACC_W needs only the lower bits of s.
  localparam int unsigned SUM_W  = (ENGINE == "select") ? ACC_W - 1 : ACC_W;

  if (MW % SIMD != 0) begin : gen_reject_partial_input
    $error("bm_mvu: MW (%0d) must be a multiple of SIMD (%0d)", MW, SIMD);
  end
  if (MH % PE != 0) begin : gen_reject_partial_output
    $error("bm_mvu: MH (%0d) must be a multiple of PE (%0d)", MH, PE);
  end
  if (GROUPS < 1 || LANES < 1) begin : gen_reject_empty
    $error("bm_mvu: GROUPS (%0d) and LANES (%0d) must be 1 or more", GROUPS, LANES);
  end
  if (ENGINE != "parallel" && ENGINE != "select" && ENGINE != "xnor") begin : gen_reject_engine
    $error("bm_mvu: ENGINE must be parallel, select or xnor, not %s", ENGINE);
  end
  if (ENGINE != "parallel" && W_W != 1) begin : gen_reject_weights
    $error("bm_mvu: ENGINE %s takes weights of 1 bit, not %0d", ENGINE, W_W);
  end
  if (ENGINE == "xnor" && IN_W != 1) begin : gen_reject_inputs
    $error("bm_mvu: ENGINE xnor takes inputs of 1 bit, not %0d", IN_W);
  end
  if (ENGINE == "select" && ACC_W < 2) begin : gen_reject_accumulator
    $error("bm_mvu: ENGINE select needs accumulators of 2 bits or more, not %0d", ACC_W);
  end

  // Everything from here to the output register moves by this one enable.
  logic en;

  logic [LANES*SIMD*IN_W-1:0] xs;
  logic x_valid;

  bm_replay #(
    .WIDTH(LANES * SIMD * IN_W),
    .LENGTH(SF),
    .REPEATS(NF)
  ) u_replay (
    .clk,
    .rst,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata(xs),
    .m_axis_tvalid(x_valid),
    .m_axis_tready(en)
  );

  // The memory is read one beat ahead, so that its register stands beside the one in u_replay.
  // After reset the first word is there in time: u_replay takes at least as long.
  logic [PE*SIMD*W_W-1:0] weights;
  logic [ADDR_W-1:0] addr_q;
  logic loaded_q;
  logic advance;

  assign advance = (x_valid && en) || !loaded_q;

  always_ff @(posedge clk) begin
    loaded_q <= 1'b1;
    if (advance) addr_q <= (addr_q == ADDR_W'(WORDS - 1)) ? '0 : addr_q + 1'b1;
    if (rst) begin
      loaded_q <= 1'b0;
      addr_q   <= '0;
    end
  end

  bm_rom #(
    .WIDTH(PE * SIMD * W_W),
    .DEPTH(WORDS),
    .INIT_FILE(INIT_FILE),
    .STYLE(ROM_STYLE)
  ) u_weights (
    .clk,
    .en(advance),
    .addr(addr_q),
    .data(weights)
  );

  // What is multiplied: inputs and weights as numbers.
  logic [LANES*SIMD*X_W-1:0] factors_x;
  logic [PE*SIMD*F_W-1:0] factors_w;

  bm_float_factors #(
    .N(LANES * SIMD),
    .IN_W(IN_W),
    .IN_SIGNED(IN_SIGNED),
    .RANK(1'b1),
    .E_BITS(X_E),
    .M_BITS(X_M),
    .SUBNORMALS(X_SUBNORMALS),
    .OUT_W(X_W)
  ) u_inputs (
    .kept(xs),
    .numbers(factors_x)
  );

  bm_float_factors #(
    .N(PE * SIMD),
    .IN_W(W_W),
    .E_BITS(F_E),
    .M_BITS(F_M),
    .SUBNORMALS(F_SUBNORMALS),
    .SHIFT(F_SHIFT),
    .OUT_W(F_W)
  ) u_factors (
    .kept(weights),
    .numbers(factors_w)
  );

  // Where the beat stands in its row, delayed with the dot product.
  logic sum_valid, sum_first, sum_last;

  bm_beat_place #(
    .BEATS(SF),
    .STAGES(STAGES)
  ) u_place (
    .clk,
    .rst,
    .en,
    .valid(x_valid),
    .out_valid(sum_valid),
    .out_first(sum_first),
    .out_last(sum_last)
  );

  logic [LANES*PE*ACC_W-1:0] out_d, out_q;
  logic out_d_valid, out_valid_q;

  if (ENGINE == "select") begin : gen_row_done
    logic row_done_q;

    assign out_d_valid = row_done_q;

    always_ff @(posedge clk) begin
      if (en) row_done_q <= sum_valid && sum_last;
      if (rst) row_done_q <= 1'b0;
    end
  end else begin : gen_row_ends
    assign out_d_valid = sum_valid && sum_last;
  end

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    logic [SIMD*X_W-1:0] x;
    assign x = factors_x[lane*SIMD*X_W+:SIMD*X_W];

    // One accumulator per neuron. A row's last sum goes on in the same cycle, so that the next row
    // may start at once.
    logic [PE*SUM_W-1:0] sums_d, sums_q;

    for (genvar pe = 0; pe < PE; pe++) begin : gen_pe
      logic [SUM_W-1:0] dot;

      if (ENGINE == "parallel") begin : gen_parallel
        bm_dot_parallel #(
          .SIMD(SIMD),
          .IN_W(X_W),
          .IN_SIGNED(IN_SIGNED),
          .W_W(F_W),
          .W_SIGNED(W_SIGNED || F_E > 0),
          .OUT_W(SUM_W),
          .STAGES(STAGES),
          .DSP(DSP)
        ) u_dot (
          .clk,
          .en,
          .x,
          .w(factors_w[pe*SIMD*F_W+:SIMD*F_W]),
          .total(dot)
        );
      end else if (ENGINE == "select") begin : gen_select
        bm_dot_select #(
          .SIMD(SIMD),
          .IN_W(X_W),
          .IN_SIGNED(IN_SIGNED),
          .OUT_W(SUM_W),
          .STAGES(STAGES)
        ) u_dot (
          .clk,
          .en,
          .x,
          .w(factors_w[pe*SIMD+:SIMD]),
          .total(dot)
        );
      end else begin : gen_xnor
        logic [$clog2(SIMD+1)-1:0] agreeing;

        bm_xnor_popcount #(
          .N(SIMD),
          .STAGES(STAGES),
          .TARGET(TARGET)
        ) u_popcount (
          .clk,
          .en,
          .w(factors_w[pe*SIMD+:SIMD]),
          .x,
          .count(agreeing)
        );

        assign dot = SUM_W'(agreeing);
      end

      assign sums_d[pe*SUM_W+:SUM_W] = (sum_first ? '0 : sums_q[pe*SUM_W+:SUM_W]) + dot;
    end

    always_ff @(posedge clk) begin
      if (en && sum_valid) sums_q <= sums_d;
    end

    if (ENGINE == "select") begin : gen_total
      // The sum of all inputs is made once and shared; it is subtracted one cycle later.
      logic [ACC_W-1:0] part, total_d, total_q;

      bm_adder_tree #(
        .N(SIMD),
        .IN_W(X_W),
        .IN_SIGNED(IN_SIGNED),
        .OUT_W(ACC_W),
        .STAGES(STAGES)
      ) u_total (
        .clk,
        .en,
        .terms(x),
        .total(part)
      );

      assign total_d = (sum_first ? '0 : total_q) + part;

      always_ff @(posedge clk) begin
        if (en && sum_valid) total_q <= total_d;
      end

      for (genvar pe = 0; pe < PE; pe++) begin : gen_difference
        assign out_d[(lane*PE+pe)*ACC_W+:ACC_W] = {sums_q[pe*SUM_W+:SUM_W], 1'b0} - total_q;
      end
    end else begin : gen_sums
      assign out_d[lane*PE*ACC_W+:PE*ACC_W] = sums_d;
    end
  end

  assign en            = m_axis_tready || !out_valid_q;
  assign m_axis_tvalid = out_valid_q;
  assign m_axis_tdata  = out_q;

  always_ff @(posedge clk) begin
    if (en) begin
      out_valid_q <= out_d_valid;
      if (out_d_valid) out_q <= out_d;
    end
    if (rst) out_valid_q <= 1'b0;
  end

`ifndef SYNTHESIS
  weights_are_loaded_a: assert property (@(posedge clk) disable iff (rst) x_valid |-> loaded_q);

  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
