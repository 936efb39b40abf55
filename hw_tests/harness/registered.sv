// SPDX-License-Identifier: Apache-2.0
//
// registered: adds a register to every byte that passes, and checks that the harness keeps the
// contract of AXI4-Lite and writes between frames only.
//
// Address 0 is the register, 4 counts the writes taken; 8 takes an access and never answers it; all
// others answer SLVERR. Each channel is ready in some cycles only.

`default_nettype none

module registered #(
  localparam int unsigned BEATS = 3
) (
  input  wire logic        clk,
  input  wire logic        rst,

  input  wire logic [ 3:0] s_axil_awaddr,
  input  wire logic [ 2:0] s_axil_awprot,
  input  wire logic        s_axil_awvalid,
  output wire logic        s_axil_awready,
  input  wire logic [31:0] s_axil_wdata,
  input  wire logic [ 3:0] s_axil_wstrb,
  input  wire logic        s_axil_wvalid,
  output wire logic        s_axil_wready,
  output wire logic [ 1:0] s_axil_bresp,
  output wire logic        s_axil_bvalid,
  input  wire logic        s_axil_bready,
  input  wire logic [ 3:0] s_axil_araddr,
  input  wire logic [ 2:0] s_axil_arprot,
  input  wire logic        s_axil_arvalid,
  output wire logic        s_axil_arready,
  output wire logic [31:0] s_axil_rdata,
  output wire logic [ 1:0] s_axil_rresp,
  output wire logic        s_axil_rvalid,
  input  wire logic        s_axil_rready,

  input  wire logic [ 7:0] s_axis_tdata,
  input  wire logic        s_axis_tvalid,
  output wire logic        s_axis_tready,
  input  wire logic        s_axis_tlast,

  output wire logic [ 7:0] m_axis_tdata,
  output wire logic        m_axis_tvalid,
  input  wire logic        m_axis_tready,
  output wire logic        m_axis_tlast,

  output wire logic        frame_error
);

  logic [31:0] added_q, count_q, wdata_q, rdata_q;
  logic [3:0] awaddr_q;
  logic [2:0] phase_q;
  logic [1:0] beat_q, bresp_q, rresp_q;
  logic aw_q, w_q, b_q, r_q;

  assign s_axil_awready = !aw_q && !b_q && phase_q[0];
  assign s_axil_wready  = !w_q && !b_q && phase_q[1];
  assign s_axil_arready = !r_q && phase_q[2];
  assign s_axil_bvalid  = b_q;
  assign s_axil_bresp   = bresp_q;
  assign s_axil_rvalid  = r_q;
  assign s_axil_rresp   = rresp_q;
  assign s_axil_rdata   = rdata_q;

  assign s_axis_tready = m_axis_tready;
  assign m_axis_tvalid = s_axis_tvalid;
  assign m_axis_tlast  = s_axis_tlast;
  assign m_axis_tdata  = s_axis_tdata + added_q[7:0];
  assign frame_error   = 1'b0;

  always_ff @(posedge clk) begin
    phase_q <= phase_q + 1'b1;
    if (s_axil_awvalid && s_axil_awready) begin
      aw_q     <= 1'b1;
      awaddr_q <= s_axil_awaddr;
    end
    if (s_axil_wvalid && s_axil_wready) begin
      w_q     <= 1'b1;
      wdata_q <= s_axil_wdata;
    end
    if (aw_q && w_q && awaddr_q != 4'h8) begin
      {aw_q, w_q, b_q} <= 3'b001;
      bresp_q <= (awaddr_q == 4'h0) ? 2'b00 : 2'b10;
      count_q <= count_q + 1'b1;
      if (awaddr_q == 4'h0) added_q <= wdata_q;
    end
    if (s_axil_bvalid && s_axil_bready) b_q <= 1'b0;
    if (s_axil_arvalid && s_axil_arready) begin
      r_q     <= s_axil_araddr != 4'h8;
      rresp_q <= (s_axil_araddr[3] || s_axil_araddr[1:0] != '0) ? 2'b10 : 2'b00;
      rdata_q <= s_axil_araddr[2] ? count_q : added_q;
    end
    if (s_axil_rvalid && s_axil_rready) r_q <= 1'b0;
    if (s_axis_tvalid && s_axis_tready) beat_q <= (beat_q == BEATS - 1) ? '0 : beat_q + 1'b1;
    if (rst) begin
      {aw_q, w_q, b_q, r_q} <= '0;
      phase_q <= '0;
      beat_q  <= '0;
      added_q <= '0;
      count_q <= '0;
    end
  end

`ifndef SYNTHESIS
  // What a channel offers stays until it is taken.
  s_axil_aw_holds_a: assert property (@(posedge clk) disable iff (rst)
    s_axil_awvalid && !s_axil_awready |=> s_axil_awvalid && $stable({s_axil_awaddr, s_axil_awprot}));
  s_axil_w_holds_a: assert property (@(posedge clk) disable iff (rst)
    s_axil_wvalid && !s_axil_wready |=> s_axil_wvalid && $stable({s_axil_wdata, s_axil_wstrb}));
  s_axil_ar_holds_a: assert property (@(posedge clk) disable iff (rst)
    s_axil_arvalid && !s_axil_arready |=> s_axil_arvalid && $stable({s_axil_araddr, s_axil_arprot}));
  // Nothing is written inside a frame, and no frame is offered while a write goes on.
  writes_between_frames_a: assert property (@(posedge clk) disable iff (rst)
    s_axil_awvalid || s_axil_wvalid || aw_q || w_q || b_q |-> beat_q == '0 && !s_axis_tvalid);
  whole_words_a: assert property (@(posedge clk) disable iff (rst)
    s_axil_wvalid |-> s_axil_wstrb == '1);
`endif

endmodule

`default_nettype wire
