// SPDX-License-Identifier: Apache-2.0
//
// ras_coded.hpp: a matrix-vector unit for weights of few values, most of them zero, that are kept
// as a Huffman-coded stream and decoded anew for each vector.
//
// Golden model: ir/ops/dense.py.
// Throughput: II 1, a step for each symbol and one more for each further end of a row in its run,
// while the next vector comes in, a beat a cycle.
//
// In: an element of each lane, MW beats a vector. Out: a row of each lane. Weights: the words of
// the streams of the matrices that the vectors meet in turn, {last, word}, without checksums; words
// that give out within a symbol are an end.
//
// C: MW, MH; LANES; SYMBOLS; BEATS in of a frame; Lengths, the bits of the code of each symbol as a
// std::integer_sequence of unsigned; Values, those of the weights, of long long.

#ifndef BITMASON_RAS_CODED_HPP
#define BITMASON_RAS_CODED_HPP

#include <utility>

#include "beat.hpp"
#include "bit_length.hpp"
#include "huffman.hpp"

namespace bitmason {

template <long long... VALUES>
long long coded_value(unsigned code, std::integer_sequence<long long, VALUES...>) {
#pragma HLS inline
  const long long values[] = {VALUES...};
#pragma HLS array_partition variable = values complete
  return values[code];
}

// What the decoder is built for.
template <class C>
struct InLineCode {
  static constexpr unsigned ROWS = C::MH;
  static constexpr unsigned COLUMNS = C::MW;
  static constexpr unsigned SYMBOLS = C::SYMBOLS;
  static constexpr unsigned CLASSES = C::Values::size();
  static constexpr unsigned CODE_BITS = CLASSES > 1 ? bit_length(CLASSES - 1) : 0;
  static constexpr unsigned length(unsigned symbol) {
    return code_length(symbol, typename C::Lengths{});
  }
};

// The beat that a step made, if any.
template <class CODE>
struct StepBeat {
  WeightBeat<CODE> beat = {};
  bool there = false;

  void write(const WeightBeat<CODE>& made) {
    beat = made;
    there = true;
  }
};

// Reads the streams one after the other, over and over, a step at a time.
template <class C, unsigned WORDS>
class InLineReader {
 public:
  using Code = InLineCode<C>;
  using Line = ap_uint<17>;

  // Returns whether the step was the last one of a matrix.
  bool step(const Stored<Line> (&lines)[WORDS][1], StepBeat<Code>& made) {
#pragma HLS inline
    if (!ended_ && reader_.has_room()) {
      const unsigned line = code<Line>(lines[word_][0]);
      reader_.put(line & 0xFFFFU);
      ended_ = line >> 16 != 0;
      word_ = word_ + 1 == WORDS ? 0 : word_ + 1;
    }
    if (waits_ && reader_.read(ended_) != Found::SYMBOL) reader_.symbol = Code::SYMBOLS - 1;
    const bool ends = reader_.symbol == Code::SYMBOLS - 1;
    waits_ = walker_.step(reader_.symbol, reader_.code, made) && !ends;
    if (!walker_.done()) return false;
    reader_ = SymbolReader<Code>{};
    walker_ = MatrixWalker<Code>{};
    ended_ = false;
    waits_ = true;
    return true;
  }

 private:
  SymbolReader<Code> reader_;
  MatrixWalker<Code> walker_;
  unsigned word_ = 0;
  bool ended_ = false;  // all words of the stream were taken
  bool waits_ = true;   // for a symbol
};

template <class C, class IN, class OUT, unsigned WORDS>
void ras_coded(hls::stream<IN>& in, hls::stream<OUT>& out,
               const Stored<ap_uint<17>> (&weights)[WORDS][1]) {
  using Elem = typename OUT::Elem;
  using Code = InLineCode<C>;
  using Entry = WeightBeat<Code>;
  constexpr unsigned VECTORS = C::BEATS / C::MW;
  static_assert(IN::SIZE == C::LANES, "ras_coded: a beat in is an element of each lane");
  static_assert(OUT::SIZE == C::LANES, "ras_coded: a beat out is a row of each lane");
  static_assert(C::BEATS == VECTORS * C::MW, "ras_coded: a frame is whole vectors");

  BITMASON_MEMORY Stored<typename IN::Elem> held[C::LANES][2 * C::MW];
#pragma HLS array_partition variable = held complete dim = 1
// A step reads vectors that are whole and writes to one that is not.
#pragma HLS dependence variable = held type = intra false
  Number<Elem> sums[C::LANES];
#pragma HLS array_partition variable = sums complete
  for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
    sums[lane] = 0;
  }
  InLineReader<C, WORDS> reader;
  unsigned taken = 0;
  unsigned place = 0;  // where the next beat goes
  unsigned whole = 0;  // vectors held
  unsigned half = 0;   // where the vector at work starts
  unsigned vectors = 0;

  while (vectors != VECTORS) {
#pragma HLS pipeline II = 1 style = flp
    const bool steps = whole != 0;
    if (taken != C::BEATS && whole != 2 && (!steps || !in.empty())) {
      const IN x = in.read();
      for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
        held[lane][place] = x.data[lane];
      }
      place = place + 1 == 2 * C::MW ? 0 : place + 1;
      if (place == 0 || place == C::MW) whole++;
      taken++;
    }
    if (!steps) continue;

    StepBeat<Code> made;
    const bool ends = reader.step(weights, made);
    const bool is_entry = made.there && made.beat.is_entry;
    const bool row_ends = made.there && made.beat.row_ends;
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      if (is_entry) {
        const unsigned column = half + code<ap_uint<Entry::COLUMN_W>>(made.beat.column);
        const unsigned kind = code<ap_uint<Entry::CODE_W>>(made.beat.code);
        const Number<Elem> value = coded_value(kind, typename C::Values{});
        sums[lane] += Number<Elem>(held[lane][column]) * value;
      }
      y.data[lane] = stored<Elem>(sums[lane]);
      if (row_ends) sums[lane] = 0;
    }
    if (row_ends) out.write(y);
    if (ends) {
      vectors++;
      whole--;
      half = C::MW - half;
    }
  }
}

}  // namespace bitmason

#endif
