"""bm_huffman_decoder, simulated: its contract, and millions of symbols."""

from __future__ import annotations

import numpy as np
import pytest

from bitmason.coding import encode_layer, frequencies, table_for
from bitmason.coding.gaps import gaps_of, runs_of, symbols_of
from bitmason.ir.codebook import Codebook
from hw_tests.bench.packing import mem_text
from hw_tests.bench.runner import run_bench, run_cell
from hw_tests.bench.wrapper import instance
from hw_tests.lib.coded_streams import Code
from hw_tests.lib.tb_huffman_decoder import CASES

STREAMS = 10
# Words from a memory, symbols to a comparison with another one, and a count of the cycles.
CHECKER = """
`default_nettype none

module bench_huffman_symbols #(
  parameter int unsigned WORDS    = {words},
  parameter int unsigned COUNT    = {count},
  parameter int unsigned SYMBOL_W = {symbol_bits}
) (
  input  wire logic clk,
  input  wire logic rst,
  output wire logic done,
  output wire logic [31:0] wrong,
  output wire logic [31:0] cycles,
  output wire logic code_error
);

  bit [16:0] words[WORDS];
  bit [7:0] symbols[COUNT];  // {{is the end, is an entry, code, symbol}}
  initial $readmemh("words.mem", words);
  initial $readmemh("symbols.mem", symbols);

  logic [31:0] word_q, symbol_q, wrong_q, cycles_q;
  logic [SYMBOL_W:0] data;
  logic valid, ready, last;
  bit [7:0] wanted;

{decoder}
  assign wanted = symbols[symbol_q];
  assign done   = symbol_q == COUNT;
  assign wrong  = wrong_q;
  assign cycles = cycles_q;

  always_ff @(posedge clk) begin
    if (ready && word_q < WORDS) word_q <= word_q + 1;
    if (valid && !done) begin
      symbol_q <= symbol_q + 1;
      if (data[SYMBOL_W-1:0] != wanted[SYMBOL_W-1:0] || last != wanted[7] ||
          (wanted[6] && data[SYMBOL_W] != wanted[SYMBOL_W])) begin
        wrong_q <= wrong_q + 1;
      end
    end
    if (symbol_q != 0 && !done) cycles_q <= cycles_q + 1;
    if (rst) begin
      word_q   <= '0;
      symbol_q <= '0;
      wrong_q  <= '0;
      cycles_q <= '0;
    end
  end

endmodule

`default_nettype wire
"""
WIRES = """.clk,
    .rst,
    .s_axis_tdata(words[word_q][15:0]),
    .s_axis_tvalid(word_q < WORDS),
    .s_axis_tready(ready),
    .s_axis_tlast(words[word_q][16]),
    .m_axis_tdata(data),
    .m_axis_tvalid(valid),
    .m_axis_tready(1'b1),
    .m_axis_tlast(last),
    .code_error"""


def test_huffman_decoder_keeps_its_contract() -> None:
    run_cell("bm_huffman_decoder", CASES, "hw_tests.lib.tb_huffman_decoder")


def symbols_run(each: int) -> None:
    """Encode streams of that many symbols, and compare every one that is decoded."""
    rng = np.random.default_rng(0)
    layers = []
    for _ in range(STREAMS):
        shape = (100, round(each / 37))  # 63 % zeros
        codes = np.where(rng.random(shape) < 0.63, -1, rng.integers(0, 2, shape))
        layers.append(Codebook((-1, 1), codes))
    code = Code(table_for([frequencies(layer) for layer in layers]), 1)
    words, symbols = [], []
    for layer in layers:
        stream = encode_layer(layer, code.table).words[:-2]
        words += [*stream[:-1].tolist(), int(stream[-1]) | 1 << 16]
        gaps, entries = gaps_of(layer.codes)
        found = symbols_of(runs_of(gaps), code.end + 1)
        is_entry = found < code.end - 1
        found[is_entry] += 64 + (entries << code.symbol_bits)
        found[-1] += 128
        symbols.append(found)
    wanted = np.concatenate(symbols)
    text = CHECKER.format(
        words=len(words),
        count=len(wanted),
        symbol_bits=code.symbol_bits,
        decoder=instance("bm_huffman_decoder", "decoder", code.parameters, WIRES),
    )
    files = {"words.mem": mem_text(words, 17), "symbols.mem": mem_text(wanted.tolist(), 8)}
    run_bench(
        "bench_huffman_symbols",
        {"bench_huffman_symbols.sv": text},
        "hw_tests.lib.tb_huffman_symbols",
        files,
    )


def test_200_000_symbols_come_at_one_a_cycle() -> None:
    symbols_run(20_000)


@pytest.mark.slow
def test_10_million_symbols_come_at_one_a_cycle() -> None:
    symbols_run(1_000_000)
