// SPDX-License-Identifier: Apache-2.0
//
// ras_loaded.hpp: a ras whose lists lie coded in memory, and are read out of it once, in the first
// call.
//
// Golden model: ir/ops/dense.py. Throughput: that of ras, behind a first call that also takes a
// step for each symbol of the lists.
//
// In, out and picks: those of ras. Coded lists: words of 16 bits, the last one with a mark in its
// bit 16: see huffman.hpp. They are those of a matrix with a row for each run of additions, those
// of adder 0 first, each adder with a whole list of entries. Without right lists nothing is taken.
//
// C: that of ras; RUNS, the rows of the coded matrix; Lengths, the bits of the codes of its
// symbols, a std::integer_sequence; Seed, where the checksum starts, a std::integral_constant.

#ifndef BITMASON_RAS_LOADED_HPP
#define BITMASON_RAS_LOADED_HPP

#include <cstdint>
#include <utility>

#include "huffman.hpp"
#include "ras.hpp"

namespace bitmason {

// What the reader of the lists is built for.
template <class C>
struct ListCode {
  static constexpr unsigned ROWS = C::RUNS;
  static constexpr unsigned COLUMNS = C::MW / C::SIMD;
  static constexpr unsigned CODE_BITS = 0;
  static constexpr unsigned SYMBOLS = C::Lengths::size();
  static constexpr std::uint32_t SEED = C::Seed::value;

  static constexpr unsigned length(unsigned symbol) {
    return code_length(symbol, typename C::Lengths{});
  }
};

// Gives the words of coded lists.
template <unsigned CODED>
void list_words(const Stored<ap_uint<17>> (&coded)[CODED][1], hls::stream<CodedWord>& out) {
  for (unsigned i = 0; i < CODED; i++) {
#pragma HLS pipeline II = 1 style = flp
    const unsigned line = code<ap_uint<17>>(coded[i][0]);
    CodedWord word;
    word.data = static_cast<int>(line & 0xFFFFU);
    word.last = line >> 16 != 0;
    out.write(word);
  }
}

template <class CODE>
void list_runs(hls::stream<CodedWord>& in, hls::stream<WeightBeat<CODE>>& out, bool& right) {
  right = read_weights<CODE>(in, out);
}

// Keeps the entries of all runs; they are right if they are as many as there is room for.
template <class C, unsigned WORDS>
void keep_lists(hls::stream<WeightBeat<ListCode<C>>>& in,
                Stored<typename C::Entry> (&lists)[WORDS][C::PE * C::SIMD], bool& right) {
  constexpr unsigned SLOT_W = index_bits(C::MW / C::SIMD);
  constexpr unsigned ADDERS = C::PE * C::SIMD;
  unsigned runs = 0;
  unsigned adder = 0;
  unsigned word = 0;
  bool first = true;
  bool all_entries = true;

  while (runs != C::RUNS) {
#pragma HLS pipeline II = 1 style = flp
    const WeightBeat<ListCode<C>> beat = in.read();
    const unsigned slot = code<ap_uint<WeightBeat<ListCode<C>>::COLUMN_W>>(beat.column);
    const unsigned entry = (first ? 1U << SLOT_W : 0U) | slot;
    all_entries = all_entries && beat.is_entry && adder != ADDERS;
    if (adder != ADDERS) lists[word][adder] = static_cast<int>(entry);
    first = beat.row_ends;
    runs += beat.row_ends ? 1 : 0;
    word = word + 1 == WORDS ? 0 : word + 1;
    if (word == 0 && adder != ADDERS) adder++;
  }
  right = all_entries && adder == ADDERS;
}

template <class C, unsigned CODED, unsigned WORDS>
void load_lists(const Stored<ap_uint<17>> (&coded)[CODED][1],
                Stored<typename C::Entry> (&lists)[WORDS][C::PE * C::SIMD], bool& read,
                bool& fits) {
#pragma HLS dataflow
  hls::stream<CodedWord> words("words");
  hls::stream<WeightBeat<ListCode<C>>> entries("entries");

  list_words(coded, words);
  list_runs<ListCode<C>>(words, entries, read);
  keep_lists<C>(entries, lists, fits);
}

template <class C, class IN, class OUT, unsigned CODED, unsigned WORDS>
void ras_loaded(hls::stream<IN>& in, hls::stream<OUT>& out,
                const Stored<ap_uint<17>> (&coded)[CODED][1],
                const Stored<typename C::Pick> (&picks)[WORDS][C::SCALERS]) {
  BITMASON_MEMORY Stored<typename C::Entry> lists[WORDS][C::PE * C::SIMD];
#pragma HLS array_reshape variable = lists complete dim = 2
  BITMASON_MEMORY bool loaded = false;

  if (!loaded) {
    bool read = false;
    bool fits = false;
    load_lists<C>(coded, lists, read, fits);
    loaded = read && fits;
  }
  if (loaded) ras<C>(in, out, lists, picks);
}

}  // namespace bitmason

#endif
