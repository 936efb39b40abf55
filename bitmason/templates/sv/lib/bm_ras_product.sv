// SPDX-License-Identifier: Apache-2.0
//
// bm_ras_product: the product of an element and one of a few constants.
//
// Golden model: x * values[code]; a code without a value gives that of another one.
// Throughput: combinational. Latency: 0 cycles. No stream ports.

`default_nettype none

module bm_ras_product #(
  parameter  int unsigned              IN_W      = 4,  // bits per element
  parameter  bit                       IN_SIGNED = 1'b0,  // elements are two's complement
  parameter  int unsigned              CLASSES   = 2,  // constants, from 1 to 8
  parameter  int unsigned              VALUE_W   = 4,  // bits of each, two's complement
  parameter  bit [CLASSES*VALUE_W-1:0] VALUES    = 8'h3B,  // that of code 0 lowest
  localparam int unsigned              CODE_W    = (CLASSES > 1) ? $clog2(CLASSES) : 1,
  localparam int unsigned              OUT_W     = IN_W + VALUE_W
) (
  input  wire logic [  IN_W-1:0] x,
  input  wire logic [CODE_W-1:0] code,
  output wire logic [ OUT_W-1:0] product  // two's complement
);

  // Choosing among products is less logic than a product with what was chosen where there are few
  // of them, or where all bits fit a few look-up tables.
  localparam bit CHOOSES = CLASSES <= 2 || IN_W + CODE_W <= 5;

  // The extra bit makes unsigned elements non-negative signed ones.
  logic signed [IN_W:0] factor;
  assign factor = {IN_SIGNED && x[IN_W-1], x};

  if (CHOOSES) begin : gen_choose
    logic [OUT_W-1:0] products[2**CODE_W];

    for (genvar i = 0; i < 2 ** CODE_W; i++) begin : gen_product
      localparam bit signed [VALUE_W-1:0] VALUE = VALUES[(i%CLASSES)*VALUE_W+:VALUE_W];
      (* use_dsp = "no" *)
      logic signed [OUT_W-1:0] multiple;
      assign multiple    = OUT_W'(factor) * OUT_W'(VALUE);
      assign products[i] = multiple;
    end

    assign product = products[code];
  end else begin : gen_multiply
    logic signed [VALUE_W-1:0] values[2**CODE_W];
    (* use_dsp = "no" *)
    logic signed [OUT_W-1:0] multiple;

    for (genvar i = 0; i < 2 ** CODE_W; i++) begin : gen_value
      assign values[i] = VALUES[(i%CLASSES)*VALUE_W+:VALUE_W];
    end

    assign multiple = OUT_W'(factor) * OUT_W'(values[code]);
    assign product  = multiple;
  end

endmodule

`default_nettype wire
