// SPDX-License-Identifier: Apache-2.0
//
// pipeline: hands beats through three registers, and checks that the harness keeps the contract.

`default_nettype none

module pipeline #(
  localparam int unsigned DATA_W = 8,
  localparam int unsigned STAGES = 3
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [DATA_W-1:0] s_axis_tdata,
  input  wire logic              s_axis_tvalid,
  output wire logic              s_axis_tready,
  input  wire logic              s_axis_tlast,

  output wire logic [DATA_W-1:0] m_axis_tdata,
  output wire logic              m_axis_tvalid,
  input  wire logic              m_axis_tready,
  output wire logic              m_axis_tlast,

  output wire logic              frame_error
);

  logic [DATA_W:0] stage_q[STAGES];
  logic [STAGES-1:0] valid_q;
  logic [STAGES-1:0] moves;

  always_comb begin
    moves[STAGES-1] = m_axis_tready || !valid_q[STAGES-1];
    for (int stage = STAGES - 2; stage >= 0; stage--) begin
      moves[stage] = moves[stage+1] || !valid_q[stage];
    end
  end

  assign s_axis_tready = moves[0];
  assign m_axis_tvalid = valid_q[STAGES-1];
  assign {m_axis_tlast, m_axis_tdata} = stage_q[STAGES-1];
  assign frame_error = 1'b0;

  always_ff @(posedge clk) begin
    for (int stage = 0; stage < STAGES; stage++) begin
      if (moves[stage]) begin
        valid_q[stage] <= stage == 0 ? s_axis_tvalid : valid_q[(stage+STAGES-1)%STAGES];
        stage_q[stage] <= stage == 0 ? {s_axis_tlast, s_axis_tdata}
                                     : stage_q[(stage+STAGES-1)%STAGES];
      end
    end
    if (rst) valid_q <= '0;
  end

`ifndef SYNTHESIS
  // The claim is about the harness: once valid, an offered beat stays until it is taken.
  s_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    s_axis_tvalid && !s_axis_tready |=>
      s_axis_tvalid && $stable(s_axis_tdata) && $stable(s_axis_tlast));
`endif

endmodule

`default_nettype wire
