// SPDX-License-Identifier: Apache-2.0
//
// bm_plane_order: the order in which weight planes meet activation planes, as addresses and flags.
//
// Golden model: for each vector, for each of ROWS rows of weights, for each pair of planes, for each
// of WORDS words: one step. With u and v the distance of the weight and of the activation plane from
// the most significant one, the pairs go by diagonals of rising u + v, and with rising u in them.
// Throughput: 1 step per cycle. No stream ports.
//
// Weights: plane u of word w of a row lies at (row*W_W + u)*WORDS + w, rows counted over GROUPS
// vectors. Activations: plane v of word w lies at (half*IN_W + v)*WORDS + w; halves take turns.

`default_nettype none

module bm_plane_order #(
  parameter  int unsigned WORDS     = 4,  // words per plane of a vector
  parameter  int unsigned ROWS      = 2,  // rows of weights that each vector meets
  parameter  int unsigned GROUPS    = 1,  // vectors until the rows start again
  parameter  int unsigned IN_W      = 4,  // activation planes
  parameter  bit          IN_SIGNED = 1'b0,  // plane 0 of the activations is negative
  parameter  int unsigned W_W       = 4,  // weight planes
  parameter  bit          W_SIGNED  = 1'b1,  // plane 0 of the weights is negative
  localparam int unsigned INDEX_W   = (WORDS > 1) ? $clog2(WORDS) : 1,
  localparam int unsigned X_ADDR_W  = $clog2(2 * IN_W * WORDS),
  localparam int unsigned W_WORDS   = GROUPS * ROWS * W_W * WORDS,
  localparam int unsigned W_ADDR_W  = (W_WORDS > 1) ? $clog2(W_WORDS) : 1,
  localparam int unsigned U_W       = (W_W > 1) ? $clog2(W_W) : 1,
  localparam int unsigned V_W       = (IN_W > 1) ? $clog2(IN_W) : 1
) (
  input  wire logic                clk,
  input  wire logic                rst,

  input  wire logic                step,  // go on to the next word
  input  wire logic [     U_W-1:0] last_u,  // of the present vector
  input  wire logic [     V_W-1:0] last_v,

  output wire logic [ INDEX_W-1:0] index,  // the word
  output wire logic [X_ADDR_W-1:0] x_addr,
  output wire logic [W_ADDR_W-1:0] w_addr,
  output wire logic                half,
  output wire logic                word_first,  // the first word of a pair
  output wire logic                word_last,
  output wire logic                pair_first,  // the first pair of a row
  output wire logic                pair_last,
  output wire logic                doubles,  // the first pair of a diagonal, other than the first
  output wire logic                negative,  // the product of this pair is subtracted
  output wire logic                vector_ends  // the last word of the last row
);

  localparam int unsigned ROW_W = (ROWS > 1) ? $clog2(ROWS) : 1;

  logic [INDEX_W-1:0] index_q;
  logic [U_W-1:0] u_q, start_u_d, start_u_q;  // of the pair, and of the first one of its diagonal
  logic [V_W-1:0] v_q, start_v_d, start_v_q;
  logic [ROW_W-1:0] row_q;
  logic [W_ADDR_W-1:0] w_row_q;
  logic doubles_q, half_q;
  logic diagonal_last, row_last;
  logic tall;  // the next diagonal begins one weight plane further on, and else one of the others

  assign word_first    = index_q == '0;
  assign word_last     = index_q == INDEX_W'(WORDS - 1);
  assign pair_first    = u_q == '0 && v_q == '0;
  assign pair_last     = u_q == last_u && v_q == last_v;
  assign diagonal_last = W_W == 1 || u_q == last_u || v_q == '0;
  assign row_last      = row_q == ROW_W'(ROWS - 1);
  assign tall          = W_W > 1 && (IN_W == 1 || start_v_q == last_v);
  assign negative      = (W_SIGNED && u_q == '0) != (IN_SIGNED && v_q == '0);
  assign doubles       = doubles_q;
  assign vector_ends   = step && word_last && pair_last && row_last;

  assign start_u_d = pair_last ? '0 : start_u_q + U_W'(tall);
  assign start_v_d = pair_last ? '0 : start_v_q + V_W'(!tall);

  assign index = index_q;
  assign half  = half_q;

  // Where a plane begins: few planes make a small table, and no multiplier.
  function automatic logic [X_ADDR_W-1:0] x_plane(logic [V_W-1:0] v);
    x_plane = '0;
    for (int unsigned i = 1; i < IN_W; i++) begin
      if (v == V_W'(i)) x_plane = X_ADDR_W'(i * WORDS);
    end
  endfunction

  function automatic logic [W_ADDR_W-1:0] w_plane(logic [U_W-1:0] u);
    w_plane = '0;
    for (int unsigned i = 1; i < W_W; i++) begin
      if (u == U_W'(i)) w_plane = W_ADDR_W'(i * WORDS);
    end
  endfunction

  assign x_addr = (half_q ? X_ADDR_W'(IN_W * WORDS) : '0) + (x_plane(v_q) + X_ADDR_W'(index_q));
  assign w_addr = w_row_q + (w_plane(u_q) + W_ADDR_W'(index_q));

  always_ff @(posedge clk) begin
    if (step) index_q <= word_last ? '0 : index_q + 1'b1;
    if (step && word_last) begin
      u_q       <= diagonal_last ? start_u_d : u_q + 1'b1;
      v_q       <= diagonal_last ? start_v_d : v_q - 1'b1;
      doubles_q <= diagonal_last && !pair_last;
      if (diagonal_last) begin
        start_u_q <= start_u_d;
        start_v_q <= start_v_d;
      end
    end
    if (step && word_last && pair_last) begin
      row_q   <= row_last ? '0 : row_q + 1'b1;
      half_q  <= half_q ^ row_last;
      w_row_q <= w_row_q + W_ADDR_W'(W_W * WORDS);
      if (w_row_q == W_ADDR_W'(W_WORDS - W_W * WORDS)) w_row_q <= '0;
    end
    if (rst) begin
      index_q   <= '0;
      u_q       <= '0;
      v_q       <= '0;
      start_u_q <= '0;
      start_v_q <= '0;
      doubles_q <= 1'b0;
      row_q     <= '0;
      half_q    <= 1'b0;
      w_row_q   <= '0;
    end
  end

endmodule

`default_nettype wire
