// SPDX-License-Identifier: Apache-2.0
//
// bm_beat_place: which beats begin and end a group of BEATS, told when their data leave a pipeline.
//
// Golden model: beat i is first where i % BEATS == 0 and last where i % BEATS == BEATS - 1.
// Throughput: 1 beat per enabled cycle. Latency: STAGES enabled cycles. No stream ports.

`default_nettype none

module bm_beat_place #(
  parameter int unsigned BEATS  = 4,  // beats per group
  parameter int unsigned STAGES = 0  // registers of the pipeline beside it
) (
  input  wire logic clk,
  input  wire logic rst,
  input  wire logic en,

  input  wire logic valid,  // a beat enters the pipeline
  output wire logic out_valid,  // a beat leaves it
  output wire logic out_first,
  output wire logic out_last
);

  localparam int unsigned INDEX_W = (BEATS > 1) ? $clog2(BEATS) : 1;

  if (BEATS < 1) begin : gen_reject_empty
    $error("bm_beat_place: BEATS (%0d) must be 1 or more", BEATS);
  end

  logic [INDEX_W-1:0] index_q;
  logic first, last;

  assign first = index_q == '0;
  assign last  = index_q == INDEX_W'(BEATS - 1);

  always_ff @(posedge clk) begin
    if (en && valid) index_q <= last ? '0 : index_q + 1'b1;
    if (rst) index_q <= '0;
  end

  if (STAGES == 0) begin : gen_at_once
    assign out_valid = valid;
  end else begin : gen_pipeline
    logic [STAGES-1:0] valid_q;

    assign out_valid = valid_q[STAGES-1];

    always_ff @(posedge clk) begin
      if (en) valid_q <= STAGES'({valid_q, valid});
      if (rst) valid_q <= '0;
    end
  end

  bm_delay #(
    .WIDTH(2),
    .CYCLES(STAGES)
  ) u_place (
    .clk,
    .en,
    .d({first, last}),
    .q({out_first, out_last})
  );

endmodule

`default_nettype wire
