// SPDX-License-Identifier: Apache-2.0
//
// bm_mvu_bitserial: a matrix-vector unit that multiplies bit plane by bit plane: MW elements in,
// TAKE per beat; MH sums out, PE per beat. The precision may change from frame to frame.
//
// Golden model: bitmason/ir/ops/dense.py, depthwise.py and xnor_popcount.py, of the `wbits` most
// significant bit planes of the weights and the `abits` of the elements; the others count as zeros.
// With SF = MW/SIMD, NF = MH/PE, and X = SIMD (DEPTHWISE: PE*SIMD) elements per word and lane:
// Throughput: wbits*abits*NF*SF cycles per vector, exactly, while input and output are ready and the
//   input takes no more: abits cycles per beat, SF*X/TAKE beats.
// Latency: from the last input beat of a vector to its first output beat
//   abits + (wbits*abits - 1)*SF + STAGES + (SF > 1 ? 1 : 0) + 4 cycles,
// when no earlier vector is in the way. s_axis_tready is combinational from s_knobs_tvalid with
// RUN_TIME, a function of registers without; s_knobs_tready is combinational from s_axis_tvalid.
//
// PRODUCT "and":    numbers times numbers, two's complement where signed.
//         "select": weights of one bit, 0 = -1 and 1 = +1, elements of any width:
//                   sum(+-x) = 2 * sum(x where the weight is +1) - sum(x).
//         "xnor":   weights and elements of one bit: how many agree, unsigned.
//
// Weight memory: the word at ((group*NF + nf)*W_W + u)*SF + sf holds plane u (0 = most significant)
// of the weights of neurons nf*PE + pe and columns sf*SIMD + i of that group, at bit pe*SIMD + i.
// With DEPTHWISE it is that of the channels group*PE + pe and their taps sf*SIMD + i, and tap t of
// channel pe stands at element t*PE + pe of a word of the input.
// Lane l of the input stands at bits l*TAKE*IN_W, that of the output at bits l*PE*ACC_W.

