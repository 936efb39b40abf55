// SPDX-License-Identifier: Apache-2.0
//
// bm_replay: takes frames of LENGTH beats and sends each of them REPEATS times.
//
// Golden model: numpy.tile(frame, REPEATS) for each frame. Throughput: 1 output beat per cycle,
// no bubble between passes and frames while data is there: the memory holds two frames, and the
// first pass follows the input beat by beat.
// Latency: 2 cycles (1 when REPEATS == 1, which is a bm_skid). s_axis_tready is a register.

`default_nettype none

module bm_replay #(
  parameter int unsigned WIDTH   = 8,  // bits per beat
  parameter int unsigned LENGTH  = 4,  // beats per frame
  parameter int unsigned REPEATS = 2,  // times that each frame is sent
  parameter string       STYLE   = "auto"  // memory: "auto", "distributed" or "block"
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [WIDTH-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output wire logic             s_axis_tready,

  output wire logic [WIDTH-1:0] m_axis_tdata,
  output wire logic             m_axis_tvalid,
  input  wire logic             m_axis_tready
);

  if (LENGTH < 1 || REPEATS < 1) begin : gen_reject_empty
    $error("bm_replay: LENGTH (%0d) and REPEATS (%0d) must be 1 or more", LENGTH, REPEATS);
  end
  if (STYLE != "auto" && STYLE != "distributed" && STYLE != "block") begin : gen_reject_style
    $error("bm_replay: STYLE must be auto, distributed or block, not %s", STYLE);
  end

  if (REPEATS == 1) begin : gen_once
    bm_skid #(
      .WIDTH(WIDTH)
    ) u_skid (
      .clk,
      .rst,
      .s_axis_tdata,
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tdata,
      .m_axis_tvalid,
      .m_axis_tready
    );
  end else begin : gen_memory
    localparam int unsigned WORDS   = 2 * LENGTH;
    localparam int unsigned ADDR_W  = $clog2(WORDS);
    localparam int unsigned LEVEL_W = $clog2(WORDS + 1);
    localparam int unsigned PASS_W  = $clog2(REPEATS);

    (* ram_style = STYLE *)
    logic [WIDTH-1:0] words[WORDS];
    logic [WIDTH-1:0] data_q;
    logic valid_q, ready_q;

    logic [ADDR_W-1:0] write_addr_q, read_addr_q;
    logic second_q;  // the frame being sent lies in the second half
    logic [PASS_W-1:0] pass_q;
    logic [LEVEL_W-1:0] index_q;  // next beat to send, within the frame
    logic [LEVEL_W-1:0] level_d, level_q;  // beats stored from the start of that frame

    logic push, fetch, pass_ends, frame_ends;

    assign s_axis_tready = ready_q;
    assign m_axis_tvalid = valid_q;
    assign m_axis_tdata  = data_q;

    assign push       = s_axis_tvalid && ready_q;
    assign fetch      = index_q < level_q && (m_axis_tready || !valid_q);
    assign pass_ends  = fetch && index_q == LEVEL_W'(LENGTH - 1);
    assign frame_ends = pass_ends && pass_q == PASS_W'(REPEATS - 1);
    assign level_d    = level_q + LEVEL_W'(push) - (frame_ends ? LEVEL_W'(LENGTH) : '0);

    always_ff @(posedge clk) begin
      if (push) words[write_addr_q] <= s_axis_tdata;
      if (fetch) data_q <= words[read_addr_q];
    end

    always_ff @(posedge clk) begin
      level_q <= level_d;
      ready_q <= level_d != LEVEL_W'(WORDS);
      if (push) begin
        write_addr_q <= (write_addr_q == ADDR_W'(WORDS - 1)) ? '0 : write_addr_q + 1'b1;
      end
      if (m_axis_tready || !valid_q) valid_q <= fetch;
      if (fetch) begin
        index_q     <= index_q + 1'b1;
        read_addr_q <= read_addr_q + 1'b1;
      end
      if (pass_ends) begin
        index_q     <= '0;
        pass_q      <= frame_ends ? '0 : pass_q + 1'b1;
        second_q    <= second_q ^ frame_ends;
        read_addr_q <= (second_q ^ frame_ends) ? ADDR_W'(LENGTH) : '0;
      end
      if (rst) begin
        level_q      <= '0;
        ready_q      <= 1'b1;
        valid_q      <= 1'b0;
        write_addr_q <= '0;
        read_addr_q  <= '0;
        second_q     <= 1'b0;
        pass_q       <= '0;
        index_q      <= '0;
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
