// SPDX-License-Identifier: Apache-2.0
//
// bm_fifo: a first-in first-out queue that holds exactly DEPTH beats, output register included.
//
// Golden model: the identity. Throughput: 1 beat per cycle, at any fill.
// Latency when empty: 1 cycle ("shift", "distributed"), 3 cycles ("block").
// s_axis_tready is a register. A "block" queue of fewer than 4 beats is built as "distributed":
// a beat needs 3 cycles through the memory, so it could not reach 1 beat per cycle.

`default_nettype none

module bm_fifo #(
  parameter  int unsigned WIDTH   = 8,  // bits per beat
  parameter  int unsigned DEPTH   = 16,  // beats, 2 or more, not only powers of two
  parameter  string       STYLE   = "shift",  // "shift", "distributed" or "block"
  localparam int unsigned COUNT_W = $clog2(DEPTH + 1)
) (
  input  wire logic               clk,
  input  wire logic               rst,

  input  wire logic [  WIDTH-1:0] s_axis_tdata,
  input  wire logic               s_axis_tvalid,
  output wire logic               s_axis_tready,

  output wire logic [  WIDTH-1:0] m_axis_tdata,
  output wire logic               m_axis_tvalid,
  input  wire logic               m_axis_tready,

  output wire logic [COUNT_W-1:0] count  // beats held
);

  if (DEPTH < 2) begin : gen_reject_depth
    $error("bm_fifo: DEPTH (%0d) must be 2 or more; bm_skid is the smallest queue", DEPTH);
  end
  if (STYLE != "shift" && STYLE != "distributed" && STYLE != "block") begin : gen_reject_style
    $error("bm_fifo: STYLE must be shift, distributed or block, not %s", STYLE);
  end

  logic [COUNT_W-1:0] count_d, count_q;
  logic ready_q;
  logic push, take;

  logic [WIDTH-1:0] data_q;
  logic valid_q;

  assign s_axis_tready = ready_q;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;
  assign count         = count_q;

  assign push = s_axis_tvalid && ready_q;
  assign take = m_axis_tready || !valid_q;  // the output register may be loaded
  assign count_d = count_q + COUNT_W'(push) - COUNT_W'(valid_q && m_axis_tready);

  always_ff @(posedge clk) begin
    count_q <= count_d;
    ready_q <= count_d != COUNT_W'(DEPTH);
    if (rst) begin
      count_q <= '0;
      ready_q <= 1'b1;
    end
  end

  if (STYLE == "block" && DEPTH >= 4) begin : gen_block
    // Memory -> its read register -> output register. The two registers refill in the cycle in
    // which they empty, so at most DEPTH - 2 beats wait in the memory.
    localparam int unsigned WORDS  = DEPTH - 2;
    localparam int unsigned ADDR_W = (WORDS > 1) ? $clog2(WORDS) : 1;
    localparam int unsigned WAIT_W = $clog2(WORDS + 1);

    (* ram_style = "block" *)
    logic [WIDTH-1:0] words[WORDS];
    logic [WIDTH-1:0] read_q;
    logic read_valid_q;
    logic [ADDR_W-1:0] write_addr_q, read_addr_q;
    logic [WAIT_W-1:0] waiting_q;
    logic fetch;

    assign fetch = waiting_q != '0 && (take || !read_valid_q);

    always_ff @(posedge clk) begin
      if (push) words[write_addr_q] <= s_axis_tdata;
      if (fetch) read_q <= words[read_addr_q];
    end

    always_ff @(posedge clk) begin
      if (push) begin
        write_addr_q <= (write_addr_q == ADDR_W'(WORDS - 1)) ? '0 : write_addr_q + 1'b1;
      end
      if (fetch) begin
        read_addr_q <= (read_addr_q == ADDR_W'(WORDS - 1)) ? '0 : read_addr_q + 1'b1;
      end
      waiting_q <= waiting_q + WAIT_W'(push) - WAIT_W'(fetch);
      if (take) begin
        data_q  <= read_q;
        valid_q <= read_valid_q;
      end
      read_valid_q <= fetch || (read_valid_q && !take);
      if (rst) begin
        write_addr_q <= '0;
        read_addr_q  <= '0;
        waiting_q    <= '0;
        read_valid_q <= 1'b0;
        valid_q      <= 1'b0;
      end
    end

`ifndef SYNTHESIS
    memory_never_overflows_a: assert property (@(posedge clk) disable iff (rst)
      push && !fetch |-> waiting_q != WAIT_W'(WORDS));
`endif
  end else begin : gen_small
    // A beat goes straight to the output register when nothing waits, otherwise into the memory.
    localparam int unsigned WORDS  = DEPTH - 1;
    localparam int unsigned ADDR_W = (WORDS > 1) ? $clog2(WORDS) : 1;

    logic [WIDTH-1:0] oldest;
    logic waiting, store, fetch;

    assign waiting = count_q != COUNT_W'(valid_q);
    assign fetch   = take && waiting;
    assign store   = push && !(take && !waiting);

    always_ff @(posedge clk) begin
      if (take) begin
        data_q  <= waiting ? oldest : s_axis_tdata;
        valid_q <= waiting || push;
      end
      if (rst) valid_q <= 1'b0;
    end

    if (STYLE == "shift") begin : gen_shift
      // One shift register per bit, read by a part select: in this form yosys finds SRLs as well.
      logic [ADDR_W-1:0] oldest_addr_q;  // meaningful while something waits

      for (genvar i = 0; i < WIDTH; i++) begin : gen_bit
        (* srl_style = "srl" *)
        logic [WORDS-1:0] bits_q;

        assign oldest[i] = bits_q[oldest_addr_q+:1];

        always_ff @(posedge clk) begin
          if (store) bits_q <= WORDS'({bits_q, s_axis_tdata[i]});
        end
      end

      always_ff @(posedge clk) begin
        oldest_addr_q <= oldest_addr_q + ADDR_W'(store) - ADDR_W'(fetch);
        if (rst) oldest_addr_q <= '1;  // one before the first word
      end
    end else begin : gen_distributed
      (* ram_style = "distributed" *)
      logic [WIDTH-1:0] words[WORDS];
      logic [ADDR_W-1:0] write_addr_q, read_addr_q;

      assign oldest = words[read_addr_q];

      always_ff @(posedge clk) begin
        if (store) words[write_addr_q] <= s_axis_tdata;
      end

      always_ff @(posedge clk) begin
        if (store) begin
          write_addr_q <= (write_addr_q == ADDR_W'(WORDS - 1)) ? '0 : write_addr_q + 1'b1;
        end
        if (fetch) begin
          read_addr_q <= (read_addr_q == ADDR_W'(WORDS - 1)) ? '0 : read_addr_q + 1'b1;
        end
        if (rst) begin
          write_addr_q <= '0;
          read_addr_q  <= '0;
        end
      end
    end
  end

`ifndef SYNTHESIS
  logic [COUNT_W-1:0] high_water_q;  // most beats ever held, for benches

  always_ff @(posedge clk) begin
    if (count_d > high_water_q) high_water_q <= count_d;
    if (rst) high_water_q <= '0;
  end

`ifdef BM_REPORT_PEAKS
  final $display("peak %m %0d", high_water_q);
`endif

  count_in_range_a: assert property (@(posedge clk) disable iff (rst) count_q <= COUNT_W'(DEPTH));

  // AXI4-Stream: once valid, an offered beat stays until it is taken.
  m_axis_holds_a: assert property (@(posedge clk) disable iff (rst)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(m_axis_tdata));
`endif

endmodule

`default_nettype wire