`default_nettype none

module bm_mvu_bitserial #(
  parameter  string       PRODUCT   = "and",  // "and", "select" or "xnor"
  parameter  int unsigned MW        = 8,  // elements per vector (taps), a multiple of SIMD
  parameter  int unsigned MH        = 4,  // neurons per group, a multiple of PE
  parameter  int unsigned GROUPS    = 1,  // matrices that the vectors meet in turn
  parameter  int unsigned LANES     = 1,  // vectors side by side
  parameter  int unsigned PE        = 2,  // neurons (channels) at once
  parameter  int unsigned SIMD      = 4,  // elements of each at once
  parameter  int unsigned TAKE      = 4,  // elements per input beat and lane, dividing a word
  parameter  bit          DEPTHWISE = 1'b0,  // each neuron has elements of its own; MH = PE
  parameter  int unsigned IN_W      = 4,  // bits per element
  parameter  bit          IN_SIGNED = 1'b0,  // elements are two's complement
  parameter  int unsigned W_W       = 4,  // bits per weight
  parameter  bit          W_SIGNED  = 1'b1,  // weights are two's complement ("and")
  parameter  int unsigned ACC_W     = 11,  // bits per result; sums are modulo 2**ACC_W
  parameter  bit          RUN_TIME  = 1'b0,  // fewer bits by s_knobs, which is else not looked at
  parameter  int unsigned KNOB_W    = 3,  // bits of one knob
  parameter  int unsigned VECTORS   = 1,  // vectors per frame, lane and group (RUN_TIME)
  parameter  string       INIT_FILE = "",  // weights
  parameter  string       ROM_STYLE = "auto",  // see bm_rom
  parameter  string       RAM_STYLE = "auto",  // the planes of the elements, see bm_planes
  parameter  int unsigned STAGES    = 0,  // registers inside each popcount
  parameter  string       TARGET    = "generic"  // see bm_xnor_popcount
) (
  input  wire logic                       clk,
  input  wire logic                       rst,

  input  wire logic [LANES*TAKE*IN_W-1:0] s_axis_tdata,
  input  wire logic                       s_axis_tvalid,
  output wire logic                       s_axis_tready,

  input  wire logic [       2*KNOB_W-1:0] s_knobs_tdata,  // {abits, wbits}, a beat a frame
  input  wire logic                       s_knobs_tvalid,
  output wire logic                       s_knobs_tready,

  output wire logic [ LANES*PE*ACC_W-1:0] m_axis_tdata,
  output wire logic                       m_axis_tvalid,
  input  wire logic                       m_axis_tready
);

  localparam int unsigned SF       = MW / SIMD;
  localparam int unsigned NF       = MH / PE;
  localparam int unsigned WIDTH    = DEPTHWISE ? PE * SIMD : SIMD;
  localparam int unsigned W_WORDS  = GROUPS * NF * W_W * SF;
  localparam int unsigned W_ADDR_W = (W_WORDS > 1) ? $clog2(W_WORDS) : 1;
  localparam int unsigned SHIFT_W  = (W_W + IN_W > 2) ? $clog2(W_W + IN_W - 1) : 1;
  localparam int unsigned COUNT_W  = $clog2(SIMD + 1);
  localparam int unsigned PAIR_W   = $clog2(MW + 1);
  localparam bit          SELECT   = PRODUCT == "select";
  // 2*s modulo 2**ACC_W needs only the lower bits of s.
  localparam int unsigned SUM_W    = SELECT ? ACC_W - 1 : ACC_W;
  // Which planes are negative: none of bits that are compared, and no codes of -1 and +1.
  localparam bit          W_MINUS  = W_SIGNED && PRODUCT == "and";
  localparam bit          IN_MINUS = IN_SIGNED && PRODUCT != "xnor";
  localparam string       OP       = (PRODUCT == "xnor") ? "xnor" : "and";

  if (MW % SIMD != 0) begin : gen_reject_partial_input
    $error("bm_mvu_bitserial: MW (%0d) must be a multiple of SIMD (%0d)", MW, SIMD);
  end
  if (MH % PE != 0) begin : gen_reject_partial_output
    $error("bm_mvu_bitserial: MH (%0d) must be a multiple of PE (%0d)", MH, PE);
  end
  if (DEPTHWISE && MH != PE) begin : gen_reject_rows
    $error("bm_mvu_bitserial: with DEPTHWISE, MH (%0d) must be PE (%0d)", MH, PE);
  end
  if (PRODUCT != "and" && PRODUCT != "select" && PRODUCT != "xnor") begin : gen_reject_product
    $error("bm_mvu_bitserial: PRODUCT must be and, select or xnor, not %s", PRODUCT);
  end
  if (PRODUCT != "and" && W_W != 1) begin : gen_reject_weights
    $error("bm_mvu_bitserial: PRODUCT %s takes weights of 1 bit, not %0d", PRODUCT, W_W);
  end
  if (PRODUCT == "xnor" && IN_W != 1) begin : gen_reject_inputs
    $error("bm_mvu_bitserial: PRODUCT xnor takes inputs of 1 bit, not %0d", IN_W);
  end
  if (SELECT && ACC_W < 2) begin : gen_reject_accumulator
    $error("bm_mvu_bitserial: PRODUCT select needs results of 2 bits or more, not %0d", ACC_W);
  end

  // Everything from here to the output register moves by this one enable.
  logic en;

  logic [LANES*WIDTH-1:0] xs;
  logic [PE*SIMD-1:0] weights;
  logic [W_ADDR_W-1:0] w_addr;
  logic fetch, x_valid;
  logic x_word_first, x_word_last, x_pair_first, x_pair_last, x_doubles, x_negative;
  logic [SHIFT_W-1:0] x_shift;

  bm_planes #(
    .LANES(LANES),
    .WIDTH(WIDTH),
    .TAKE(TAKE),
    .WORDS(SF),
    .ROWS(NF),
    .GROUPS(GROUPS),
    .VECTORS(VECTORS),
    .IN_W(IN_W),
    .IN_SIGNED(IN_MINUS),
    .W_W(W_W),
    .W_SIGNED(W_MINUS),
    .RUN_TIME(RUN_TIME),
    .KNOB_W(KNOB_W),
    .RAM_STYLE(RAM_STYLE)
  ) u_planes (
    .clk,
    .rst,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .s_knobs_tdata,
    .s_knobs_tvalid,
    .s_knobs_tready,
    .fetch,
    .w_addr,
    .m_axis_tdata(xs),
    .m_axis_tvalid(x_valid),
    .m_axis_tready(en),
    .word_first(x_word_first),
    .word_last(x_word_last),
    .pair_first(x_pair_first),
    .pair_last(x_pair_last),
    .doubles(x_doubles),
    .negative(x_negative),
    .shift(x_shift)
  );

  bm_rom #(
    .WIDTH(PE * SIMD),
    .DEPTH(W_WORDS),
    .INIT_FILE(INIT_FILE),
    .STYLE(ROM_STYLE)
  ) u_weights (
    .clk,
    .en(fetch),
    .addr(w_addr),
    .data(weights)
  );

  // What the counts are, delayed with them.
  logic count_valid, count_first, count_last;
  logic count_pair_first, count_pair_last, count_doubles, count_negative;
  logic [SHIFT_W-1:0] count_shift;

  if (STAGES == 0) begin : gen_at_once
    assign count_valid = x_valid;
  end else begin : gen_stages
    logic [STAGES-1:0] valid_q;

    assign count_valid = valid_q[STAGES-1];

    always_ff @(posedge clk) begin
      if (en) valid_q <= STAGES'({valid_q, x_valid});
      if (rst) valid_q <= '0;
    end
  end

  bm_delay #(
    .WIDTH(SHIFT_W + 6),
    .CYCLES(STAGES)
  ) u_place (
    .clk,
    .en,
    .d({x_shift, x_negative, x_doubles, x_pair_last, x_pair_first, x_word_last, x_word_first}),
    .q({
      count_shift, count_negative, count_doubles,
      count_pair_last, count_pair_first, count_last, count_first
    })
  );

  // And what the pairs are, whose counts are summed first where there are several.
  logic pair_valid, pair_first, pair_last, doubles, negative;
  logic [SHIFT_W-1:0] pair_shift;

  if (SF == 1) begin : gen_one_count
    logic unused;
    assign unused = &{1'b0, count_last};
    assign pair_valid = count_valid;
    assign {pair_shift, negative, doubles, pair_last, pair_first} = {
      count_shift, count_negative, count_doubles, count_pair_last, count_pair_first
    };
  end else begin : gen_counts
    logic valid_q;

    assign pair_valid = valid_q;

    always_ff @(posedge clk) begin
      if (en) valid_q <= count_valid && count_last;
      if (rst) valid_q <= 1'b0;
    end

    bm_delay #(
      .WIDTH(SHIFT_W + 4),
      .CYCLES(1)
    ) u_place (
      .clk,
      .en,
      .d({count_shift, count_negative, count_doubles, count_pair_last, count_pair_first}),
      .q({pair_shift, negative, doubles, pair_last, pair_first})
    );
  end

  // What a smaller precision leaves out is made up for in two parts: the pairs count up to 8 times,
  // and the sum of them is shifted by a multiple of 4.
  localparam int unsigned FOURS_W = (SHIFT_W > 2) ? SHIFT_W - 2 : 1;

  logic row_ends_q;
  logic [1:0] scale;
  logic [FOURS_W-1:0] fours, fours_q;

  assign {fours, scale} = (FOURS_W + 2)'(pair_shift);

  logic [LANES*PE*ACC_W-1:0] out_d, out_q;
  logic out_valid_q;

  assign en            = m_axis_tready || !out_valid_q;
  assign m_axis_tvalid = out_valid_q;
  assign m_axis_tdata  = out_q;

  always_ff @(posedge clk) begin
    if (en) begin
      row_ends_q  <= pair_valid && pair_last;
      fours_q     <= fours;
      out_valid_q <= row_ends_q;
      if (row_ends_q) out_q <= out_d;
    end
    if (rst) begin
      row_ends_q  <= 1'b0;
      out_valid_q <= 1'b0;
    end
  end

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    // The sum of all inputs is made once, and shared by the neurons that see them.
    localparam int unsigned TOTALS = !SELECT ? 0 : DEPTHWISE ? PE : 1;

    logic [PE*SIMD-1:0] x;  // by neuron

    for (genvar pe = 0; pe < PE; pe++) begin : gen_elements
      if (DEPTHWISE) begin : gen_own
        for (genvar t = 0; t < SIMD; t++) begin : gen_tap
          assign x[pe*SIMD+t] = xs[lane*WIDTH+t*PE+pe];
        end
      end else begin : gen_shared
        assign x[pe*SIMD+:SIMD] = xs[lane*WIDTH+:SIMD];
      end
    end

    for (genvar i = 0; i < TOTALS; i++) begin : gen_total
      logic [COUNT_W-1:0] count;
      logic [ACC_W-1:0] sum;

      bm_xnor_popcount #(
        .N(SIMD),
        .STAGES(STAGES),
        .OP("and"),
        .TARGET(TARGET)
      ) u_popcount (
        .clk,
        .en,
        .w('1),
        .x(x[i*SIMD+:SIMD]),
        .count
      );

      bm_plane_sum #(
        .COUNT_W(COUNT_W),
        .PAIR_W(PAIR_W),
        .BEATS(SF),
        .SIGNED(IN_MINUS),
        .SUM_W(ACC_W)
      ) u_sum (
        .clk,
        .en,
        .count,
        .count_valid,
        .count_first,
        .pair_valid,
        .pair_first,
        .doubles,
        .negative,
        .scale,
        .sum
      );
    end

    for (genvar pe = 0; pe < PE; pe++) begin : gen_pe
      logic [COUNT_W-1:0] count;
      logic [SUM_W-1:0] sum;
      logic [ACC_W-1:0] product;

      bm_xnor_popcount #(
        .N(SIMD),
        .STAGES(STAGES),
        .OP(OP),
        .TARGET(TARGET)
      ) u_popcount (
        .clk,
        .en,
        .w(weights[pe*SIMD+:SIMD]),
        .x(x[pe*SIMD+:SIMD]),
        .count
      );

      bm_plane_sum #(
        .COUNT_W(COUNT_W),
        .PAIR_W(PAIR_W),
        .BEATS(SF),
        .SIGNED(IN_MINUS || W_MINUS),
        .SUM_W(SUM_W)
      ) u_sum (
        .clk,
        .en,
        .count,
        .count_valid,
        .count_first,
        .pair_valid,
        .pair_first,
        .doubles,
        .negative,
        .scale,
        .sum
      );

      if (SELECT) begin : gen_difference
        assign product = {sum, 1'b0} - gen_total[DEPTHWISE ? pe : 0].sum;
      end else begin : gen_product
        assign product = sum;
      end
      assign out_d[(lane*PE+pe)*ACC_W+:ACC_W] = product << {fours_q, 2'b00};
    end
  end

`ifndef SYNTHESIS
  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
