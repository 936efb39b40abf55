// SPDX-License-Identifier: Apache-2.0
//
// bm_compressor_tree: the sum of many single bits of different weights.
//
// Golden model: sum = (over all bits, 2**column of the bit), modulo 2**COLUMNS.
// Throughput: 1 sum per enabled cycle. Latency: STAGES enabled cycles.
//
// Level by level, counters replace up to 7 bits of a column by 3 bits in this and the next two
// columns, until two rows are left (and a third bit in the lowest column), which one adder sums.
// The registers stand where they cut the levels, and the ENTRY_LEVELS of logic in front of the
// bits, into STAGES + 1 parts as equal as can be.

`default_nettype none

module bm_compressor_tree #(
  parameter int unsigned COLUMNS = 4,  // bits of the sum
  parameter int unsigned BITS = 12,  // bits to add, the sum of HEIGHTS
  // How many of the bits have weight 2**c, in 16 bits each, column 0 in the least significant ones.
  parameter logic [COLUMNS*16-1:0] HEIGHTS = {16'd0, 16'd0, 16'd5, 16'd7},
  parameter int unsigned ENTRY_LEVELS = 0,  // levels of logic in front of the bits
  parameter int unsigned STAGES = 0,  // registers from the bits to the sum
  parameter string TARGET = "generic"  // see bm_bit_counter
) (
  input  wire logic               clk,
  input  wire logic               en,
  input  wire logic [   BITS-1:0] bits,  // column 0 in the least significant ones
  output wire logic [COLUMNS-1:0] sum
);

  localparam int unsigned GROUP = 7;  // most inputs of a counter

  typedef logic [COLUMNS*16-1:0] heights_t;

  function automatic int unsigned height(heights_t heights, int unsigned column);
    return 32'(heights[column*16+:16]);
  endfunction

  // Where the bits of a column start; offset(heights, COLUMNS) is the number of all bits.
  function automatic int unsigned offset(heights_t heights, int unsigned column);
    offset = 0;
    for (int unsigned c = 0; c < column; c++) offset += height(heights, c);
  endfunction

  function automatic int unsigned wide(int unsigned bit_count);  // counters with 3 outputs
    return bit_count / GROUP + ((bit_count % GROUP >= 5) ? 1 : 0);
  endfunction

  function automatic int unsigned narrow(int unsigned bit_count);  // full adders
    return (bit_count % GROUP == 3 || bit_count % GROUP == 4) ? 1 : 0;
  endfunction

  function automatic int unsigned passed(int unsigned bit_count);  // bits that no counter takes
    return (bit_count % GROUP >= 5) ? 0 : bit_count % GROUP % 3;
  endfunction

  function automatic heights_t compressed(heights_t heights);
    compressed = '0;
    for (int unsigned c = 0; c < COLUMNS; c++) begin
      int unsigned own;
      own = height(heights, c);
      own = wide(own) + narrow(own) + passed(own);
      if (c >= 1) own += wide(height(heights, c - 1)) + narrow(height(heights, c - 1));
      if (c >= 2) own += wide(height(heights, c - 2));
      compressed[c*16+:16] = 16'(own);
    end
  endfunction

  // The lowest column with more than one bit, where the final adder starts.
  function automatic int unsigned lowest(heights_t heights);
    lowest = 0;
    while (lowest < COLUMNS && height(heights, lowest) < 2) lowest++;
  endfunction

  function automatic bit is_final(heights_t heights);
    is_final = 1'b1;
    for (int unsigned c = 0; c < COLUMNS; c++) begin
      if (height(heights, c) > ((c == lowest(heights)) ? 3 : 2)) is_final = 1'b0;
    end
  endfunction

  function automatic heights_t heights_at(int unsigned level);
    heights_at = HEIGHTS;
    for (int unsigned i = 0; i < level; i++) heights_at = compressed(heights_at);
  endfunction

  function automatic int unsigned counter_levels();
    heights_t heights;
    heights = HEIGHTS;
    counter_levels = 0;
    while (!is_final(heights)) begin
      heights = compressed(heights);
      counter_levels++;
    end
  endfunction

  localparam int unsigned LEVELS = counter_levels();
  localparam int unsigned ALL_LEVELS = ENTRY_LEVELS + LEVELS + 1;

  // Registers at or in front of the place that has `level` levels of logic before it.
  function automatic int unsigned registers(int unsigned level);
    registers = level * (STAGES + 1) / ALL_LEVELS;
    if (registers > STAGES) registers = STAGES;
  endfunction

  if (offset(HEIGHTS, COLUMNS) != BITS) begin : gen_reject_bits
    $error("bm_compressor_tree: BITS (%0d) must be the sum of HEIGHTS (%0d)", BITS,
           offset(HEIGHTS, COLUMNS));
  end
  for (genvar level = 0; level <= LEVELS; level++) begin : gen_levels
    localparam heights_t NOW = heights_at(level);
    localparam int unsigned NOW_BITS = offset(NOW, COLUMNS);
    localparam int unsigned PLACE = ENTRY_LEVELS + level;

    logic [NOW_BITS-1:0] arriving;
    logic [NOW_BITS-1:0] now;

    bm_delay #(
      .WIDTH (NOW_BITS),
      .CYCLES(registers(PLACE) - ((level == 0) ? 0 : registers(PLACE - 1)))
    ) u_registers (
      .clk(clk),
      .en (en),
      .d  (arriving),
      .q  (now)
    );

    if (level == 0) begin : gen_first
      assign arriving = bits;
    end else begin : gen_counters
      localparam heights_t BEFORE = heights_at(level - 1);

      for (genvar column = 0; column < COLUMNS; column++) begin : gen_columns
        localparam int unsigned HEIGHT = height(BEFORE, column);
        localparam int unsigned WIDE = wide(HEIGHT);
        localparam int unsigned COUNTERS = WIDE + narrow(HEIGHT);
        localparam int unsigned PASSED = passed(HEIGHT);
        localparam int unsigned FROM = offset(BEFORE, column);
        localparam int unsigned PASSED_FROM = FROM + HEIGHT - PASSED;
        // In each column: sums, passed bits, carries of weight 2, then carries of weight 4.
        localparam int unsigned SUM_TO = offset(NOW, column);
        localparam int unsigned PASSED_TO = SUM_TO + COUNTERS;
        localparam int unsigned COLUMNS_LEFT = COLUMNS - column;

        for (genvar i = 0; i < COUNTERS; i++) begin : gen_counters
          localparam int unsigned LEFT = HEIGHT - i * GROUP;
          localparam int unsigned INPUTS = (i >= WIDE) ? 3 : (LEFT < GROUP) ? LEFT : GROUP;
          localparam int unsigned MOST = (i >= WIDE) ? 2 : 3;
          localparam int unsigned OUTPUTS = (COLUMNS_LEFT < MOST) ? COLUMNS_LEFT : MOST;

          logic [OUTPUTS-1:0] count;

          bm_bit_counter #(
            .INPUTS (INPUTS),
            .OUTPUTS(OUTPUTS),
            .TARGET (TARGET)
          ) u_counter (
            .bits (gen_levels[level-1].now[FROM+i*GROUP+:INPUTS]),
            .count(count)
          );

          assign arriving[SUM_TO+i] = count[0];
          if (OUTPUTS >= 2) begin : gen_twos
            localparam int unsigned HERE = height(BEFORE, column + 1);
            localparam int unsigned TO = offset(NOW, column + 1)
                + wide(HERE) + narrow(HERE) + passed(HERE);
            assign arriving[TO+i] = count[1];
          end
          if (OUTPUTS == 3) begin : gen_fours
            localparam int unsigned TO = offset(NOW, column + 3) - WIDE;
            assign arriving[TO+i] = count[2];
          end
        end

        if (PASSED > 0) begin : gen_passed
          assign arriving[PASSED_TO+:PASSED] = gen_levels[level-1].now[PASSED_FROM+:PASSED];
        end
      end
    end
  end

  localparam heights_t LAST = heights_at(LEVELS);
  localparam int unsigned LOWEST = lowest(LAST);

  logic [COLUMNS-1:0] row_a;
  logic [COLUMNS-1:0] row_b;
  logic carry_in;
  logic [COLUMNS-1:0] last_sum;

  for (genvar column = 0; column < COLUMNS; column++) begin : gen_rows
    localparam int unsigned FROM = offset(LAST, column);

    if (height(LAST, column) > 0) begin : gen_a
      assign row_a[column] = gen_levels[LEVELS].now[FROM];
    end else begin : gen_no_a
      assign row_a[column] = 1'b0;
    end
    if (height(LAST, column) > 1) begin : gen_b
      assign row_b[column] = gen_levels[LEVELS].now[FROM+1];
    end else begin : gen_no_b
      assign row_b[column] = 1'b0;
    end
  end

  if (LOWEST < COLUMNS && height(LAST, LOWEST) == 3) begin : gen_carry_in
    assign carry_in = gen_levels[LEVELS].now[offset(LAST, LOWEST)+2];
  end else begin : gen_no_carry_in
    assign carry_in = 1'b0;
  end

  if (LOWEST < COLUMNS) begin : gen_adder
    localparam int unsigned ADDER_W = COLUMNS - LOWEST + 1;

    logic [ADDER_W-1:0] shifted_sum;
    logic unused_bit;

    // An extra lowest position makes the carry: it reaches the carry chain in every tool.
    assign shifted_sum = {row_a[COLUMNS-1:LOWEST], carry_in} + {row_b[COLUMNS-1:LOWEST], carry_in};
    assign last_sum[COLUMNS-1:LOWEST] = shifted_sum[ADDER_W-1:1];
    assign unused_bit = shifted_sum[0];
    if (LOWEST > 0) begin : gen_finished
      logic unused_row;

      assign last_sum[LOWEST-1:0] = row_a[LOWEST-1:0];
      assign unused_row = &{1'b0, row_b[LOWEST-1:0]};
    end
  end else begin : gen_no_adder
    logic unused_row;

    assign last_sum = row_a;
    assign unused_row = &{1'b0, row_b, carry_in};
  end

  bm_delay #(
    .WIDTH (COLUMNS),
    .CYCLES(STAGES - registers(ENTRY_LEVELS + LEVELS))
  ) u_last_registers (
    .clk(clk),
    .en (en),
    .d  (last_sum),
    .q  (sum)
  );

endmodule

`default_nettype wire
