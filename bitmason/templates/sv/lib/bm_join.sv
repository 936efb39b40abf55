// SPDX-License-Identifier: Apache-2.0
//
// bm_join: two streams become one, element by element: a weighted sum or a product.
//
// Golden model: bitmason/ir/ops/join.py. Throughput: 1 beat per cycle. Latency: 1 + STAGES cycles.
// PIPE(1 + STAGES, 1) that takes one beat of each input in the same cycle:
// en = m_axis_tready || !m_axis_tvalid, s0_axis_tready = en && s1_axis_tvalid and
// s1_axis_tready = en && s0_axis_tvalid (combinational; add a bm_skid to cut the paths).
//
// OP "sum":     y = k0*x0 + k1*x1. In a word of constants element pe has k0 at bits 2*pe*K_W and k1
//               above it, two's complement. FOLDS 1: the word CONSTANTS for every beat, which
//               synthesis turns into shifts and adders. Otherwise INIT_FILE has FOLDS words, one
//               per beat of a pixel.
//    "product": y = (x0 - SHIFT0)*(x1 - SHIFT1).

`default_nettype none

module bm_join #(
  parameter string             OP         = "sum",  // "sum" or "product"
  parameter int unsigned       PE         = 2,  // elements per beat
  parameter int unsigned       IN0_W      = 4,  // bits per element of input 0
  parameter bit                IN0_SIGNED = 1'b0,  // elements of input 0 are two's complement
  parameter int unsigned       IN1_W      = 4,  // bits per element of input 1
  parameter bit                IN1_SIGNED = 1'b0,  // elements of input 1 are two's complement
  parameter int unsigned       OUT_W      = 5,  // bits per result, which is modulo 2**OUT_W
  parameter int unsigned       K_W        = 2,  // bits per constant ("sum")
  parameter int unsigned       FOLDS      = 1,  // words of constants ("sum")
  parameter bit [PE*2*K_W-1:0] CONSTANTS  = {PE * 2{K_W'(1)}},  // the only word ("sum", FOLDS 1)
  parameter string             INIT_FILE  = "",  // the words ("sum", FOLDS 2 or more)
  parameter string             ROM_STYLE  = "auto",  // see bm_rom
  parameter int                SHIFT0     = 0,  // zero point of input 0 ("product")
  parameter int                SHIFT1     = 0,  // zero point of input 1 ("product")
  parameter int unsigned       STAGES     = 0,  // registers before the output register
  parameter bit                DSP        = 1'b0  // multiply in DSP blocks
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

  if (OP != "sum" && OP != "product") begin : gen_reject_op
    $error("bm_join: OP must be sum or product, not %s", OP);
  end
  if (FOLDS < 1 || PE < 1) begin : gen_reject_empty
    $error("bm_join: FOLDS (%0d) and PE (%0d) must be 1 or more", FOLDS, PE);
  end

  logic en, both;
  logic [STAGES:0] valid_q;
  logic [PE*OUT_W-1:0] results, results_q;

  assign en             = m_axis_tready || !m_axis_tvalid;
  assign both           = s0_axis_tvalid && s1_axis_tvalid;
  assign s0_axis_tready = en && s1_axis_tvalid;
  assign s1_axis_tready = en && s0_axis_tvalid;
  assign m_axis_tvalid  = valid_q[STAGES];
  assign m_axis_tdata   = results_q;

  always_ff @(posedge clk) begin
    if (en) begin
      valid_q   <= (STAGES + 1)'({valid_q, both});
      results_q <= results;
    end
    if (rst) valid_q <= '0;
  end

  if (OP == "sum") begin : gen_sum
    // One type for both inputs: signed if either is.
    localparam bit          X_SIGNED = IN0_SIGNED || IN1_SIGNED;
    localparam int unsigned X0_W     = IN0_W + ((X_SIGNED && !IN0_SIGNED) ? 1 : 0);
    localparam int unsigned X1_W     = IN1_W + ((X_SIGNED && !IN1_SIGNED) ? 1 : 0);
    localparam int unsigned X_W      = (X0_W > X1_W) ? X0_W : X1_W;

    logic [PE*2*K_W-1:0] constants;

    if (FOLDS == 1) begin : gen_single
      assign constants = CONSTANTS;
    end else begin : gen_folds
      bm_rom_loop #(
        .WIDTH(PE * 2 * K_W),
        .DEPTH(FOLDS),
        .INIT_FILE(INIT_FILE),
        .STYLE(ROM_STYLE)
      ) u_constants (
        .clk,
        .rst,
        .next(en && both),
        .data(constants)
      );
    end

    for (genvar pe = 0; pe < PE; pe++) begin : gen_pe
      logic [X_W-1:0] x0, x1;

      if (IN0_SIGNED) begin : gen_signed0
        assign x0 = X_W'($signed(s0_axis_tdata[pe*IN0_W+:IN0_W]));
      end else begin : gen_unsigned0
        assign x0 = X_W'(s0_axis_tdata[pe*IN0_W+:IN0_W]);
      end
      if (IN1_SIGNED) begin : gen_signed1
        assign x1 = X_W'($signed(s1_axis_tdata[pe*IN1_W+:IN1_W]));
      end else begin : gen_unsigned1
        assign x1 = X_W'(s1_axis_tdata[pe*IN1_W+:IN1_W]);
      end

      bm_dot_parallel #(
        .SIMD(2),
        .IN_W(X_W),
        .IN_SIGNED(X_SIGNED),
        .W_W(K_W),
        .W_SIGNED(1'b1),
        .OUT_W(OUT_W),
        .STAGES(STAGES),
        .DSP(DSP)
      ) u_sum (
        .clk,
        .en,
        .x({x1, x0}),
        .w(constants[pe*2*K_W+:2*K_W]),
        .total(results[pe*OUT_W+:OUT_W])
      );
    end
  end else begin : gen_product
    // An input less its zero point is signed, and fits two bits more than the wider of the two.
    localparam int unsigned MAGNITUDE0 = (SHIFT0 < 0) ? -SHIFT0 : SHIFT0;
    localparam int unsigned MAGNITUDE1 = (SHIFT1 < 0) ? -SHIFT1 : SHIFT1;
    localparam int unsigned SHIFT0_W   = $clog2(MAGNITUDE0 + 1);
    localparam int unsigned SHIFT1_W   = $clog2(MAGNITUDE1 + 1);
    localparam int unsigned WIDER0     = (SHIFT0_W > IN0_W) ? SHIFT0_W : IN0_W;
    localparam int unsigned WIDER1     = (SHIFT1_W > IN1_W) ? SHIFT1_W : IN1_W;
    localparam int unsigned X0_W       = WIDER0 + ((SHIFT0 == 0) ? 0 : 2);
    localparam int unsigned X1_W       = WIDER1 + ((SHIFT1 == 0) ? 0 : 2);

    for (genvar pe = 0; pe < PE; pe++) begin : gen_pe
      logic [X0_W-1:0] x0;
      logic [X1_W-1:0] x1;

      if (IN0_SIGNED) begin : gen_signed0
        assign x0 = X0_W'($signed(s0_axis_tdata[pe*IN0_W+:IN0_W])) - X0_W'(SHIFT0);
      end else begin : gen_unsigned0
        assign x0 = X0_W'(s0_axis_tdata[pe*IN0_W+:IN0_W]) - X0_W'(SHIFT0);
      end
      if (IN1_SIGNED) begin : gen_signed1
        assign x1 = X1_W'($signed(s1_axis_tdata[pe*IN1_W+:IN1_W])) - X1_W'(SHIFT1);
      end else begin : gen_unsigned1
        assign x1 = X1_W'(s1_axis_tdata[pe*IN1_W+:IN1_W]) - X1_W'(SHIFT1);
      end

      bm_dot_parallel #(
        .SIMD(1),
        .IN_W(X0_W),
        .IN_SIGNED(IN0_SIGNED || SHIFT0 != 0),
        .W_W(X1_W),
        .W_SIGNED(IN1_SIGNED || SHIFT1 != 0),
        .OUT_W(OUT_W),
        .STAGES(STAGES),
        .DSP(DSP)
      ) u_product (
        .clk,
        .en,
        .x(x0),
        .w(x1),
        .total(results[pe*OUT_W+:OUT_W])
      );
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
